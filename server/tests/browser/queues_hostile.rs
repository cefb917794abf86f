//! *Queues*: hostile payloads are shown as what they are, over either engine, and harm nothing: the page goes on.

use serde_json::Value;

use crate::queues_tail::over_both;
use crate::support::browser::Browser;
use crate::support::engines::{Engine, House};
use crate::support::eventually;
use crate::support::peers::Publisher;

const CHANNEL: &str = "/topic/hostile";
const ADDRESS: &str = "/#/queues/%2Ftopic%2Fhostile";
/// The largest frame that the broker takes, in bytes.
const LARGEST_BYTES: usize = 16 * 1024 * 1024;

over_both!(hostile_payloads_are_shown_as_what_they_are, the_largest_message_is_read_to_its_end);

async fn choose(browser: &Browser, row: usize) {
    let click = "document.querySelectorAll('.tail-row:not(.mark)')[arguments[0]].click()";
    browser.run(click, vec![row.into()]).await;
}

async fn hostile_payloads_are_shown_as_what_they_are(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    let script = "</pre><script>window.__hacked=1</script><img src=x onerror=window.__hacked=1>";
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    // Payload, what its row begins with, the form that is chosen for it, and what that shows.
    let cases: [(&[u8], &str, &str, &str); 6] = [
        (script.as_bytes(), script, "Text", script),
        (b"broken \xff\xfe end", "YnJva2VuIP/+IGVuZA==", "Hex", "62 72 6f 6b 65 6e 20 ff"),
        (
            "admin\u{202e}gnp.exe\u{200b}".as_bytes(),
            "admin⟨U+202E⟩gnp.exe⟨U+200B⟩",
            "Text",
            "admin⟨U+202E⟩gnp.exe⟨U+200B⟩",
        ),
        (b"\x1b[2J\x07", "⟨U+001B⟩[2J⟨U+0007⟩", "Text", "⟨U+001B⟩[2J⟨U+0007⟩"),
        (deep.as_bytes(), "[[[[[[[[", "JSON", "["),
        (b"", "", "Text", ""),
    ];
    for (payload, ..) in &cases {
        publisher.publish(CHANNEL, payload).await;
    }
    eventually("all of them are in the list", async || {
        (browser.texts(".tail-row:not(.mark)").await.len() == cases.len()).then_some(())
    })
    .await;
    let rows = browser.texts(".tail-row:not(.mark) .tail-text").await;
    for (row, (_, begins, form, shows)) in cases.iter().enumerate() {
        assert!(rows[row].starts_with(begins), "{:?} begins with {begins:?}", rows[row]);
        choose(&browser, row).await;
        browser.until_text(&format!(".payload[data-form={form}]"), shows).await;
    }
    // Every form of the deep one, for each must bear it.
    choose(&browser, 4).await;
    for form in ["Text", "Hex", "Base64", "JSON"] {
        browser.click_text(".forms button", form).await;
        browser.until_text(&format!(".payload[data-form={form}]"), "").await;
    }
    assert_eq!(browser.run("return window.__hacked ?? null", vec![]).await, Value::Null);
    assert_eq!(browser.count(".tail-panel img, .tail-panel script").await, 0);
    browser.click_text(".detail-head button", "Close").await;
    publisher.publish(CHANNEL, b"the page goes on").await;
    browser.until_some(".tail-text", "the page goes on").await;
    browser.expect_no_errors(false).await;
}

async fn the_largest_message_is_read_to_its_end(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    let mut largest = b"a line of a very large text\n".repeat(LARGEST_BYTES / 28);
    largest.resize(LARGEST_BYTES - 8, b'.');
    largest.extend_from_slice(b"the end!");
    publisher.publish(CHANNEL, &largest).await;
    browser.until_some(".tail-text", "a very large text").await;
    browser.until_some(".tail-size", "16").await;
    choose(&browser, 0).await;
    browser.until_text(".rest", "here").await;
    browser.click_text(".rest button", "Fetch the rest").await;
    eventually("all of it is here", async || (browser.count(".rest").await == 0).then_some(())).await;
    browser.click_text(".forms button", "Hex").await;
    let to_end = "const list = document.querySelector('.payload'); list.scrollTop = list.scrollHeight";
    eventually("its last line is shown", async || {
        browser.run(to_end, vec![]).await;
        browser.text(".payload[data-form=Hex]").await.filter(|text| text.contains("the end!"))
    })
    .await;
    publisher.publish(CHANNEL, b"the page goes on").await;
    browser.click_text(".detail-head button", "Close").await;
    browser.until_some(".tail-text", "the page goes on").await;
    browser.expect_no_errors(false).await;
}
