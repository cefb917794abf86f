//! Has the release binary built again when the page inside it has changed.
//!
//! rust-embed tells cargo of the files it found, but not of a file or a page that comes later. A debug build reads the
//! page at run time and has nothing to build again.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../dist");
    }
}
