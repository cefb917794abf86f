//! A news site on a free port, with a page for each way of being good or bad.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::StreamExt as _;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

/// More than a relay takes, in bytes.
const HUGE_BYTES: usize = 16 * 1024 * 1024;

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    state: Arc<Counters>,
    serving: JoinHandle<()>,
}

struct Counters {
    n_requests: AtomicU64,
    n_not_modified: AtomicU64,
    edition: AtomicU64,
    is_broken: AtomicBool,
    together: Barrier,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// On another of this machine's addresses.
    pub(crate) async fn start_on(ip: IpAddr) -> Self {
        let state = Arc::new(Counters {
            n_requests: AtomicU64::new(0),
            n_not_modified: AtomicU64::new(0),
            edition: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
            together: Barrier::new(200),
        });
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(state.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state, serving }
    }

    pub(crate) fn n_requests(&self) -> u64 {
        self.state.n_requests.load(Ordering::Relaxed)
    }

    pub(crate) fn n_not_modified(&self) -> u64 {
        self.state.n_not_modified.load(Ordering::Relaxed)
    }

    pub(crate) fn next_edition(&self) {
        self.state.edition.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn break_down(&self) {
        self.state.is_broken.store(true, Ordering::Relaxed);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(state: Arc<Counters>) -> Router {
    let count = |State(state): State<Arc<Counters>>, request: Request, next: Next| async move {
        state.n_requests.fetch_add(1, Ordering::Relaxed);
        next.run(request).await
    };
    Router::new()
        .route("/page", get(|| async { Html(PAGE) }))
        .route("/feed.xml", get(|| async { ([(header::CONTENT_TYPE, "application/rss+xml")], FEED) }))
        .route("/moved", get(|| async { Redirect::permanent("/deep/er/page") }))
        .route("/deep/er/page", get(|| async { Html("<h2><a href='target'>Relative</a></h2>") }))
        .route("/latin2", get(latin2))
        .route("/gzip", get(|| async { gzipped(b"<h2><a href=/1>Compressed</a></h2>") }))
        .route("/hangs", get(std::future::pending::<Response>))
        .route("/drips", get(drips))
        .route("/huge", get(|| async { vec![b' '; HUGE_BYTES] }))
        .route("/bomb", get(|| async { gzipped(&vec![b' '; HUGE_BYTES]) }))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }))
        .route("/away", get(|| async { Redirect::temporary("file:///etc/passwd") }))
        .route("/error", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/empty", get(|| async { Html("<p>nothing</p>") }))
        .route("/cut", get(cut))
        .route("/changing", get(changing))
        .route("/together", get(together))
        .route("/to", get(|Query(To { url }): Query<To>| async move { Redirect::temporary(&url) }))
        .route("/leads", get(leads))
        .route("/script", get(|| async { Html(SCRIPT) }))
        .route("/render.html", get(render))
        .layer(middleware::from_fn_with_state(state.clone(), count))
        .with_state(state)
}

const PAGE: &str =
    "<h2><a href=/1>One &amp; two</a></h2><h2><a href=/2>&lt;script&gt;alert(1)&lt;/script&gt;</a></h2>";
/// Its headlines are nowhere in its source, only in what its script makes after a while.
const SCRIPT: &str = "<!doctype html><title>Scripts</title><main></main><script>\
    setTimeout(() => { for (const word of ['first', 'second']) { const link = document.createElement('a'); \
    link.href = '/' + word; link.textContent = ['The', word, 'by', 'script'].join(' '); \
    const title = document.createElement('h2'); title.append(link); document.querySelector('main').append(title); } }, 300)\
    </script>";
const FEED: &str = "<?xml version='1.0'?><rss version='2.0'><channel><title>t</title>\
                    <item><title>From a feed</title><link>https://example.org/1</link></item></channel></rss>";

#[derive(serde::Deserialize)]
struct To {
    url: String,
}

/// A page that leads a browser elsewhere in every way that a page has.
async fn leads(Query(To { url }): Query<To>) -> Html<String> {
    Html(format!(
        "<link rel=stylesheet href='{url}?style'><img src='{url}?image'><iframe src='{url}?frame'></iframe>\
         <iframe src='/to?url={url}'></iframe><script src='{url}?script'></script><script>\
         fetch('{url}?fetch', {{mode: 'no-cors'}}).catch(() => 0); new WebSocket('{url}'.replace('http', 'ws'));\
         </script><h2><a href=/1>Leads elsewhere</a></h2>"
    ))
}

async fn latin2() -> impl IntoResponse {
    let page: &[u8] = b"<h2><a href=/1>\xbf\xf3\xb3w</a></h2>";
    ([(header::CONTENT_TYPE, "text/html; charset=iso-8859-2")], page)
}

fn gzipped(bytes: &[u8]) -> Response {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    ([(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/html")], encoder.finish().unwrap())
        .into_response()
}

/// Begins, and never ends.
async fn drips() -> Body {
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"<h2>"))]);
    Body::from_stream(start.chain(futures_util::stream::pending()))
}

/// Begins, and breaks off.
async fn cut() -> Body {
    let parts = [Ok(Bytes::from_static(b"<h2><a href=/1>Half")), Err(std::io::Error::other("broken off"))];
    Body::from_stream(futures_util::stream::iter(parts))
}

async fn changing(State(state): State<Arc<Counters>>, head: HeaderMap) -> Response {
    if state.is_broken.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let edition = state.edition.load(Ordering::Relaxed);
    let etag = format!("\"{edition}\"");
    if head.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        state.n_not_modified.fetch_add(1, Ordering::Relaxed);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let page = format!(
        "<h2><a href=/edition/{edition}>Edition {edition}</a></h2><h2><a href=/constant>Constant</a></h2>"
    );
    ([(header::ETAG, etag)], Html(page)).into_response()
}

async fn together(State(state): State<Arc<Counters>>) -> Html<&'static str> {
    state.together.wait().await;
    Html("<h2><a href=/1>Together</a></h2>")
}

#[derive(serde::Deserialize)]
struct RenderQuery {
    url: String,
    timeout: String,
    wait: String,
}

async fn render(Query(query): Query<RenderQuery>) -> Html<String> {
    let RenderQuery { url, timeout, wait } = query;
    let path = url.rsplit('/').next().unwrap_or_default();
    Html(format!("<h2><a href=/1>Rendered /{path} {timeout} {wait}</a></h2>"))
}
