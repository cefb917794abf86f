//! The page's files: those inside the binary, each also in brotli and gzip, or those of a folder.
//!
//! The page lives at `/`; a path that names no file is a deep link and is sent on to the same view there, so that the
//! page's relative addresses hold at any depth and on any host.

use std::borrow::Cow;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::EmbeddedFile;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::ApiError;

/// The page inside the binary: its files by their paths from the page's top.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedPage(pub fn(&str) -> Option<EmbeddedFile>);

impl Default for EmbeddedPage {
    /// None: the binary was built without a page.
    fn default() -> Self {
        Self(|_| None)
    }
}

/// What the page may do: its own files, WebAssembly, and connections to this relay or one on this machine.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; connect-src 'self' http://localhost:* ws://localhost:* http://127.0.0.1:* ws://127.0.0.1:*";

/// Shown where the page should be when the binary was built without it.
const NOT_BUILT: &str = "The page is not built into this binary. Build it with `cargo xtask run`, or serve one from a \
     folder with `--page-dir DIR`. Everything else works: /feed, /ws, /api/info, /metrics.\n";

/// Routes of the page, from `dir` when it is given.
pub fn routes<S: Clone + Send + Sync + 'static>(page: EmbeddedPage, dir: Option<&Path>) -> Router<S> {
    let router = match dir {
        Some(dir) => {
            let files = ServeDir::new(dir).precompressed_br().precompressed_gzip();
            Router::new().fallback_service(
                files.fallback(axum::handler::HandlerWithoutStateExt::into_service(elsewhere)),
            )
        }
        None => Router::new().fallback(move |request| embedded(page, request)),
    };
    let fixed = |name: header::HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        // The names of most files stay when their content changes, so every use asks whether it did.
        .layer(fixed(header::CACHE_CONTROL, "no-cache"))
}

async fn embedded(page: EmbeddedPage, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return ApiError::method_not_allowed("the page's files are only read: GET or HEAD").into_response();
    }
    let path = match request.uri().path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    match Asset::find(page, path, request.headers()) {
        Some(asset) => asset.response(request.headers()),
        None if path == "index.html" => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
        None => elsewhere(request.uri().clone()).await,
    }
}

/// A deep link goes to its view; a missing file is missing.
async fn elsewhere(uri: Uri) -> Response {
    let path = uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = last.contains('.') || ["/api/", "/assets/"].iter().any(|prefix| path.starts_with(prefix));
    if is_file {
        return ApiError::not_found(format!(
            "{path} is neither a file of the page nor an address of the API"
        ))
        .into_response();
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::temporary(&format!("/{query}#{path}")).into_response()
}

struct Asset {
    bytes: Cow<'static, [u8]>,
    etag: String,
    media_type: String,
    encoding: Option<&'static str>,
}

impl Asset {
    /// The file in the best encoding that the browser takes.
    fn find(page: EmbeddedPage, path: &str, headers: &HeaderMap) -> Option<Self> {
        let accepted =
            headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encodings =
            [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(name, _)| accepts(accepted, name));
        let file = page.0;
        let compressed =
            encodings.filter_map(|(name, ending)| Some((file(&format!("{path}{ending}"))?, Some(name))));
        let (file, encoding) = compressed.chain(file(path).map(|file| (file, None))).next()?;
        let hash: String =
            file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            bytes: file.data,
            etag: format!("\"{hash}\""),
            media_type: mime_guess::from_path(path).first_or_octet_stream().to_string(),
            encoding,
        })
    }

    fn response(self, headers: &HeaderMap) -> Response {
        let known =
            headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag);
        let head = [(header::ETAG, self.etag), (header::VARY, "accept-encoding".to_owned())];
        if is_known {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        let mut response = (head, [(header::CONTENT_TYPE, self.media_type)], self.bytes).into_response();
        if let Some(encoding) = self.encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

/// Whether an Accept-Encoding header takes this coding (RFC 9110 §12.5.3; a weight of zero is a refusal).
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let is_zero =
            weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
        name.trim().eq_ignore_ascii_case(coding) && !is_zero
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_taken_unless_refused() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("", "br"));
        assert!(!accepts("brotli", "br"));
    }

    #[tokio::test]
    async fn a_deep_link_goes_to_its_view_and_a_missing_file_is_missing() {
        let response = elsewhere(Uri::from_static("/queues/topic?relay=x")).await;
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(response.headers()[header::LOCATION], "/?relay=x#/queues/topic");
        for path in ["/missing.js", "/queues/missing.css", "/api/nothing"] {
            assert_eq!(elsewhere(Uri::from_static(path)).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
