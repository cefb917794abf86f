//! *News*: real boxes of local sites, in the order and under the filter that a person wants, and what failed beside them.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::relay::Relay;
use crate::support::settings_file::SettingsFile;
use crate::support::site::Site;

/// One row of `[[sources]]` for a page of that site.
pub fn source(site: &Site, name: &str, path: &str, more: &str) -> String {
    let address = site.address;
    format!("[[sources]]\nname = '{name}'\nurl = 'http://{address}{path}'\nheadline = 'h2 a'\n{more}\n")
}

/// A relay with these sources on this machine.
pub async fn relay(sources: &[String]) -> Relay {
    let settings = SettingsFile::write(&format!("news_private = 'allow'\n{}", sources.concat()));
    Relay::start_with(&["--config", settings.path()]).await
}

impl Browser {
    /// Waits until the boxes' titles are these.
    pub async fn until_titles(&self, expected: &[&str]) {
        eventually(&format!("the boxes {expected:?}"), async || {
            (self.texts(".news-title").await == expected).then_some(())
        })
        .await;
    }
}

const MARKUP: &str = "<script>alert(1)</script>";

#[tokio::test]
async fn boxes_are_sorted_filtered_and_coloured_and_what_failed_says_why() {
    let site = Site::start().await;
    let relay = relay(&[
        source(&site, "Zeta Times", "/page", "color = '#b5302f'"),
        source(&site, "Alpha Post", "/changing", "color = '#2f5db5'"),
        source(&site, "Broken Herald", "/error", ""),
        source(&site, "Sleepy Gazette", "/hangs", "deadline = '400ms'"),
    ])
    .await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/news")).await;
    browser.until_titles(&[MARKUP, "Constant", "Edition 0", "One & two"]).await;
    browser.until_text(".page.news .summary", "4 headlines").await;
    assert_eq!(browser.count(".news-box.is-new").await, 0, "nothing is new to who comes first");

    let failures = eventually("two sources have failed", async || {
        Some(browser.texts(".news-failures li:not([hidden])").await).filter(|failures| failures.len() == 2)
    })
    .await;
    for (told, why) in failures.iter().zip([
        "Broken Herald failed: the site answers 500 Internal Server Error · failing for ",
        "Sleepy Gazette failed: no answer within the deadline of 400ms · failing for ",
    ]) {
        assert!(told.starts_with(why) && told.ends_with(", no headlines yet"), "{told}");
    }
    browser.until_text(".news-sources summary", "4 sources, 2 failed").await;
    browser.click(".news-sources summary").await;
    browser.until_some(".news-sources li", "Zeta Times").await;

    browser.choose(".news-sort select", "source").await;
    browser.until_titles(&["Edition 0", "Constant", "One & two", MARKUP]).await;
    let color = "return getComputedStyle(document.querySelector('.news-box a')).borderLeftColor";
    assert_eq!(browser.run(color, vec![]).await, "rgb(47, 93, 181)");
    browser.fill(".news .filter", "zeta").await;
    browser.until_titles(&["One & two", MARKUP]).await;
    let address = browser.run("return location.hash", vec![]).await.to_string();
    assert!(address.contains("sort=source") && address.contains("filter=zeta"), "{address}");
    browser.fill(".news .filter", "edit").await;
    browser.until_titles(&["Edition 0"]).await;
    browser.fill(".news .filter", "nowhere").await;
    browser.until_text(".boxes-none:not([hidden])", "No headline contains that.").await;

    let links = "return Array.from(document.querySelectorAll('.page.news a[target]'), link => link.rel)";
    let links = browser.run(links, vec![]).await;
    assert!(links.as_array().is_some_and(|rels| rels.iter().all(|rel| rel == "noopener noreferrer")));
    browser.expect_no_errors(false).await;

    // The page that needs no script has the same boxes.
    browser.open(&relay.url("/news")).await;
    let titles = "return Array.from(document.querySelectorAll('.boxes a'), link => link.firstChild.data)";
    let titles = browser.run(titles, vec![]).await;
    assert_eq!(titles, serde_json::json!([MARKUP, "Constant", "Edition 0", "One & two"]));
    browser.until_text(".failures", "Broken Herald: the site answers 500").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_comes_later_is_pushed_marked_as_new_and_kept_when_its_site_breaks() {
    let site = Site::start().await;
    let relay = relay(&[source(&site, "Alpha Post", "/changing", "interval = '1s'")]).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/news")).await;
    browser.until_titles(&["Constant", "Edition 0"]).await;
    browser.choose(".news-sort select", "time").await;

    site.next_edition();
    browser.until_titles(&["Edition 1", "Constant"]).await;
    browser.until_text(".news-box.is-new .news-title", "Edition 1").await;
    assert_eq!(browser.texts(".news-new").await, ["new"]);
    browser.until_text(".page.news .summary", "2 headlines, 1 new").await;
    // What was on the screen is not new to who comes back.
    browser.go("#/metrics").await;
    browser.until_some("h1", "Metrics").await;
    browser.go("#/news").await;
    browser.until_text(".page.news .summary", "2 headlines").await;
    assert_eq!(browser.count(".news-new").await, 0);

    site.break_down();
    let told = browser.until_text(".news-failures li", "Alpha Post failed: the site answers 503").await;
    assert!(told.contains("2 headlines from ") && told.ends_with(" ago"), "{told}");
    assert_eq!(browser.count(".news-box").await, 2);
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn boxes_under_the_pointer_stay_where_they_are() {
    let site = Site::start().await;
    let relay = relay(&[source(&site, "Alpha Post", "/changing", "interval = '1s'")]).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/news")).await;
    browser.until_titles(&["Constant", "Edition 0"]).await;
    let focus = "document.querySelector('.news-box a').focus()";
    browser.run(focus, vec![]).await;
    site.next_edition();
    browser.until_text(".news-waiting", "Newer headlines wait").await;
    assert_eq!(browser.texts(".news-title").await, ["Constant", "Edition 0"]);
    browser.run("document.activeElement.blur()", vec![]).await;
    browser.until_titles(&["Constant", "Edition 1"]).await;
    browser.expect_no_errors(false).await;
}
