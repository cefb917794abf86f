//! The only way out for a browser that renders: a proxy on loopback that resolves every host itself and connects only to
//! addresses that may be asked, so that a page's redirects, frames and scripts lead nowhere that a source may not be.
//! Source: RFC 9110 §9.3.6 (CONNECT) and RFC 9112 §3.2.2 (absolute form); one request per connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::guard::Reach;
use crate::accept::Acceptor;

/// Connections of one browser at the same time; further ones wait. Chromium opens at most 32 to one proxy by itself.
const CONNECTIONS_MAX: usize = 64;
/// Longest head of a request, in bytes: a long address and Chromium's own lines fit several times.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Time for a request's head, and for a site to be connected to.
const STEP_DEADLINE: Duration = Duration::from_secs(30);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A browser's way out.
pub(super) struct Gateway {
    acceptor: Acceptor,
    address: SocketAddr,
    reach: Reach,
}

impl Gateway {
    /// Opens one on a free port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn open(reach: Reach) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { acceptor: Acceptor::new(listener, "render gateway"), address, reach })
    }

    /// Where the browser finds it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes connections on until it is dropped; they end with it.
    pub(super) async fn run(mut self) -> Infallible {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                (stream, _) = self.acceptor.next(), if connections.len() < CONNECTIONS_MAX => {
                    let reach = self.reach.clone();
                    connections.spawn(async move {
                        if let Err(error) = pass(stream, &reach).await {
                            tracing::debug!("a rendered page's connection has ended: {error}");
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// What the browser wants.
struct Request {
    /// Where to; of a tunnel only host and port count.
    url: Url,
    /// What the site is sent first; of a tunnel what came behind the head.
    first: Vec<u8>,
    is_tunnel: bool,
}

async fn pass(mut browser: TcpStream, reach: &Reach) -> io::Result<()> {
    let head = timeout(STEP_DEADLINE, read_head(&mut browser)).await??;
    let Some(request) = head.as_deref().and_then(parse) else {
        return refuse(&mut browser, "400 Bad Request", "not a request of a proxy").await;
    };
    let mut site = match connect(&request.url, reach).await {
        Ok(site) => site,
        Err(why) => return refuse(&mut browser, "403 Forbidden", &why).await,
    };
    if request.is_tunnel {
        browser.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    }
    site.write_all(&request.first).await?;
    copy_bidirectional(&mut browser, &mut site).await?;
    Ok(())
}

/// The head and whatever came with it; none when it never ends.
async fn read_head(browser: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(4 * 1024);
    while !bytes.windows(HEAD_END.len()).any(|four| four == HEAD_END) {
        if HEAD_BYTES_MAX < bytes.len() || browser.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

fn parse(bytes: &[u8]) -> Option<Request> {
    let end = bytes.windows(HEAD_END.len()).position(|four| four == HEAD_END)?;
    let (head, behind) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + HEAD_END.len()..]);
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if method == "CONNECT" {
        let url = Url::parse(&format!("https://{target}/")).ok()?;
        return Some(Request { url, first: behind.to_vec(), is_tunnel: true });
    }
    let url = Url::parse(target).ok()?;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    // The connection serves this one request: the next may be for another site, which is to be checked too.
    let mut first = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n").into_bytes();
    for line in lines {
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !matches!(name.as_str(), "connection" | "proxy-connection" | "keep-alive") {
            first.extend_from_slice(line.as_bytes());
            first.extend_from_slice(b"\r\n");
        }
    }
    first.extend_from_slice(b"\r\n");
    first.extend_from_slice(behind);
    Some(Request { url, first, is_tunnel: false })
}

/// The first of a site's allowed addresses that answers.
async fn connect(url: &Url, reach: &Reach) -> Result<TcpStream, String> {
    let addresses = reach.look_up(url).await?;
    match timeout(STEP_DEADLINE, TcpStream::connect(&addresses[..])).await {
        Ok(connected) => connected.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no connection within {STEP_DEADLINE:?}")),
    }
}

async fn refuse(browser: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}",
        why.len()
    );
    browser.write_all(answer.as_bytes()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: Option<(&str, &str, bool)>) {
        let request = parse(bytes.as_bytes());
        let told = request.map(|r| (r.url.to_string(), String::from_utf8(r.first).unwrap(), r.is_tunnel));
        let expected = expected.map(|(url, first, is)| (url.to_owned(), first.to_owned(), is));
        assert_eq!(told, expected, "{bytes:?}");
    }

    #[test]
    fn requests_are_read_as_a_proxy_reads_them() {
        check(
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n",
            Some(("https://a.example/", "", true)),
        );
        check("CONNECT [::1]:80 HTTP/1.1\r\n\r\nx", Some(("https://[::1]:80/", "x", true)));
        check(
            "POST http://a.example:81/p?q#f HTTP/1.1\r\nHost: a.example:81\r\nProxy-Connection: keep-alive\r\n\r\nbody",
            Some((
                "http://a.example:81/p?q#f",
                "POST /p?q HTTP/1.1\r\nConnection: close\r\nHost: a.example:81\r\n\r\nbody",
                false,
            )),
        );
        for none in ["", "GET / HTTP/1.1\r\n\r\n", "GET http://a.example/ HTTP/1.1\r\n", "GET\r\n\r\n"] {
            check(none, None);
        }
    }

    #[tokio::test]
    async fn what_may_not_be_asked_is_refused_and_not_connected_to() {
        let inside = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = inside.local_addr().unwrap().port();
        let gateway = Gateway::open(Reach::default()).await.unwrap();
        let address = gateway.address();
        let gateway = tokio::spawn(gateway.run());
        for request in [
            format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
            format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n"),
            format!("CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n\r\n"),
            format!("GET http://localhost:{port}/ HTTP/1.1\r\n\r\n"),
            "GET file:///etc/passwd HTTP/1.1\r\n\r\n".to_owned(),
        ] {
            let mut browser = TcpStream::connect(address).await.unwrap();
            browser.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            browser.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 403"), "{request}: {answer}");
        }
        gateway.abort();
        // Nobody has come: the first one who does is this.
        let own = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_, peer) = inside.accept().await.unwrap();
        assert_eq!(peer, own.local_addr().unwrap());
    }
}
