//! Pictures of every view, wide and narrow, light and dark, for people to look at: in `screenshots/`, which git ignores.
//!
//! What a program can check of them is checked: their size, and that nothing sticks out at the side.

use std::path::Path;

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::peers::{ChatUser, Publisher, Subscriber};
use crate::support::relay::Relay;

/// Width and height in CSS pixels.
pub(crate) const SIZES: [(&str, u32, u32); 2] = [("wide", 1_280, 800), ("narrow", 390, 844)];
pub(crate) const THEMES: [&str; 2] = ["light", "dark"];
/// Each view, its address, and what must be there before the picture is taken.
const VIEWS: [(&str, &str, &str); 5] = [
    ("metrics", "#/metrics", "tr[data-state=live] .agent-name"),
    ("queues", "#/queues/%2Ftopic%2Fnews", ".tail-row .tail-text"),
    ("chat", "#/chat", ".line-text"),
    ("changes", "#/changes", ".empty h2"),
    ("news", "#/news", ".page.news .empty h2"),
];

#[tokio::test]
async fn every_view_fits_every_size_and_theme() {
    let relay = Relay::start().await;
    let _fleet = Fleet::start(relay.ports.collector_pull);
    let _worker = Subscriber::connect(&relay.ports, "/queue/jobs").await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    for line in ["morning, green is climbing again", "the queue drains as fast as it fills"] {
        ada.say(line).await;
        browser.until_some(".line-text", line).await;
    }
    browser.say("I see it").await;
    ada.hears("grace: I see it").await;
    browser.go("#/queues/%2Ftopic%2Fnews").await;
    browser.until_subscribed().await;
    for number in 1..=40 {
        let news = format!("{{\"number\": {number}, \"headline\": \"train {number} has left on time\"}}");
        publisher.publish("/topic/news", news.as_bytes()).await;
        publisher.publish("/queue/jobs", b"a job").await;
    }
    browser.until_some(".tail-text", "train 40").await;

    for (size, width, height) in SIZES {
        for theme in THEMES {
            look_as(&browser, size, width, height, theme).await;
            for (view, address, ready) in VIEWS {
                browser.go(address).await;
                browser.until_text(ready, "").await;
                take(&browser, &format!("{view}-{size}-{theme}"), (width, height)).await;
            }
        }
    }
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn the_list_of_channels_fits_however_many_there_are() {
    let relay = Relay::start_with(&["--broker-channels", "20000"]).await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues")).await;
    browser.until_live("socket").await;
    let mut n_there = 0;
    for n_channels in [0, 1, 200, 10_000] {
        for number in n_there..n_channels {
            let channel = format!("/topic/region-{}/station-{number}/departures", number % 20);
            publisher.publish(&channel, b"a train has left").await;
        }
        n_there = n_channels;
        for (size, width, height) in SIZES {
            for theme in THEMES {
                look_as(&browser, size, width, height, theme).await;
                if n_channels == 0 {
                    browser.until_text(".channel-scroll .empty", "send").await;
                } else {
                    let last = format!("station-{}/departures", n_channels - 1);
                    search(&browser, &last).await;
                    browser.until_some(".channel-link", &last).await;
                    search(&browser, "").await;
                    browser.until_some(".channel-link", "region-0/station-0/").await;
                    assert_eq!(browser.count(".channel-scroll .empty").await, 0);
                }
                // Only the rows in view exist, and the columns fit the panel.
                assert!(browser.count(".channel-row").await < 60);
                let beside = "const list = document.querySelector('.channel-scroll');
                              return list.scrollWidth - list.clientWidth";
                eventually("the columns fit", async || {
                    browser.run(beside, vec![]).await.as_i64().filter(|&px| px <= 0)
                })
                .await;
                let name = format!("queues-{n_channels}-channels-{size}-{theme}");
                take(&browser, &name, (width, height)).await;
            }
        }
    }
    browser.expect_no_errors(false).await;
}

async fn search(browser: &Browser, words: &str) {
    let type_it =
        "const field = document.querySelector('.channel-panel .filter'); field.value = arguments[0];
                   field.dispatchEvent(new Event('input', { bubbles: true }))";
    browser.run(type_it, vec![words.into()]).await;
}

/// Makes the window so large, and sets the theme that its owner prefers.
pub(crate) async fn look_as(browser: &Browser, size: &str, width: u32, height: u32, theme: &str) {
    let metrics =
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "narrow" });
    browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
    browser.devtools("Emulation.setEmulatedMedia", features).await;
}

/// Takes a picture once nothing sticks out at the side.
pub(crate) async fn take(browser: &Browser, name: &str, size: (u32, u32)) {
    let too_wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    eventually(&format!("{name} does not stick out at the side"), async || {
        browser.run(too_wide, vec![]).await.as_i64().filter(|&px| px <= 0)
    })
    .await;
    let png = browser.picture().await;
    assert_eq!(size_of_png(&png), size, "{name}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../screenshots");
    std::fs::create_dir_all(&folder).expect("screenshots/ can be made");
    std::fs::write(folder.join(format!("{name}.png")), png).expect("it can be written");
}

/// Width and height from the header. Source: PNG (W3C) §11.2.2.
fn size_of_png(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}
