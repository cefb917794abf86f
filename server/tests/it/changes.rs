//! Rows that announce themselves: a real PostgreSQL, one or two relays on it, and programs that write past them.

mod faults;
mod feed;
mod patrons;
mod setup;
mod tls;
mod two_servers;

use signalbox::changes::{DatabaseOptions, DatabaseUrl, WatchRule};
use signalbox::config::Settings;
use signalbox::limits::Limits;
use signalbox_shared::changes::{Changes, LinkState, TableState};

use crate::support::postgres::Database;
use crate::support::{Answer, TestServer, eventually, http, quiet_settings};

/// The database at this address, the triggers installed, and `patron` alone watched.
fn options(url: DatabaseUrl) -> DatabaseOptions {
    DatabaseOptions { url: Some(url), is_installing: true, watch: Vec::new() }
}

/// A write waits for its notification as long as a busy machine may take.
fn settings_by(database: DatabaseOptions) -> Settings {
    let limits = Limits { database_echo_millis: 30_000, ..Limits::default() };
    Settings { database, limits, ..quiet_settings() }
}

fn settings(database: &Database) -> Settings {
    settings_by(options(database.url()))
}

fn watch(table: &str, key: &str) -> WatchRule {
    WatchRule { table: table.to_owned(), key: key.to_owned() }
}

/// A relay that listens, all its tables watched.
async fn start(settings: Settings) -> TestServer {
    let server = TestServer::start_with(settings).await;
    until_watching(&server).await;
    server
}

async fn until_watching(server: &TestServer) {
    eventually("the relay to listen", async || {
        let info = changes(server).await.info;
        let is_watched = info.tables.iter().all(|table| table.state == TableState::Watched);
        (info.link == LinkState::Up && is_watched).then_some(())
    })
    .await;
}

async fn changes(server: &TestServer) -> Changes {
    ask(server, "GET", "/api/changes", "").await.json()
}

async fn ask(server: &TestServer, method: &str, target: &str, body: &str) -> Answer {
    http(server.http(), method, target, &[], body.as_bytes()).await
}

/// Status, body, and where the row came from.
async fn read(server: &TestServer, id: i32) -> (u16, String, Option<String>) {
    let answer = ask(server, "GET", &format!("/patron/{id}"), "").await;
    (answer.status, answer.text(), answer.header("signalbox-cache").map(str::to_owned))
}

fn row(id: i32, name: &str, fav_dish: &str) -> String {
    format!(r#"{{"id":{id},"name":"{name}","fav_dish":"{fav_dish}"}}"#)
}
