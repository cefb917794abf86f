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
const SIZES: [(&str, u32, u32); 2] = [("wide", 1_440, 900), ("narrow", 390, 844)];
const THEMES: [&str; 2] = ["light", "dark"];
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

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../screenshots");
    std::fs::create_dir_all(&folder).expect("screenshots/ can be made");
    for (size, width, height) in SIZES {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "narrow" });
        browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        for theme in THEMES {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
            browser.devtools("Emulation.setEmulatedMedia", features).await;
            for (view, address, ready) in VIEWS {
                browser.go(address).await;
                browser.until_text(ready, "").await;
                let too_wide =
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
                let what = format!("{view} does not stick out at the side when it is {size}");
                eventually(&what, async || {
                    browser.run(too_wide, vec![]).await.as_i64().filter(|&px| px <= 0)
                })
                .await;
                let png = browser.picture().await;
                assert_eq!(size_of_png(&png), (width, height), "{view} {size} {theme}");
                std::fs::write(folder.join(format!("{view}-{size}-{theme}.png")), png)
                    .expect("it can be written");
            }
        }
    }
    browser.expect_no_errors(false).await;
}

/// Width and height from the header. Source: PNG (W3C) §11.2.2.
fn size_of_png(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}
