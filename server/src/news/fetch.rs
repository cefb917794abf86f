//! One fetch of one source: redirects followed by hand, each checked; sizes bounded, also after decompression.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use thiserror::Error;

use super::guard::Reach;

/// Most redirects that are followed. Source: browsers follow 20; nobody who sends headlines needs five.
const REDIRECTS_MAX: usize = 5;
/// How this program names itself.
const USER_AGENT: &str = concat!("Signalbox/", env!("CARGO_PKG_VERSION"), " (headlines)");
/// What a rendering service is told to wait for a page, in seconds. Source: docs/protocol.md §8.
const RENDER_TIMEOUT_SECS: u64 = 60;

/// Fetches sources.
pub(super) struct Fetcher {
    client: Client,
    /// The rendering service is named in the settings, and so it may be anywhere.
    render_client: Client,
    renderer: Option<Url>,
    reach: Reach,
}

/// What a source said the last time, so that it need not say it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What came.
#[derive(Debug)]
pub(super) enum Answer {
    /// The same as the last time.
    NotModified,
    /// Something to look through.
    Body(Box<Body>),
}

/// A page or a feed.
#[derive(Debug)]
pub(super) struct Body {
    /// Where it really came from, after redirects.
    pub(super) url: Url,
    /// Its bytes, decompressed.
    pub(super) bytes: Vec<u8>,
    /// What its head said about its encoding.
    pub(super) charset: Option<String>,
    /// For the next time.
    pub(super) validators: Validators,
}

/// Why nothing came. Its text is shown to people.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("refused: {0}")]
    Refused(String),
    #[error("{}", told(.0))]
    Http(#[from] reqwest::Error),
    #[error("the site answers {0}")]
    Status(StatusCode),
    #[error("the site sends elsewhere more than {REDIRECTS_MAX} times")]
    Redirects,
    #[error("the site sends elsewhere without saying where")]
    BadRedirect,
    #[error("over the limit of {bytes_max} bytes (max_bytes of the source, or news_page_bytes)")]
    TooLarge { bytes_max: usize },
    #[error("this source wants its page rendered, and no rendering service is set (news_renderer)")]
    NoRenderer,
}

impl Fetcher {
    /// One for these settings.
    ///
    /// # Errors
    /// When the system gives no TLS configuration.
    pub(super) fn new(renderer: Option<Url>, reach: Reach) -> reqwest::Result<Self> {
        let common = || Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).no_proxy();
        let client = common().pool_max_idle_per_host(1).dns_resolver(std::sync::Arc::new(reach.clone()));
        Ok(Self { client: client.build()?, render_client: common().build()?, renderer, reach })
    }

    /// Fetches a page or a feed of at most `bytes_max`.
    ///
    /// # Errors
    /// Each variant of [`FetchError`]. There is no deadline here: the caller has one.
    pub(super) async fn fetch(
        &self,
        url: &Url,
        is_rendered: bool,
        known: &Validators,
        bytes_max: usize,
    ) -> Result<Answer, FetchError> {
        if is_rendered {
            return self.fetch_rendered(url, bytes_max).await;
        }
        let mut url = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            self.reach.check(&url).map_err(FetchError::Refused)?;
            let request = self.client.get(url.clone()).headers(head(known));
            let response = request.send().await?;
            if response.status() == StatusCode::NOT_MODIFIED && *known != Validators::default() {
                return Ok(Answer::NotModified);
            }
            if !response.status().is_redirection() {
                return body(response, bytes_max).await.map(|body| Answer::Body(Box::new(body)));
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = location.and_then(|location| url.join(location).ok()).ok_or(FetchError::BadRedirect)?;
        }
        Err(FetchError::Redirects)
    }

    /// The page as it is after its scripts have run.
    async fn fetch_rendered(&self, url: &Url, bytes_max: usize) -> Result<Answer, FetchError> {
        self.reach.check(url).map_err(FetchError::Refused)?;
        let service = self.renderer.as_ref().ok_or(FetchError::NoRenderer)?;
        let mut ask = service.join("render.html").map_err(|error| FetchError::Refused(error.to_string()))?;
        ask.query_pairs_mut()
            .append_pair("url", url.as_str())
            .append_pair("timeout", &RENDER_TIMEOUT_SECS.to_string())
            .append_pair("wait", "1");
        let response = self.render_client.get(ask).send().await?;
        let body = body(response, bytes_max).await?;
        Ok(Answer::Body(Box::new(Body { url: url.clone(), validators: Validators::default(), ..body })))
    }
}

async fn body(mut response: Response, bytes_max: usize) -> Result<Body, FetchError> {
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status()));
    }
    let too_large = || FetchError::TooLarge { bytes_max };
    // Compressed it may be smaller than it is; larger it never is.
    if response.content_length().is_some_and(|bytes| (bytes_max as u64) < bytes) {
        return Err(too_large());
    }
    let validators = Validators {
        etag: response.headers().get(ETAG).cloned(),
        last_modified: response.headers().get(LAST_MODIFIED).cloned(),
    };
    let charset = response.headers().get(CONTENT_TYPE).and_then(|value| charset(value.to_str().ok()?));
    let url = response.url().clone();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes_max < bytes.len() + chunk.len() {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { url, bytes, charset, validators })
}

fn head(known: &Validators) -> HeaderMap {
    let mut head = HeaderMap::new();
    head.insert(ACCEPT, HeaderValue::from_static("text/html, application/xml;q=0.9, */*;q=0.8"));
    head.extend(known.etag.clone().map(|etag| (IF_NONE_MATCH, etag)));
    head.extend(known.last_modified.clone().map(|time| (IF_MODIFIED_SINCE, time)));
    head
}

fn charset(content_type: &str) -> Option<String> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Some(parameter.trim().trim_matches('"').to_owned())
}

/// An error with its causes, for the first one alone seldom says what is wrong; without the address, which is known.
fn told(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), |cause| format!("the site cannot be reached: {cause}"))
}

/// How a deadline that has passed is told.
pub(super) fn too_slow(deadline: Duration) -> String {
    format!("no answer within the deadline of {deadline:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_found_in_the_head() {
        for (content_type, expected) in [
            ("text/html", None),
            ("text/html; charset=utf-8", Some("utf-8")),
            ("text/html; boundary=x; CHARSET=\"ISO-8859-2\"", Some("ISO-8859-2")),
            ("text/html; charset", None),
        ] {
            assert_eq!(charset(content_type).as_deref(), expected, "{content_type}");
        }
    }
}
