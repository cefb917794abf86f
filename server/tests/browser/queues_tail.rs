//! *Queues*: the tail of a channel, over the relay's own broker and over a plain one elsewhere: filters, pauses with
//! exact accounts, following, the keyboard, the address and the time cursor.

use fantoccini::key::Key;

use crate::support::browser::Browser;
use crate::support::engines::{Engine, House, PlainBroker};
use crate::support::eventually;
use crate::support::peers::Publisher;

const CHANNEL: &str = "/topic/news";
const ADDRESS: &str = "/#/queues/%2Ftopic%2Fnews";

/// A scenario for each engine.
macro_rules! over_both {
    ($($name:ident),* $(,)?) => { $(mod $name {
        #[tokio::test]
        async fn embedded() { super::$name(super::Engine::Embedded).await; }
        #[tokio::test]
        async fn elsewhere() { super::$name(super::Engine::Elsewhere).await; }
    })* };
}
pub(crate) use over_both;

over_both!(
    messages_are_filtered_at_the_relay,
    a_pause_counts_and_goes_on,
    whoever_scrolls_up_is_left_in_peace
);

/// Sets the filter as a person does.
async fn filter(browser: &Browser, kind: &str, words: &str) {
    let choose = "const select = document.querySelector('.tail-filter select'); select.value = arguments[0];
                  select.dispatchEvent(new Event('change', { bubbles: true }))";
    browser.run(choose, vec![kind.into()]).await;
    browser.fill(".tail-filter input", words).await;
    browser.focus(".tail-filter input").await;
    browser.press(&Key::Enter.to_string()).await;
}

async fn messages_are_filtered_at_the_relay(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    let n_before = browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    let messages = [
        r#"{"user":{"id":4},"text":"an error"}"#,
        r#"{"user":{"id":5},"text":"all is well"}"#,
        "timeout",
        "no JSON, error",
    ];
    let mut n_received = n_before;
    for (kind, words, probe, shown) in [
        ("text", "error", "error?", vec![messages[0], messages[3]]),
        ("json", "$.user.id >= 5", r#"{"user":{"id":9}}"#, vec![messages[1]]),
        ("regex", "^time|well", "time?", vec![messages[1], messages[2]]),
    ] {
        filter(&browser, kind, words).await;
        browser.until_address(&format!("filter={kind}")).await;
        eventually("the filter stands: it shows one of two and keeps the other back", async || {
            let n_filtered = account(&browser, "filtered").await;
            publisher.publish(CHANNEL, probe.as_bytes()).await;
            publisher.publish(CHANNEL, b"zzz").await;
            n_received += 2;
            browser.until_account("received", n_received).await;
            let is_shown = browser.tail().await.last().is_some_and(|text| text == probe);
            (is_shown && account(&browser, "filtered").await == n_filtered + 1).then_some(())
        })
        .await;
        browser.click_text(".tail-controls button", "Clear").await;
        for message in messages {
            publisher.publish(CHANNEL, message.as_bytes()).await;
        }
        n_received += messages.len() as u64;
        browser.until_account("received", n_received).await;
        browser.until_tail(&shown).await;
    }
    let accounts = browser.accounts().await;
    let parts: u64 = accounts[1..].iter().map(|(_, n)| n).sum();
    assert_eq!(parts, n_received, "received = shown + filtered + skipped: {accounts:?}");
    filter(&browser, "json", "$.user.id = 5").await;
    browser.until_text("#filter-error mark", "").await;
    // The address says it all: the same page opened again has the same filter, and says what is wrong with it.
    browser.tab.refresh().await.expect("the relay still serves the page");
    browser.until_text("#filter-error .fault-place", "$.user.id = 5").await;
    filter(&browser, "text", "").await;
    browser.until_subscribed().await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_is_typed_while_a_filter_is_set_stays() {
    let house = House::start(Engine::Embedded).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url(ADDRESS)).await;
    browser.until_subscribed().await;
    // Enter sets the filter at once; the page itself learns of it with the next frame, after the next key.
    let typed = "const [form, input] = ['.tail-filter', '.tail-filter input'].map(css => document.querySelector(css));
                 const type = text => {
                     input.value = text;
                     input.dispatchEvent(new Event('input', { bubbles: true }));
                 };
                 type('err');
                 form.requestSubmit();
                 type('erro');
                 return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
                     () => requestAnimationFrame(() => done([input.value, location.hash])))))";
    let found = browser.run(typed, vec![]).await;
    assert_eq!(found[0], "erro");
    assert!(found[1].as_str().is_some_and(|hash| hash.ends_with("err")), "{found}");
    // Somebody pauses: that is the filter then. An address that is given later is another one.
    browser.until_address("erro").await;
    browser.go("#/queues/%2Ftopic%2Fnews?filter=regex:warn").await;
    let shown = "return ['select', 'input'].map(css => document.querySelector(`.tail-filter ${css}`).value)";
    eventually("the form shows the filter of the address", async || {
        (browser.run(shown, vec![]).await == serde_json::json!(["regex", "warn"])).then_some(())
    })
    .await;
    browser.go("#/queues/%2Ftopic%2Fnews?filter=erro").await;
    eventually("and again the one before", async || {
        (browser.run(shown, vec![]).await == serde_json::json!(["text", "erro"])).then_some(())
    })
    .await;
    browser.expect_no_errors(false).await;
}

async fn account(browser: &Browser, name: &str) -> u64 {
    browser.accounts().await.iter().find(|(of, _)| *of == name).map_or(0, |(_, n)| *n)
}

async fn publish_numbers(publisher: &mut Publisher, numbers: std::ops::Range<u32>) {
    for number in numbers {
        publisher.publish(CHANNEL, format!("message {number}").as_bytes()).await;
    }
}

async fn a_pause_counts_and_goes_on(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    let n_before = browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    publish_numbers(&mut publisher, 0..1).await;
    browser.until_tail(&["message 0"]).await;
    browser.click(".pause").await;
    browser.until_address("tail=paused").await;
    publish_numbers(&mut publisher, 1..11).await;
    browser.until_text(".pause", "Resume (10 new)").await;
    assert_eq!(browser.texts(".tail-row .tail-text").await, ["message 0"], "the rows stand still");
    browser.until_account("received", n_before + 11).await;
    browser.click(".pause").await;
    let expected: Vec<String> = (0..11).map(|number| format!("message {number}")).collect();
    browser.until_tail(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // Again, and this time on with what comes now.
    browser.click(".pause").await;
    publish_numbers(&mut publisher, 11..16).await;
    browser.until_text(".pause", "Resume (5 new)").await;
    browser.click_text(".tail-controls button", "Jump to live").await;
    browser.until_some(".tail-row.mark", "5 messages of the pause left out").await;
    publish_numbers(&mut publisher, 16..17).await;
    browser.until_some(".tail-text", "message 16").await;
    assert!(!browser.texts(".tail-text").await.contains(&"message 12".to_owned()));
    browser.until_account("received", n_before + 17).await;
    // A paused tail is paused for whoever is given its address.
    browser.click(".pause").await;
    browser.until_address("tail=paused").await;
    browser.tab.refresh().await.expect("the relay still serves the page");
    browser.until_text(".pause[aria-pressed=true]", "Resume").await;
    browser.expect_no_errors(false).await;
}

/// The page with a tail that follows a hundred messages to its end, of which a screen shows some.
async fn long_tail(engine: Engine) -> (House, Publisher, Browser) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open_tail(&house.relay.url(ADDRESS), &mut publisher, CHANNEL).await;
    publish_numbers(&mut publisher, 0..100).await;
    browser.until_some(".tail-text", "message 99").await;
    // The list has to know that it stands at its end before it can tell that somebody scrolls up.
    browser.until_painted().await;
    (house, publisher, browser)
}

async fn whoever_scrolls_up_is_left_in_peace(engine: Engine) {
    let (_house, mut publisher, browser) = long_tail(engine).await;
    browser.run("document.querySelector('.tail-list').scrollTop = 0", vec![]).await;
    browser.until_text(".tail-pill", "Held while you read").await;
    browser.until_some(".tail-text", "message 0").await;
    publish_numbers(&mut publisher, 100..103).await;
    browser.until_text(".tail-pill", "3 new").await;
    assert_eq!(browser.run("return document.querySelector('.tail-list').scrollTop", vec![]).await, 0);
    // Whoever closes a message there goes on reading there.
    browser.run("document.querySelector('.tail-row').click()", vec![]).await;
    browser.click_text(".detail-head button", "Close").await;
    eventually("the message is closed", async || (browser.count(".detail").await == 0).then_some(())).await;
    browser.until_painted().await;
    publish_numbers(&mut publisher, 103..104).await;
    browser.until_text(".tail-pill", "4 new").await;
    assert_eq!(browser.run("return document.querySelector('.tail-list').scrollTop", vec![]).await, 0);
    browser.click(".tail-pill").await;
    browser.until_some(".tail-text", "message 103").await;
    publish_numbers(&mut publisher, 104..105).await;
    browser.until_some(".tail-text", "message 104").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_wheel_is_heeded_however_fast_the_rows_come() {
    let (_house, mut publisher, browser) = long_tail(Engine::Embedded).await;
    // In the very frame in which the page follows many rows to their end, a wheel moves the list back by a few pixels:
    // less than the end has run on, and less than what counts as away from the end.
    let wheel = "const list = document.querySelector('.tail-list');
                 const native = Object.getOwnPropertyDescriptor(Element.prototype, 'scrollTop');
                 const before = list.scrollTop;
                 Object.defineProperty(list, 'scrollTop', {
                     configurable: true,
                     get: () => native.get.call(list),
                     set: top => {
                         native.set.call(list, top);
                         if (native.get.call(list) < before + 280) return;
                         delete list.scrollTop;
                         queueMicrotask(() => { list.scrollTop -= 15; window.__turned = list.scrollTop; });
                     },
                 })";
    browser.run(wheel, vec![]).await;
    let turned = eventually("a wheel is turned while the page follows", async || {
        publish_numbers(&mut publisher, 100..120).await;
        browser.run("return window.__turned ?? null", vec![]).await.as_i64()
    })
    .await;
    publish_numbers(&mut publisher, 120..121).await;
    browser.until_text(".tail-pill", "new").await;
    browser.until_painted().await;
    assert_eq!(browser.run("return document.querySelector('.tail-list').scrollTop", vec![]).await, turned);
    // Back at the end by the same wheel, it follows again.
    let to_end = "const list = document.querySelector('.tail-list'); list.scrollTop = list.scrollHeight";
    browser.run(to_end, vec![]).await;
    browser.until_some(".tail-text", "message 120").await;
    eventually("the rows go on", async || (browser.count(".tail-pill").await == 0).then_some(())).await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn the_keyboard_alone_opens_reads_pins_and_closes() {
    let house = House::start(Engine::Embedded).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    publisher.publish("/topic/a", b"x").await;
    publisher.publish(CHANNEL, b"x").await;
    browser.open(&house.relay.url("/#/queues")).await;
    browser.until_some(".channel-link", CHANNEL).await;
    browser.focus(".channels").await;
    browser.press(&Key::End.to_string()).await;
    browser.press(&Key::Enter.to_string()).await;
    browser.until_text(".tail-panel h2", CHANNEL).await;
    browser.until_subscribed().await;
    publish_numbers(&mut publisher, 0..3).await;
    browser.until_some(".tail-text", "message 2").await;
    browser.focus(".tail-list").await;
    browser.press(&Key::Up.to_string()).await;
    browser.until_text(".tail-row[aria-selected=true] .tail-text", "message 2").await;
    browser.press(&Key::Up.to_string()).await;
    browser.until_text(".payload", "message 1").await;
    browser.press("p").await;
    browser.until_text(".pins li", "message 1").await;
    browser.press(&Key::Escape.to_string()).await;
    eventually("the message is closed", async || (browser.count(".detail").await == 0).then_some(())).await;
    publish_numbers(&mut publisher, 3..4).await;
    browser.until_some(".tail-text", "message 3").await;
    // A pin outlives the list.
    browser.click_text(".tail-controls button", "Clear").await;
    eventually("the list is empty", async || (browser.count(".tail-row").await == 0).then_some(())).await;
    browser.click(".pin-text").await;
    browser.until_text(".payload", "message 1").await;
    browser.click(".pins button[aria-label=Unpin]").await;
    eventually("nothing is pinned", async || (browser.count(".pins").await == 0).then_some(())).await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn the_time_cursor_scrolls_the_tail() {
    let house = House::start(Engine::Embedded).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url(ADDRESS)).await;
    browser.until_subscribed().await;
    publish_numbers(&mut publisher, 0..1).await;
    browser.until_some(".tail-text", "message 0").await;
    browser.click(".tail-row").await;
    browser.click_text(".detail-actions button", "Mark the moment").await;
    browser.click_text(".detail-head button", "Close").await;
    publish_numbers(&mut publisher, 1..200).await;
    browser.click(".tail-pill").await;
    browser.until_some(".tail-text", "message 199").await;
    assert!(!browser.texts(".tail-text").await.contains(&"message 0".to_owned()), "the list is at its end");
    // Whoever comes back to the view finds the list at the moment that is marked.
    browser.go("#/metrics").await;
    browser.until_some("h1", "Metrics").await;
    browser.until_live("feed").await;
    browser.go("#/queues/%2Ftopic%2Fnews").await;
    browser.until_some(".tail-text", "message 0").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_a_broker_elsewhere_cannot_do_is_said_and_its_loss_is_survived() {
    let mut house = House::start(Engine::Elsewhere).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url("/#/queues/%2Fqueue%2Fjobs")).await;
    browser.until_text(".notice.bad", "cannot show copies of the queue").await;
    browser.click_text(".tail-controls button", "Consume").await;
    browser.until_text(".notice.warn", "Consuming").await;
    eventually("a job is consumed", async || {
        publisher.publish("/queue/jobs", b"a job").await;
        browser.texts(".tail-text").await.contains(&"a job".to_owned()).then_some(())
    })
    .await;
    // What the broker cannot tell is unknown, not zero.
    browser.until_some(".channel-cell.unknown", "unknown").await;
    let cut = "return [...document.querySelectorAll('.channel-cell.unknown')]
                   .filter(cell => cell.clientWidth < cell.scrollWidth).length";
    assert_eq!(browser.run(cut, vec![]).await, 0, "the word is whole");
    browser.click_text(".tail-head .segment", "Channel").await;
    browser.until_some(".channel-page .quiet-note", "does not tell who receives").await;
    browser.until_some(".channel-page .quiet-note", "does not tell who publishes").await;
    assert_eq!(browser.count(".purge").await, 0, "what the engine cannot do is not offered");

    let broker = house.broker.as_mut().expect("it is elsewhere");
    broker.kill().await;
    browser.until_text(".engine-notice", "cannot be reached").await;
    browser.go("#/queues/%2Ftopic%2Fnews?tab=publish").await;
    browser.fill(".publish textarea", "into the void").await;
    browser.click(".publish button[type=submit]").await;
    browser.until_text(".outcomes li[data-outcome=refused]", "cannot be reached").await;
    let port = broker.port;
    house.broker = Some(PlainBroker::start(port).await);
    eventually("all is well again", async || (browser.count(".engine-notice").await == 0).then_some(()))
        .await;
    browser.click_text(".tail-head .segment", "Messages").await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    eventually("the tail goes on", async || {
        publisher.publish(CHANNEL, b"back again").await;
        browser.texts(".tail-text").await.contains(&"back again".to_owned()).then_some(())
    })
    .await;
    browser.until_some(".tail-row.mark", "in between is not in this list").await;
    browser.expect_no_errors(false).await;
}
