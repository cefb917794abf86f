//! `cargo xtask dist`: what is given to others, with its sizes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::compress::{self, Form};
use crate::{page, process, progress, run, workspace};

/// Files that go along, from the top of the repository.
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Builds page and relay and packs both; the relay holds the page already, the files are for other hosts.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    let (page, binary) = run::build()?;
    let name = format!("signalbox-{}-{}", workspace::locked_version("signalbox")?, platform()?);
    let out = workspace::target_dir()?.join("dist");
    let dir = out.join(&name);
    let archive = progress::step("Packing", || {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(dir.join("page"))?;
        fs::copy(&binary, dir.join("signalbox")).context("cannot copy the binary")?;
        for file in DOCUMENTS {
            fs::copy(root.join(file), dir.join(file)).with_context(|| format!("cannot copy {file}"))?;
        }
        let mut cp = Command::new("cp");
        process::run(cp.arg("-r").arg(page.join(".")).arg(dir.join("page")))?;
        let archive = out.join(format!("{name}.tar.gz"));
        process::run(Command::new("tar").arg("-C").arg(&out).arg("-czf").arg(&archive).arg(&name))?;
        Ok(archive)
    })?;
    print_sizes(&page)?;
    println!("{:>10}  {}", progress::size(file_bytes(&binary)?), binary.display());
    println!("{:>10}  {}", progress::size(file_bytes(&archive)?), archive.display());
    Ok(())
}

/// One line per file of the page: as it is, by gzip, by brotli; then their sums.
pub(crate) fn print_sizes(page: &Path) -> Result<()> {
    println!("{:>10}  {:>10}  {:>10}  file of the page", "raw", "gzip", "brotli");
    let mut sums = [0; 3];
    for file in page::files_below(page)? {
        if file.extension().is_some_and(|extension| extension == "br" || extension == "gz") {
            continue;
        }
        let raw = file_bytes(&page.join(&file))?;
        let packed = |form: Form| {
            if compress::pays_for(&file) { file_bytes(&form.path(&page.join(&file))) } else { Ok(raw) }
        };
        let sizes = [raw, packed(Form::Gzip)?, packed(Form::Brotli)?];
        print_row(sizes, &file.display().to_string());
        sums = std::array::from_fn(|at| sums[at] + sizes[at]);
    }
    print_row(sums, "all");
    Ok(())
}

fn print_row(sizes: [usize; 3], name: &str) {
    let [raw, gzip, brotli] = sizes.map(progress::size);
    println!("{raw:>10}  {gzip:>10}  {brotli:>10}  {name}");
}

fn file_bytes(path: &Path) -> Result<usize> {
    let meta = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    usize::try_from(meta.len()).context("a file larger than memory")
}

/// What the binary runs on, as Rust names it.
fn platform() -> Result<String> {
    let told = process::output(Command::new("rustc").arg("-vV").current_dir(workspace::root()?))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}
