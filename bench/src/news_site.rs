//! The sites that `cargo xtask bench news` reads: some slow, one that never answers, and some large.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a slow site takes.
const DELAY: Duration = Duration::from_secs(1);
/// Longest head of a request, in bytes: the relay's fits several times.
const HEAD_BYTES_MAX: usize = 8 * 1024;

struct Pages {
    small: String,
    page: String,
    feed: String,
}

/// Serves on a thread of its own until this process ends; gives the address `http://...`.
pub(crate) fn serve(large_bytes: usize) -> anyhow::Result<String> {
    let pages = Arc::new(Pages {
        small: "<!doctype html><title>Slow</title><h2><a href='/1'>After a second</a></h2>".to_owned(),
        page: page(large_bytes),
        feed: feed(large_bytes),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let pages = pages.clone();
                // A relay that hangs up on a slow site has its reasons.
                tokio::spawn(async move { answer(stream, &pages).await.ok() });
            }
        });
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream, pages: &Pages) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        anyhow::ensure!(stream.read_buf(&mut head).await? != 0, "no request");
    }
    let head = String::from_utf8(head)?;
    let path = head.split([' ', '?']).nth(1).context("no path")?;
    let (media_type, body) = match path {
        "/slow" => {
            tokio::time::sleep(DELAY).await;
            ("text/html; charset=utf-8", &pages.small)
        }
        "/page" => ("text/html; charset=utf-8", &pages.page),
        "/feed" => ("application/rss+xml", &pages.feed),
        _ => return std::future::pending().await,
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(stream.write_all(body.as_bytes()).await?)
}

/// Articles as news sites write them, until there are so many bytes.
fn page(bytes: usize) -> String {
    let mut page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>News</title></head><body>\n\
                    <main class=\"front front--wide\">\n"
            .to_owned();
    let mut n = 0;
    while page.len() < bytes {
        n += 1;
        let _ = writeln!(
            page,
            "<article class=\"teaser teaser--{} js-card\" data-id=\"{n}\" data-tracking='{{\"pos\":{n}}}'>\n\
             <div class=\"teaser__media\"><picture><source media=\"(min-width: 640px)\" srcset=\"/img/{n}-640.webp 1x, \
             /img/{n}-1280.webp 2x\"><img src=\"/img/{n}.jpg\" alt=\"Picture {n} of a train\" loading=\"lazy\" width=\"320\" \
             height=\"180\"></picture></div>\n<div class=\"teaser__text\"><p class=\"kicker\">Railways &amp; signals</p>\n\
             <h2 class=\"teaser__title\"><a href=\"/articles/2026/{n}?utm=front&amp;pos={n}\">Headline number {n}: <em>points</em> \
             are set &ndash; what comes next</a></h2>\n<p class=\"teaser__lead\">The signal box watches the line; trains \
             leave on time, and the night shift says that nothing was lost. <span>By a correspondent</span></p>\n\
             <ul class=\"meta\"><li><time datetime=\"2026-01-01T12:00:00Z\">12:00</time></li><li>{n} comments</li></ul>\n\
             </div></article>",
            n % 7
        );
    }
    page.push_str("</main></body></html>\n");
    page
}

/// Items as feeds have them, until there are so many bytes.
fn feed(bytes: usize) -> String {
    let mut feed =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\"><channel><title>News</title>\n"
            .to_owned();
    let mut n = 0;
    while feed.len() < bytes {
        n += 1;
        let _ = writeln!(
            feed,
            "<item><title><![CDATA[Headline number {n}: points & signals]]></title><link>https://example.org/articles/{n}</link>\
             <guid isPermaLink=\"false\">tag:example.org,2026:{n}</guid><pubDate>Thu, 01 Jan 2026 12:00:00 GMT</pubDate>\
             <description>&lt;p&gt;The signal box watches the line; trains leave on time, and the night shift says that \
             nothing was lost.&lt;/p&gt; Number {n} of many.</description></item>"
        );
    }
    feed.push_str("</channel></rss>\n");
    feed
}
