//! The product as it is given to others: one release binary in an empty directory, and nothing else.

use std::path::PathBuf;

use crate::support::browser::Browser;
use crate::support::http;
use crate::support::relay::Relay;

/// Made by `cargo xtask test browser`, or by an earlier `cargo xtask run`.
fn release_binary() -> PathBuf {
    let path = std::env::var_os("SIGNALBOX_TEST_RELEASE_BINARY").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/release/signalbox"),
        PathBuf::from,
    );
    assert!(path.is_file(), "no release binary at {}; run `cargo xtask test browser`", path.display());
    path
}

#[tokio::test]
async fn the_binary_alone_is_the_product() {
    let relay = Relay::start_program(release_binary(), &[]).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/")).await;
    browser.until_live("feed").await;
    browser.until_live("socket").await;
    browser.expect_no_errors(false).await;

    let get = async |path: &str, headers: &[&str]| {
        http::get(relay.ports.http, path, headers).await.unwrap_or_else(|| panic!("no answer for {path}"))
    };
    let page = get("/", &[]).await;
    let policy = page.headers.get("content-security-policy").expect("the page has a policy");
    assert!(policy.contains("'wasm-unsafe-eval'") && !policy.contains("unsafe-inline"), "{policy}");
    let (plain, brotli, gzip) =
        ("Accept-Encoding: identity", "Accept-Encoding: gzip, br", "Accept-Encoding: gzip");
    let mut sizes = Vec::new();
    for (encoding, expected) in [(plain, None), (gzip, Some("gzip")), (brotli, Some("br"))] {
        let wasm = get("/signalbox-frontend_bg.wasm", &[encoding]).await;
        assert_eq!(wasm.headers.get("content-encoding").map(String::as_str), expected);
        assert_eq!(wasm.headers.get("content-type").map(String::as_str), Some("application/wasm"));
        sizes.push(wasm.body.len());
    }
    assert!(sizes[2] < sizes[1] && sizes[1] < sizes[0], "brotli < gzip < plain: {sizes:?}");

    // What is asked for by the name of another build is not answered with this one's.
    let other = get("/signalbox-frontend_rest-0123456789abcdef.wasm", &[]).await;
    assert_eq!(other.status, 404);
}
