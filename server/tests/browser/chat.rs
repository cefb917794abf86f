//! *Chat*: line clients over TCP and pages are in one room under the same names.

mod everyone;
mod links;
mod manners;
mod pictures;
mod resume;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::ChatUser;
use crate::support::relay::Relay;

#[tokio::test]
async fn terminal_and_page_hear_each_other() {
    let relay = Relay::start().await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    ada.hears("grace connected!").await;
    browser.until_text(".people", "ada").await;

    ada.say("hello from a terminal").await;
    browser.until_some(".line-text", "hello from a terminal").await;
    browser.say("hello from the page").await;
    assert_eq!(ada.hears("hello from the page").await, "grace: hello from the page");
    browser.until_some(".line-text", "hello from the page").await;

    drop(ada);
    browser.until_some(".line.note", "ada left").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_name_in_use_is_refused_with_a_free_one() {
    let relay = Relay::start().await;
    let _ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.until_live("socket").await;
    browser.fill(".join input[name=name]", "ada").await;
    browser.click(".join button[type=submit]").await;
    browser.until_text(".join + .form-error", "ada").await;
    browser.click(".join button[type=button]").await;
    let people = eventually("both are in the room", async || {
        Some(browser.texts(".people li .ellipsis").await).filter(|people| people.len() == 2)
    })
    .await;
    assert!(people[0] != people[1] && people.iter().all(|name| name.starts_with("ada")), "{people:?}");
    browser.expect_no_errors(false).await;
}
