//! Who may use the relay from a browser: Host and Origin are checked before anything that is not the page itself.
//!
//! A Host that is not ours means DNS rebinding; an Origin that is not ours means another site's script. Programs
//! without an Origin (curl, agents) pass. Passwords are not this room's business: listeners are on loopback by default.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::problem::ApiError;

/// Which hosts and origins this relay answers.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Further host names, lower case, without port.
    pub hosts: Vec<String>,
    /// Further origins, lower case.
    pub origins: Vec<String>,
}

impl Allowed {
    /// An address as such, localhost, or a name from the list: a name of somebody else's that points here is none of
    /// these.
    fn is_host(&self, authority: &Authority) -> bool {
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        host.parse::<IpAddr>().is_ok() || is_localhost(&host) || self.hosts.contains(&host)
    }

    /// The relay's own origin, a page served from this machine, or one from the list.
    fn is_origin(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else { return false };
        if self.origins.contains(&origin) {
            return true;
        }
        let Some((_scheme, authority)) = origin.split_once("://") else { return false };
        if host.is_some_and(|host| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())) {
            return true;
        }
        authority.parse::<Authority>().is_ok_and(|authority| {
            let host = authority.host().trim_matches(['[', ']']);
            is_localhost(host) || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = headers.get(header::HOST);
        let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        if !authority.is_some_and(|authority| self.is_host(&authority)) {
            return Err(ApiError::forbidden(format!(
                "the host {host:?} is not this relay's: address it by IP or localhost, or allow the name with --allow-host"
            )));
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.is_origin(origin, host) => Err(ApiError::forbidden(format!(
                "the origin {origin:?} may not use this relay: allow it with --allow-origin"
            ))),
            _ => Ok(()),
        }
    }
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Refuses a request whose Host or Origin is not allowed with 403.
pub async fn check(State(allowed): State<Arc<Allowed>>, request: Request, next: Next) -> Response {
    match allowed.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Lets the pages of allowed origins read the answers.
pub fn cors(allowed: Arc<Allowed>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, parts| {
            allowed.is_origin(origin, parts.headers.get(header::HOST))
        }))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::HeaderName::from_static("last-event-id")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>, is_allowed: bool) {
        let allowed = Allowed {
            hosts: vec!["watch.example".to_owned()],
            origins: vec!["https://page.example".to_owned()],
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        assert_eq!(allowed.check(&headers).is_ok(), is_allowed, "{host} {origin:?}");
    }

    #[test]
    fn a_host_is_an_address_or_a_known_name() {
        check("127.0.0.1:8088", None, true);
        check("[::1]:8088", None, true);
        check("10.1.2.3", None, true);
        check("localhost:8088", None, true);
        check("LOCALHOST", None, true);
        check("a.localhost:1", None, true);
        check("watch.example:8088", None, true);
        check("rebound.attacker.example:8088", None, false);
        check("localhost.attacker.example", None, false);
        check("", None, false);
    }

    #[test]
    fn an_origin_is_our_own_a_local_page_or_a_known_one() {
        check("127.0.0.1:8088", Some("http://127.0.0.1:8088"), true);
        check("watch.example", Some("https://watch.example"), true);
        check("127.0.0.1:8088", Some("http://localhost:8080"), true);
        check("127.0.0.1:8088", Some("http://[::1]:8080"), true);
        check("127.0.0.1:8088", Some("https://page.example"), true);
        check("127.0.0.1:8088", Some("https://PAGE.example"), true);
        check("127.0.0.1:8088", Some("https://page.example.attacker"), false);
        check("127.0.0.1:8088", Some("https://page.example:444"), false);
        check("127.0.0.1:8088", Some("http://10.0.0.7"), false);
        check("127.0.0.1:8088", Some("http://localhost.attacker.example"), false);
        check("127.0.0.1:8088", Some("null"), false);
        check("127.0.0.1:8088", Some("file://"), false);
    }
}
