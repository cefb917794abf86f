//! The page as a person meets it: the shipped page in headless Chromium, against the real binary, with real peers.
//!
//! `cargo xtask test browser` builds what these tests need and says where it is. Each test has its own relay, its
//! own browser profile and its own ports.

mod support;

#[tokio::test]
async fn the_browser_itself_works() {
    let browser = support::browser::Browser::start().await;
    browser.open("data:text/html,<p id=a>hello</p><script>console.error('oops')</script>").await;
    browser.until_text("#a", "hello").await;
    browser
        .devtools(
            "Emulation.setDeviceMetricsOverride",
            serde_json::json!({"width":390,"height":844,"deviceScaleFactor":1,"mobile":false}),
        )
        .await;
    assert_eq!(browser.run("return innerWidth", vec![]).await, 390);
    println!("{:?}", browser.console().await);
}
