//! Bringing `dist/` to the state of a freshly made page while touching only what differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

use crate::compress;

/// Makes `dist` hold exactly the files of `stage` and their compressed forms; gives how many were written or removed.
pub(super) fn sync(stage: &Path, dist: &Path) -> Result<usize> {
    let files = files_below(stage)?;
    // A thread for each, for two of them take nearly all of the time.
    let written: Vec<_> = thread::scope(|scope| {
        let puts: Vec<_> = files.iter().map(|file| scope.spawn(move || put(stage, dist, file))).collect();
        puts.into_iter().map(|put| put.join().expect("what a file needs is told, not panicked")).collect()
    });
    let mut n_changed = 0;
    for is_written in written {
        n_changed += usize::from(is_written?);
    }
    if dist.is_dir() {
        let compressed = files.iter().filter(|file| compress::pays_for(file));
        let compressed = compressed.flat_map(|file| compress::FORMS.map(|form| form.path(file)));
        let wanted: BTreeSet<_> = compressed.chain(files.iter().cloned()).collect();
        for file in files_below(dist)?.difference(&wanted) {
            let stale = dist.join(file);
            fs::remove_file(&stale).with_context(|| format!("cannot remove {}", stale.display()))?;
            n_changed += 1;
        }
    }
    Ok(n_changed)
}

/// Puts one file and its compressed forms where they are not yet; gives whether it was another.
fn put(stage: &Path, dist: &Path, file: &Path) -> Result<bool> {
    let content = read(&stage.join(file))?;
    let target = dist.join(file);
    let is_same = fs::read(&target).is_ok_and(|old| old == content);
    for form in compress::FORMS.iter().filter(|_| compress::pays_for(file)) {
        let target = form.path(&target);
        if !(is_same && target.is_file()) {
            write(&target, &form.compress(&content)?)?;
        }
    }
    // Last, so that a run that was cut short finds the difference again.
    if !is_same {
        write(&target, &content)?;
    }
    Ok(!is_same)
}

/// Every file below `dir`, as paths from there.
pub(crate) fn files_below(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(below) = dirs.pop() {
        let path = dir.join(&below);
        for entry in fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                dirs.push(name);
            } else {
                files.insert(name);
            }
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let dir = path.parent().context("a file stands in a directory")?;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::TempDir;

    fn names(dir: &Path) -> Vec<String> {
        files_below(dir).unwrap().iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn only_what_differs_is_written() {
        let temp = TempDir::new("sync");
        let (stage, dist) = (temp.path().join("stage"), temp.path().join("dist"));
        for (file, content) in [("a.js", "let a;"), ("fonts/b.woff2", "font"), ("old.css", "p{}")] {
            write(&stage.join(file), content.as_bytes()).unwrap();
        }
        assert_eq!(sync(&stage, &dist).unwrap(), 3);
        assert_eq!(
            names(&dist),
            ["a.js", "a.js.br", "a.js.gz", "fonts/b.woff2", "old.css", "old.css.br", "old.css.gz"]
        );

        let modified = |file: &str| fs::metadata(dist.join(file)).unwrap().modified().unwrap();
        let (font, script) = (modified("fonts/b.woff2"), modified("a.js"));
        assert_eq!(sync(&stage, &dist).unwrap(), 0);
        assert_eq!((modified("fonts/b.woff2"), modified("a.js")), (font, script));

        write(&stage.join("a.js"), b"let b;").unwrap();
        fs::remove_file(stage.join("old.css")).unwrap();
        assert_eq!(sync(&stage, &dist).unwrap(), 4, "one written, one removed with its two compressed forms");
        assert_eq!(names(&dist), ["a.js", "a.js.br", "a.js.gz", "fonts/b.woff2"]);
        assert_eq!(fs::read(dist.join("a.js")).unwrap(), b"let b;");
        assert_eq!(modified("fonts/b.woff2"), font);
    }
}
