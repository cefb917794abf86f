//! The address of a PostgreSQL database, checked when it is read. It holds a password, which is never shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;

/// Time to make one connection, so that a machine that swallows packets does not hold anybody for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the connections are called in `pg_stat_activity`.
const APPLICATION_NAME: &str = "signalbox";

/// Where a database is and who asks: `postgresql://user:password@host:port/name`, or `host=... user=... dbname=...`.
///
/// With `sslmode=require`, `verify-ca` or `verify-full` it is spoken to by TLS, and its certificate and name are checked
/// each time; `sslrootcert=FILE` names who may have signed it. Else it is spoken to without TLS.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    tls: MakeRustlsConnect,
}

impl DatabaseUrl {
    /// The settings of a connection.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What makes the connection's TLS, where the settings want it.
    #[must_use]
    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }
}

impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl FromStr for DatabaseUrl {
    /// What is wrong and what is allowed, without the text itself, which may hold a password.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (text, authorities) = without_tls_words(text);
        let mut config: Config = text.parse().map_err(|_| {
            "not a database address: give postgresql://USER:PASSWORD@HOST:PORT/NAME or host=... user=... dbname=..."
                .to_owned()
        })?;
        if config.get_ssl_mode() != SslMode::Require {
            if authorities.is_some() {
                return Err("sslrootcert without sslmode=require: nothing would be checked".to_owned());
            }
            // A server that offers TLS by itself mostly does so with a certificate that nobody has signed.
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("127.0.0.1");
        }
        if config.get_user().is_none() {
            return Err("no user: give postgresql://USER@HOST/NAME".to_owned());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        Ok(Self { config, tls: tls::connector(authorities.as_deref())? })
    }
}

/// The address in words that tokio-postgres knows, and the file of `sslrootcert`.
fn without_tls_words(text: &str) -> (String, Option<PathBuf>) {
    let (head, words, separator) = match text.split_once('?') {
        Some((head, query)) if text.contains("://") => (format!("{head}?"), query, '&'),
        None if text.contains("://") => return (text.to_owned(), None),
        _ => (String::new(), text, ' '),
    };
    let mut authorities = None;
    let mut kept = Vec::new();
    for word in words.split(separator) {
        match word.split_once('=') {
            Some(("sslrootcert", path)) => authorities = Some(PathBuf::from(path)),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(word),
        }
    }
    (head + &kept.join(&separator.to_string()), authorities)
}

impl fmt::Display for DatabaseUrl {
    /// Database and place, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.config.get_dbname().or_else(|| self.config.get_user()).unwrap_or("postgres");
        write!(f, "{name} on ")?;
        let ports = self.config.get_ports();
        for (i, host) in self.config.get_hosts().iter().enumerate() {
            if 0 < i {
                write!(f, ", ")?;
            }
            let port = ports.get(i).or_else(|| ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(host) => write!(f, "{host}:{port}")?,
                Host::Unix(path) => write!(f, "{}:{port}", path.display())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<DatabaseUrl>(), expected) {
            (Ok(url), Ok(shown)) => {
                assert_eq!(url.to_string(), shown);
                assert!(!format!("{url:?}").contains("secret"), "{url:?}");
            }
            (Err(problem), Err(part)) => {
                assert!(problem.contains(part), "{text}: {problem}");
                assert!(!problem.contains("secret"), "{problem}");
            }
            (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        check("postgresql://ada:secret@db.example:5433/app", Ok("app on db.example:5433"));
        check("postgres://ada:secret@[::1]/app", Ok("app on ::1:5432"));
        check("host=/run/pg user=ada password=secret dbname=app", Ok("app on /run/pg:5432"));
        check("user=ada", Ok("ada on 127.0.0.1:5432"));
        check("postgresql://a@one,two:2/app?target_session_attrs=read-write", Ok("app on one:5432, two:2"));
    }

    #[test]
    fn tls_is_used_where_it_is_asked_for() {
        let mode = |text: &str| text.parse::<DatabaseUrl>().unwrap().config.get_ssl_mode();
        assert_eq!(mode("postgresql://ada@host/app"), SslMode::Disable);
        assert_eq!(mode("postgresql://ada@host/app?sslmode=prefer"), SslMode::Disable);
        assert_eq!(mode("postgresql://ada@host/app?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgresql://ada@host/app?connect_timeout=3&sslmode=verify-full"), SslMode::Require);
        assert_eq!(mode("host=h user=ada sslmode=verify-ca"), SslMode::Require);
        assert_eq!(mode("host=h user=ada password='a  b'"), SslMode::Disable);
    }

    #[test]
    fn what_cannot_be_used_says_what_can() {
        check("mysql://ada:secret@host/app", Err("postgresql://USER"));
        check("postgresql://ada:secret@host:no/app", Err("postgresql://USER"));
        check("postgresql://host/app", Err("no user"));
        check("postgresql://ada:secret@host/app?sslrootcert=/ca.pem", Err("sslrootcert without sslmode"));
        check(
            "host=h user=ada password=secret sslmode=verify-full sslrootcert=/no.pem",
            Err("sslrootcert=/no.pem: "),
        );
    }
}
