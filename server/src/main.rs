//! The `signalbox` command: see [`signalbox::cli`]. The page goes in here and not in the library, so that the library can be
//! built while the page still is, and a new page has only this file built again.

use std::process::ExitCode;

use rust_embed::RustEmbed;
use signalbox::web::EmbeddedPage;

/// `dist/`, as `cargo xtask run` builds it. A debug build reads it at run time.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Page;

/// Which files these are, as `cargo xtask` says it. rust-embed tells cargo of those that it found, but not of others that come
/// later; a variable that has changed makes cargo look again.
const _: Option<&str> = option_env!("SIGNALBOX_PAGE_FILES");

fn main() -> ExitCode {
    signalbox::cli::main(EmbeddedPage(Page::get))
}
