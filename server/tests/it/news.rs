//! Headlines from real sites on this machine: good, slow, huge, broken, and hostile.

mod site;

use signalbox::config::{Layers, Settings};
use signalbox_shared::news::{News, NewsSource};

use crate::support::{TestServer, eventually, http, quiet_settings};
use site::Site;

/// A relay with these sources, which may be on this machine.
async fn relay(sources: &str) -> TestServer {
    relay_that_reaches("allow", sources).await
}

/// The same with that setting `news_private`.
async fn relay_that_reaches(private: &str, sources: &str) -> TestServer {
    let path = std::env::temp_dir().join(format!("signalbox-news-{}-{:p}.toml", std::process::id(), sources));
    std::fs::write(&path, sources).unwrap();
    let mut layers = Layers::default();
    layers.say_variables([("SIGNALBOX_NEWS_PRIVATE".to_owned(), private.to_owned())].into_iter());
    let said = layers.say_file(&path);
    std::fs::remove_file(&path).unwrap();
    said.unwrap();
    let Settings { sources, news, .. } = Settings::from_layers(&layers).unwrap();
    TestServer::start_with(Settings { sources, news, ..quiet_settings() }).await
}

fn source(site: &Site, name: &str, path: &str, more: &str) -> String {
    format!("[[sources]]\nname = \"{name}\"\nurl = \"http://{}{path}\"\n{more}\n", site.address)
}

async fn news(server: &TestServer, query: &str) -> News {
    let answer = http(server.http(), "GET", &format!("/api/news{query}"), &[], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn titles(source: &NewsSource) -> Vec<&str> {
    source.headlines.iter().map(|headline| headline.title.as_str()).collect()
}

fn failure(source: &NewsSource) -> &str {
    source.failure.as_ref().map_or("none", |failure| failure.reason.as_str())
}

#[tokio::test]
async fn pages_and_feeds_bring_headlines_and_each_fault_costs_only_itself() {
    let site = Site::start().await;
    let sources = [
        source(&site, "page", "/page", "headline = 'h2 a'"),
        source(&site, "feed", "/feed.xml", ""),
        source(&site, "moved", "/moved", "headline = 'h2 a'"),
        source(&site, "latin2", "/latin2", "headline = 'h2 a'"),
        source(&site, "gzip", "/gzip", "headline = 'h2 a'"),
        source(&site, "hangs", "/hangs", "headline = 'h2 a'\ndeadline = '300ms'"),
        source(&site, "drips", "/drips", "headline = 'h2 a'\ndeadline = '300ms'"),
        source(&site, "huge", "/huge", "headline = 'h2 a'"),
        source(&site, "bomb", "/bomb", "headline = 'h2 a'"),
        source(&site, "loop", "/loop", "headline = 'h2 a'"),
        source(&site, "away", "/away", "headline = 'h2 a'"),
        source(&site, "error", "/error", "headline = 'h2 a'"),
        source(&site, "empty", "/empty", "headline = 'h2 a'"),
        source(&site, "nofeed", "/page", ""),
        source(&site, "cut", "/cut", "headline = 'h2 a'"),
        source(&site, "small", "/huge", "headline = 'h2 a'\nmax_bytes = '64KiB'"),
        "[[sources]]\nname = \"nobody\"\nurl = \"http://127.0.0.1:1/\"\nheadline = 'a'\n".to_owned(),
    ];
    let server = relay(&sources.concat()).await;
    let answer = news(&server, "").await;
    let of = |name: &str| answer.sources.iter().find(|source| source.name == name).unwrap();
    for (name, expected) in [
        ("page", vec!["One & two", "<script>alert(1)</script>"]),
        ("feed", vec!["From a feed"]),
        ("moved", vec!["Relative"]),
        ("latin2", vec!["żółw"]),
        ("gzip", vec!["Compressed"]),
    ] {
        assert_eq!(titles(of(name)), expected, "{name}: {:?}", of(name).failure);
        assert_eq!(of(name).failure, None);
    }
    let relative = format!("http://{}/deep/er/target", site.address);
    assert_eq!(of("moved").headlines[0].link, relative);
    for (name, expected) in [
        ("hangs", "no answer within the deadline of 300ms"),
        ("drips", "no answer within the deadline of 300ms"),
        ("huge", "over the limit of 4194304 bytes"),
        ("bomb", "over the limit of 4194304 bytes"),
        ("small", "over the limit of 65536 bytes"),
        ("loop", "elsewhere more than 5 times"),
        ("away", "file: is not followed"),
        ("error", "500 Internal Server Error"),
        ("empty", "nothing on the page matches"),
        ("nofeed", "it is no feed"),
        ("cut", "cannot be reached"),
        ("nobody", "cannot be reached"),
    ] {
        assert!(failure(of(name)).contains(expected), "{name}: {}", failure(of(name)));
        assert!(of(name).headlines.is_empty());
    }
    let page = http(server.http(), "GET", "/news", &[], b"").await;
    assert!(page.text().contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.text());
    assert!(page.text().contains("One &amp; two") && page.text().contains("hangs"));
    assert!(
        page.header("content-security-policy").unwrap().starts_with("default-src 'none'; style-src 'sha256-")
    );
    server.stop().await;
}

#[tokio::test]
async fn what_changes_is_told_and_what_fails_keeps_its_headlines() {
    let site = Site::start().await;
    let server = relay(&source(&site, "a", "/changing", "headline = 'h2 a'\ninterval = '1s'")).await;
    let first = news(&server, "").await;
    assert_eq!(titles(&first.sources[0]), ["Edition 0", "Constant"]);
    // The site says that nothing has changed, and that counts as brought.
    let same = news(&server, &format!("?since={}&wait=20", first.revision)).await;
    assert!(first.revision < same.revision);
    assert_eq!(same.sources[0].headlines, first.sources[0].headlines);
    assert!(0 < site.n_not_modified());
    site.next_edition();
    let changed = eventually("the next edition", async || {
        let answer = news(&server, &format!("?since={}&wait=20", same.revision)).await;
        (titles(&answer.sources[0])[0] == "Edition 1").then_some(answer)
    })
    .await;
    let seen = |answer: &News, i: usize| answer.sources[0].headlines[i].first_seen_ms;
    assert_eq!(seen(&changed, 1), seen(&first, 1), "a headline that stays keeps its first time");
    assert!(seen(&first, 0) < seen(&changed, 0), "a new one is new");
    site.break_down();
    let broken = eventually("the failure", async || {
        let answer = news(&server, &format!("?since={}&wait=20", changed.revision)).await;
        answer.sources[0].failure.is_some().then_some(answer)
    })
    .await;
    assert_eq!(titles(&broken.sources[0]), ["Edition 1", "Constant"]);
    assert!(broken.sources[0].fetched_at_ms.is_some());
    // It says since when, however often it is tried again.
    let again = news(&server, &format!("?since={}&wait=20", broken.revision)).await;
    assert!(broken.revision < again.revision);
    assert_eq!(again.sources[0].failure, broken.sources[0].failure);
    server.stop().await;
}

#[tokio::test]
async fn an_address_inside_is_refused_also_behind_a_redirect_or_a_name() {
    let site = Site::start().await;
    let sources = [
        source(&site, "literal", "/page", "headline = 'h2 a'"),
        format!(
            "[[sources]]\nname = \"name\"\nurl = \"http://localhost:{}/page\"\nheadline = 'h2 a'\n",
            site.address.port()
        ),
    ];
    let server = relay_that_reaches("refuse", &sources.concat()).await;
    let answer = news(&server, "").await;
    assert!(failure(&answer.sources[0]).contains("127.0.0.1 is no public address"), "{answer:?}");
    assert!(failure(&answer.sources[1]).contains("localhost has no public address"), "{answer:?}");
    assert_eq!(site.n_requests(), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_site_that_may_be_asked_cannot_send_the_relay_to_one_that_may_not() {
    let inside = Site::start().await;
    let port = inside.address.port();
    let site = Site::start_on([127, 0, 0, 2].into()).await;
    let to = |name: &str, url: String| source(&site, name, &format!("/to?url={url}"), "headline = 'h2 a'");
    let page = |host: &str| format!("http://{host}:{port}/page");
    let sources = [
        source(&site, "allowed", "/page", "headline = 'h2 a'"),
        to("literal", page("127.0.0.1")),
        to("number", page("2130706433")),
        to("mapped", page("[::ffff:127.0.0.1]")),
        to("name", page("localhost")),
        to("cloud", "http://169.254.169.254/latest/meta-data".to_owned()),
        to("twice", format!("http://{}/to?url={}", site.address, page("127.0.0.1"))),
    ];
    let server = relay_that_reaches("127.0.0.2", &sources.concat()).await;
    let answer = news(&server, "").await;
    assert_eq!(titles(&answer.sources[0])[0], "One & two", "{answer:?}");
    for source in &answer.sources[1..] {
        assert!(failure(source).contains("no public address"), "{source:?}");
    }
    assert_eq!((inside.n_requests(), site.n_requests()), (0, 8));
    server.stop().await;
}

#[tokio::test]
async fn one_that_hangs_holds_nobody_else_up() {
    let site = Site::start().await;
    let hangs = source(&site, "hangs", "/hangs", "headline = 'h2 a'\ndeadline = '120s'");
    let server = relay(&(hangs + &source(&site, "page", "/page", "headline = 'h2 a'"))).await;
    let answer = news(&server, "?since=0&wait=60").await;
    assert_eq!((titles(&answer.sources[1])[0], answer.sources[0].is_fetching), ("One & two", true));
    server.stop().await;
}

#[tokio::test]
async fn news_check_says_what_each_source_matched() {
    let site = Site::start().await;
    let settings = [
        "news_private = 'allow'\n".to_owned(),
        source(&site, "good", "/page", "headline = 'h2 a'"),
        source(&site, "bad", "/error", "headline = 'h2 a'"),
    ];
    let path = std::env::temp_dir().join(format!("signalbox-news-check-{}.toml", std::process::id()));
    std::fs::write(&path, settings.concat()).unwrap();
    let mut command = crate::process::signalbox(&["news", "check", "--config"]);
    let output = command.arg(&path).output().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("good: 2 headlines in "), "{told}");
    assert_eq!(lines[1], format!("  One & two <http://{}/1>", site.address));
    assert!(lines[3].starts_with("bad: failed: the site answers 500 Internal Server Error"), "{told}");
}

#[tokio::test]
async fn two_hundred_sources_are_asked_at_the_same_time_and_once_for_all_who_look() {
    let site = Site::start().await;
    let sources: String = (0..200)
        .map(|n| source(&site, &format!("s{n}"), &format!("/together?{n}"), "headline = 'h2 a'"))
        .collect();
    let server = relay(&sources).await;
    // The site answers nobody before all two hundred have asked.
    let (a, b) = tokio::join!(news(&server, ""), news(&server, ""));
    for answer in [a, b] {
        assert!(answer.sources.iter().all(|source| titles(source) == ["Together"]), "{answer:?}");
    }
    assert_eq!(site.n_requests(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_scripts_comes_through_the_rendering_service() {
    let site = Site::start().await;
    let sources = source(&site, "script", "/script", "headline = 'h2 a'\nrender = true");
    let sources = format!("news_renderer = \"http://{}/\"\n{sources}", site.address);
    let server = relay(&sources).await;
    let answer = news(&server, "").await;
    assert_eq!(titles(&answer.sources[0]), ["Rendered /script 60 1"], "{answer:?}");
    server.stop().await;
}
