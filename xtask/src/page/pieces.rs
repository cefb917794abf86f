//! Cuts the compiled page in two, so that the first load holds only what every visit needs: `frontend/src/app/rest.rs`
//! says where.
//!
//! wasm-split goes by the linker's relocations: what only the marked function leads to goes into the second file, and
//! both share memory, stack and table. So the two fit only together, and the second one's name holds a hash of the build: a
//! page that is older than what serves it finds nothing under the name it knows, and says so.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::NAME;
use crate::{process, workspace};

/// What the linker must leave in the file: relocations, and wasm-split's own mark.
pub(super) const LINK_ARGS: [&str; 4] =
    ["-C", "link-arg=--emit-relocs", "-C", "link-arg=--keep-section=__wasm_split_unstable"];
/// The feature of the page that marks where it is cut.
pub(super) const FEATURE: &str = "pieces";

/// What wasm-split calls the second piece: `split_`, and the name in `frontend/src/app/rest.rs`.
const SPLIT_WASM: &str = "split_rest.wasm";
/// What it calls the script that fetches that.
const SPLIT_JS: &str = "__wasm_split.js";

/// The page in pieces, before wasm-bindgen.
pub(super) struct Pieces {
    /// The first one, for wasm-bindgen.
    pub(super) first: PathBuf,
    dir: PathBuf,
    hash: String,
}

/// Cuts `wasm` into files in `dir`.
pub(super) fn split(tool: &Path, wasm: &Path, dir: &Path) -> Result<Pieces> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    process::run(Command::new(tool).args(["split", NAME]).arg(wasm).arg(dir))?;
    let content = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    Ok(Pieces { first: dir.join(format!("{NAME}.wasm")), dir: dir.to_owned(), hash: hash(&content) })
}

impl Pieces {
    /// Puts what comes later beside what wasm-bindgen made in `stage`, under names of this build alone, and gives that of
    /// the script.
    pub(super) fn put_beside(&self, stage: &Path) -> Result<String> {
        let script = format!("{NAME}_rest-{}.js", self.hash);
        let wasm = format!("{NAME}_rest-{}.wasm", self.hash);
        let first_script = stage.join(format!("{NAME}.js"));
        // Only where it is imported: the first piece knows what it imports by the old name.
        let import = |file: &str| format!("from \"./{file}\"");
        rename_in(&first_script, &first_script, &import(SPLIT_JS), &import(&script))?;
        rename_in(&self.dir.join(SPLIT_JS), &stage.join(&script), SPLIT_WASM, &wasm)?;
        let from = self.dir.join(SPLIT_WASM);
        fs::copy(&from, stage.join(&wasm)).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(script)
    }
}

/// Writes the script `from` to `to`, with `new` where it says `old`.
fn rename_in(from: &Path, to: &Path, old: &str, new: &str) -> Result<()> {
    let text = workspace::read(from)?;
    if !text.contains(old) {
        bail!("{} names no {old}: is the page still cut there?", from.display());
    }
    fs::write(to, text.replace(old, new)).with_context(|| format!("cannot write {}", to.display()))
}

/// A name for a content, in few characters.
pub(super) fn hash(content: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
