//! *Queues*: one message in every form, the difference to the one before it, and a field of it as a chart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::key::Key;

use crate::queues_tail::over_both;
use crate::support::browser::Browser;
use crate::support::engines::{Engine, House};
use crate::support::eventually;
use crate::support::peers::Publisher;

const CHANNEL: &str = "/topic/data";
const ADDRESS: &str = "/#/queues/%2Ftopic%2Fdata";
/// The smallest picture there is: one transparent dot as GIF.
const DOT: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

over_both!(a_payload_is_shown_in_every_form, a_field_becomes_a_chart);

/// Chooses the last message of the list.
async fn choose_last(browser: &Browser, text: &str) {
    browser.until_some(".tail-text", text).await;
    let click = "const rows = Array.from(document.querySelectorAll('.tail-row:not(.mark)'));
                 rows.find(row => row.innerText.includes(arguments[0])).click()";
    browser.run(click, vec![text.into()]).await;
    browser.until_text(".detail h3", "Message").await;
}

async fn a_payload_is_shown_in_every_form(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    publisher.publish(CHANNEL, br#"{"train":{"number":7,"late":false},"stops":["a","b"]}"#).await;
    publisher.publish(CHANNEL, br#"{"train":{"number":8,"late":false},"stops":["a","b"]}"#).await;
    choose_last(&browser, "\"number\":8").await;
    // JSON is told from the content, laid out, folded, and every line has its path.
    browser.until_text(".payload[data-form=JSON]", "\"number\": 8").await;
    browser.click_text(".fold-buttons button", "Fold all").await;
    eventually("what is inside is folded away", async || {
        browser.text(".payload").await.filter(|text| text.contains('…') && !text.contains("number"))
    })
    .await;
    browser.click_text(".fold-buttons button", "Unfold all").await;
    browser.until_text(".payload", "\"number\": 8").await;
    browser.click(".payload-line .fold").await;
    browser.until_text(".payload", "…").await;
    browser.click(".payload-line .fold").await;
    let line = "Array.from(document.querySelectorAll('.payload-line')).find(l => l.innerText.includes('number')).click()";
    browser.until_text(".payload", "\"number\": 8").await;
    browser.run(line, vec![]).await;
    browser.until_text(".chosen-line code", "$.train.number").await;
    browser.until_text(".chosen-line", "Copy path").await;
    for (form, part) in [
        ("Text", r#"{"train":{"number":8,"#),
        ("Hex", "7b 22 74 72 61 69 6e 22"),
        ("Base64", "eyJ0cmFpbiI6eyJudW1iZXIiOjgs"),
        ("Difference", "+     \"number\": 8"),
    ] {
        browser.click_text(".forms button", form).await;
        browser.until_text(&format!(".payload[data-form={form}]"), part).await;
    }
    browser.until_text(".form-note", "1 line gone, 1 line new since the message before").await;
    // However narrow the place is, no byte is cut.
    for form in ["Hex", "Base64"] {
        browser.click_text(".forms button", form).await;
        for width in ["800px", "400px", "280px"] {
            let fits = "document.querySelector('.detail').style.width = arguments[0];
                        const payload = document.querySelector(`.payload[data-form=${arguments[1]}]`);
                        return payload !== null && payload.scrollWidth <= payload.clientWidth";
            eventually("the lines fit", async || {
                (browser.run(fits, vec![width.into(), form.into()]).await == true).then_some(())
            })
            .await;
        }
    }
    browser.click_text(".detail-head button", "Close").await;

    // Nobody has left the end of the list, and there is nothing to scroll: the rows go on by themselves.
    publisher.publish(CHANNEL, b"rows go on").await;
    browser.until_some(".tail-text", "rows go on").await;
    publisher.publish(CHANNEL, &STANDARD.decode(DOT).expect("base64")).await;
    choose_last(&browser, &DOT[..12]).await;
    eventually("the browser draws the picture", async || {
        let width = browser.run("return document.querySelector('.picture img')?.naturalWidth", vec![]).await;
        (width == 1).then_some(())
    })
    .await;
    browser.click_text(".forms button", "Hex").await;
    browser.until_text(".payload[data-form=Hex]", "GIF89a").await;
    browser.expect_no_errors(false).await;
}

async fn a_field_becomes_a_chart(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    publisher.publish(CHANNEL, br#"{"speed":80}"#).await;
    choose_last(&browser, "speed").await;
    browser.until_text(".payload", "\"speed\": 80").await;
    let line = "Array.from(document.querySelectorAll('.payload-line')).find(l => l.innerText.includes('speed')).click()";
    browser.run(line, vec![]).await;
    browser.click_text(".chosen-line button", "Chart").await;
    browser.until_text(".field-chart", "$.speed").await;
    browser.until_text(".field-chart .unit", "1 message").await;
    publisher.publish(CHANNEL, br#"{"speed":85}"#).await;
    publisher.publish(CHANNEL, b"no JSON at all").await;
    eventually("it counts those with and those without the number", async || {
        let notes = browser.texts(".field-chart > .unit").await;
        notes.iter().any(|text| text == "2 messages, 1 without this number").then_some(())
    })
    .await;
    assert_ne!(browser.count(".field-chart canvas").await, 0);
    browser.click_text(".field-chart button", "Close").await;
    eventually("it is gone", async || (browser.count(".field-chart").await == 0).then_some(())).await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_payload_is_copied_also_where_the_page_has_no_clipboard() {
    let house = House::start(Engine::Embedded).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    for text in ["żółw with a clipboard", "and without one"] {
        publisher.publish(CHANNEL, text.as_bytes()).await;
        choose_last(&browser, text).await;
        browser.until_text(".payload", text).await;
        browser.click(".detail-actions [title^='Copy the payload']").await;
        browser.until_text(".detail-actions [title^='Copy the payload']", "Copied").await;
        browser.fill(".channel-panel .filter", "").await;
        browser.press(&format!("{}v", Key::Control)).await;
        let pasted = "return document.querySelector('.channel-panel .filter').value";
        eventually("what is pasted is what was copied", async || {
            (browser.run(pasted, vec![]).await == text).then_some(())
        })
        .await;
        // As a page has none that came over plain HTTP from another host.
        browser.run("Object.defineProperty(navigator, 'clipboard', { value: undefined })", vec![]).await;
        browser.click_text(".detail-head button", "Close").await;
        browser.click_text(".tail-controls button", "Clear").await;
        eventually("the list is empty", async || (browser.count(".tail-row").await == 0).then_some(())).await;
    }
    browser.expect_no_errors(false).await;
}
