//! Cuts the compiled page in two and joins it to the browser: wasm-split and wasm-bindgen, as libraries of the versions that
//! `Cargo.lock` has. `cargo xtask` builds and calls it.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

const USAGE: &str = "\
Usage: page-tool split NAME WASM DIR    cut WASM into DIR/NAME.wasm and what comes later
       page-tool bind NAME WASM DIR     write WASM and its script into DIR, as NAME_bg.wasm and NAME.js";

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [work, name, wasm, dir] = args.as_slice() else { bail!("{USAGE}") };
    let (wasm, dir) = (Path::new(wasm), Path::new(dir));
    match work.as_str() {
        "split" => split(name, wasm, dir),
        "bind" => bind(name, wasm, dir),
        _ => bail!("{USAGE}"),
    }
    .with_context(|| format!("{work} {}", wasm.display()))
}

fn split(name: &str, wasm: &Path, dir: &Path) -> Result<()> {
    let bytes = std::fs::read(wasm)?;
    let first = dir.join(format!("{name}.wasm"));
    let script = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    options.output_dir = dir;
    options.main_out_path = &first;
    options.main_module = &script;
    wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:#}"))?;
    Ok(())
}

fn bind(name: &str, wasm: &Path, dir: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(name).web(true)?.typescript(false);
    // Its function to begin with takes the file beside it, unless it is told another.
    bindgen.omit_default_module_path(false);
    // The second piece needs the table that the linker exports; the names are those of wasm-bindgen's own functions.
    bindgen.keep_lld_exports(true).remove_name_section(true);
    bindgen.generate(dir)
}
