//! What others send is data, never markup: nothing that a payload, a channel, an agent or a chat user is called or says
//! can act in the page.

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::peers::{Agent, ChatUser, Publisher};
use crate::support::relay::Relay;

/// Would set `window.__hacked` wherever it is taken for markup, inside an element, an attribute or a script.
const ATTACK: &str = "\"><img src=x onerror=\"window.__hacked=1\"></pre><script>window.__hacked=1</script>";
/// The same for names that must be short.
const SHORT_ATTACK: &str = "<img src=x onerror=__hacked=1>";

#[tokio::test]
async fn nothing_that_others_send_acts_in_the_page() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let channel = format!("/topic/{SHORT_ATTACK}");

    // A name that would be a colour to the browser and a command to a careless page.
    let _agent = Agent::start(&relay.ports, SHORT_ATTACK);
    let _styled = Agent::start(&relay.ports, "red;background:url(//x)");
    browser.open(&relay.url("/")).await;
    browser.until_some(".agent-name", SHORT_ATTACK).await;
    browser.until_some(".agent-name", "red;background:url(//x)").await;

    publisher.publish(&channel, b"first").await;
    browser.open(&relay.url("/#/queues")).await;
    browser.choose_channel(&channel).await;
    publisher.publish(&channel, ATTACK.as_bytes()).await;
    browser.until_text(".tail-text", ATTACK).await;
    browser.click(".tail-row").await;
    browser.until_text(".payload", ATTACK).await;

    let mut eve = ChatUser::join(&relay.ports, SHORT_ATTACK).await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    eve.say(ATTACK).await;
    browser.until_some(".line-text", ATTACK).await;
    browser.until_some(".line-name", SHORT_ATTACK).await;

    assert_eq!(browser.run("return window.__hacked ?? null", vec![]).await, Value::Null);
    assert_eq!(browser.count("img, main script, iframe").await, 0);
    browser.expect_no_errors(false).await;
}
