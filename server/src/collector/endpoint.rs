//! Where the collector listens or connects, in CZMQ's notation: `@tcp://host:port` binds, `>tcp://host:port` connects.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One address of a collector's socket, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    attach: Attach,
    host: String,
    /// 0 stands for any free port.
    port: u16,
}

/// Which side of the connection this end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attach {
    /// Listens; the peers connect.
    Bind,
    /// Connects, and again whenever the connection is lost; the peer listens.
    Connect,
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// Neither `@` nor `>` in front.
    #[error("{text:?} must begin with @ (bind) or > (connect): @tcp://127.0.0.1:5555, >tcp://10.0.0.7:5556")]
    NoSide {
        /// The text as it came.
        text: String,
    },
    /// Another transport, or none.
    #[error("{text:?} has no tcp:// behind its first character: only TCP is spoken here")]
    NotTcp {
        /// The text as it came.
        text: String,
    },
    /// Nothing, or white space, between `tcp://` and the port.
    #[error("{text:?} names no host: give an address of an interface, or * for every one")]
    NoHost {
        /// The text as it came.
        text: String,
    },
    /// No number from 0 to 65535 behind the last colon (or `*`).
    #[error("{text:?} does not end with a port from 1 to 65535, or * for any free one")]
    BadPort {
        /// The text as it came.
        text: String,
    },
    /// Any host or any port, to connect to.
    #[error("{text:?} connects, so it must name one host and one port")]
    Wildcard {
        /// The text as it came.
        text: String,
    },
}

impl Endpoint {
    /// Which side this end is.
    #[must_use]
    pub fn attach(&self) -> Attach {
        self.attach
    }

    /// The address as libzmq wants it.
    #[must_use]
    pub fn address(&self) -> String {
        match self.port {
            0 => format!("tcp://{}:*", self.host),
            port => format!("tcp://{}:{port}", self.host),
        }
    }

    /// Whether the host is an IPv6 address.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.host.starts_with('[')
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = || text.to_owned();
        let (attach, rest) = match text.split_at_checked(1) {
            Some(("@", rest)) => (Attach::Bind, rest),
            Some((">", rest)) => (Attach::Connect, rest),
            _ => return Err(EndpointError::NoSide { text: named() }),
        };
        let rest = rest.strip_prefix("tcp://").ok_or_else(|| EndpointError::NotTcp { text: named() })?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| EndpointError::BadPort { text: named() })?;
        // What a URL allows behind the port would be read by libzmq as part of it, or silently ignored.
        if host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/;@".contains(c))
        {
            return Err(EndpointError::NoHost { text: named() });
        }
        let port = match port {
            "*" => 0,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| EndpointError::BadPort { text: named() })?
            }
            _ => return Err(EndpointError::BadPort { text: named() }),
        };
        if attach == Attach::Connect && (port == 0 || host == "*") {
            return Err(EndpointError::Wildcard { text: named() });
        }
        // libzmq binds to numbers and interfaces only, and everybody writes this name.
        let host = if attach == Attach::Bind && host == "localhost" { "127.0.0.1" } else { host };
        Ok(Self { attach, host: host.to_owned(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.attach {
            Attach::Bind => '@',
            Attach::Connect => '>',
        };
        write!(f, "{side}{}", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse::<Endpoint>() {
            Ok(endpoint) => endpoint.to_string(),
            Err(EndpointError::NoSide { .. }) => "no side".to_owned(),
            Err(EndpointError::NotTcp { .. }) => "not tcp".to_owned(),
            Err(EndpointError::NoHost { .. }) => "no host".to_owned(),
            Err(EndpointError::BadPort { .. }) => "bad port".to_owned(),
            Err(EndpointError::Wildcard { .. }) => "wildcard".to_owned(),
        };
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn both_sides_with_host_and_port() {
        check("@tcp://127.0.0.1:5555", "@tcp://127.0.0.1:5555");
        check(">tcp://workers.local:5556", ">tcp://workers.local:5556");
        check("@tcp://*:5555", "@tcp://*:5555");
        check("@tcp://[::1]:5555", "@tcp://[::1]:5555");
        check("@tcp://127.0.0.1:*", "@tcp://127.0.0.1:*");
        check("@tcp://127.0.0.1:0", "@tcp://127.0.0.1:*");
        check("@tcp://localhost:5555", "@tcp://127.0.0.1:5555");
        check(">tcp://localhost:5555", ">tcp://localhost:5555");
    }

    #[test]
    fn everything_else_says_what_is_missing() {
        check("", "no side");
        check("tcp://127.0.0.1:5555", "no side");
        check("é", "no side");
        check("@127.0.0.1:5555", "not tcp");
        check("@ipc:///tmp/x", "not tcp");
        check("@tcp://:5555", "no host");
        check("@tcp://a b:5555", "no host");
        check("@tcp://a;b:5555", "no host");
        check("@tcp://127.0.0.1", "bad port");
        check("@tcp://127.0.0.1:", "bad port");
        check("@tcp://127.0.0.1:65536", "bad port");
        check("@tcp://127.0.0.1:+1", "bad port");
        check("@tcp://127.0.0.1:5555/", "bad port");
        check(">tcp://127.0.0.1:0", "wildcard");
        check(">tcp://*:5555", "wildcard");
    }
}
