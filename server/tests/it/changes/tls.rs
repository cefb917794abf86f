//! A database that is spoken to by TLS, as managed ones want it.

use signalbox::changes::DatabaseUrl;

use super::{ask, changes, options, read, row, settings_by, start};
use crate::support::postgres::Database;
use crate::support::{TestServer, eventually};

/// The relay's connections, and how many of them are encrypted.
const ENCRYPTED: &str = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
    WHERE datname = current_database() AND application_name LIKE 'signalbox%'";

async fn encrypted(database: &Database) -> (i64, i64) {
    let row = database.client().await.query_one(ENCRYPTED, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

fn url(database: &Database, host: &str, words: &str) -> DatabaseUrl {
    let text = format!("postgresql://postgres@{host}:{}/{}?{words}", database.port, database.name);
    text.parse().unwrap()
}

#[tokio::test]
async fn every_connection_is_encrypted_where_that_is_asked_for_and_none_else() {
    let database = Database::create().await;
    let checked = format!("sslmode=verify-full&sslrootcert={}", database.certificate.display());
    for (words, is_encrypted) in [(checked.as_str(), true), ("sslmode=prefer", false)] {
        let url = url(&database, "127.0.0.1", words);
        let server = start(settings_by(options(url))).await;
        let soup = r#"{"name":"Ada","fav_dish":"Soup"}"#;
        let id: serde_json::Value = ask(&server, "POST", "/patron", soup).await.json();
        let id = id["id"].as_i64().unwrap() as i32;
        assert_eq!(read(&server, id).await, (200, row(id, "Ada", "Soup"), Some("hit".to_owned())));
        let (n, n_encrypted) = encrypted(&database).await;
        assert!(2 <= n, "one that listens and one of the pool, at least");
        assert_eq!(n_encrypted, if is_encrypted { n } else { 0 });
        server.stop().await;
        eventually("the connections to be gone", async || (encrypted(&database).await.0 == 0).then_some(()))
            .await;
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_spoken_to() {
    let database = Database::create().await;
    let by_name = format!("sslmode=require&sslrootcert={}", database.certificate.display());
    for (host, words, reason) in
        [("127.0.0.1", "sslmode=require", "UnknownIssuer"), ("localhost", &by_name, "not valid for name")]
    {
        let url = url(&database, host, words);
        let server = TestServer::start_with(settings_by(options(url))).await;
        let told = eventually("the reason", async || changes(&server).await.info.reason).await;
        assert!(told.contains(reason), "{host}: {told}");
        assert_eq!(ask(&server, "GET", "/patron/1", "").await.status, 503);
        server.stop().await;
    }
}
