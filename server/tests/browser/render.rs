//! Pages that need their scripts, through `signalbox render` and a headless browser of its own.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use signalbox::news::guard::Reach;
use signalbox::news::render::{RenderError, Renderer, find_browser};
use tokio::process::{Child, Command};

use crate::news::{relay, source};
use crate::support::browser::Browser;
use crate::support::site::Site;
use crate::support::{eventually, http, ports};

/// `signalbox render` in a process of its own; killed when dropped.
struct RenderService {
    _child: Child,
    port: u16,
}

impl RenderService {
    async fn start(args: &[&str]) -> Self {
        let port = ports::free();
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command.args(["render", "--no-sandbox", "--listen", &format!("127.0.0.1:{port}")]).args(args);
        if let Ok(chromium) = std::env::var("CHROMIUM") {
            command.args(["--browser", &chromium]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let service = Self { _child: command.spawn().expect("it starts"), port };
        eventually("the rendering service answers", async || http::get(port, "/healthz", &[]).await).await;
        service
    }
}

#[tokio::test]
async fn headlines_that_appear_only_by_script_are_in_the_view() {
    let site = Site::start().await;
    let service = RenderService::start(&["--allow-private"]).await;
    let setting = format!("news_renderer = 'http://127.0.0.1:{}/'\n", service.port);
    let relay = relay(&[
        setting,
        source(&site, "By script", "/script", "render = true\ndeadline = '60s'"),
        source(&site, "Its source", "/script", ""),
    ])
    .await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/news")).await;
    browser.until_titles(&["The first by script", "The second by script"]).await;
    browser.until_text(".news-failures", "Its source failed: nothing on the page matches").await;
    let link = browser.run("return document.querySelector('.news-box a').href", vec![]).await;
    assert_eq!(link, format!("http://{}/first", site.address));
    let answer = http::get(relay.ports.http, "/api/news", &[]).await.expect("the relay answers");
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(answer["sources"][0]["headlines"][1]["title"], "The second by script");
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_private_address_is_not_rendered_unless_that_is_allowed() {
    let site = Site::start().await;
    let service = RenderService::start(&[]).await;
    let target = format!("/render.html?url=http://{}/script&timeout=60&wait=1", site.address);
    let answer = http::get(service.port, &target, &[]).await.expect("the service answers");
    assert_eq!(answer.status, 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("127.0.0.1 is no public address"));
    assert_eq!(site.n_requests(), 0);
}

#[tokio::test]
async fn a_page_leads_its_browser_only_where_a_source_may_be() {
    let inside = Site::start().await;
    let site = Site::start_on(Ipv4Addr::new(127, 0, 0, 2).into()).await;
    let chromium = std::env::var_os("CHROMIUM").map(Into::into).or_else(find_browser).expect("a Chromium");
    let renderer = |network: &str| {
        let reach = Reach::public_and(vec![network.parse().expect("a network")]);
        Renderer::new(chromium.clone(), 1, false, reach)
    };
    let render = async |renderer: &Renderer, url: String| {
        let url = url.parse().expect("an address");
        let page = renderer.render(&url, Duration::from_secs(1), Duration::from_secs(60)).await;
        page.map(|page| String::from_utf8_lossy(&page).into_owned())
    };
    let leads = format!("http://{}/leads?url=http://{}/page", site.address, inside.address);
    let moved = format!("http://{}/to?url=http://{}/page", site.address, inside.address);

    let narrow = renderer("127.0.0.2");
    let page = render(&narrow, leads.clone()).await.expect("a page");
    assert!(page.contains("Leads elsewhere"), "{page}");
    let page = render(&narrow, moved.clone()).await.expect("what the gateway says");
    assert!(!page.contains("One &amp; two"), "{page}");
    let refused = render(&narrow, format!("http://{}/page", inside.address)).await;
    assert!(matches!(refused, Err(RenderError::Refused(_))), "{refused:?}");
    assert_eq!(inside.n_requests(), 0);

    // The same pages lead there where that is allowed, so it was the gateway that kept them.
    let wide = renderer("127.0.0.0/8");
    assert!(render(&wide, moved).await.expect("a page").contains("One &amp; two"));
    render(&wide, leads).await.expect("a page");
    assert!(5 < inside.n_requests(), "{} requests", inside.n_requests());
}
