//! Two relays on one database: what is written through one is in the other's cache, whatever happens to connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use signalbox_shared::changes::{Changes, LinkState, TableState};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{ask, changes, read, row, settings, start, until_watching};
use crate::process::{address_of, serve};
use crate::support::postgres::Database;
use crate::support::{TestServer, eventually, http};

const WRITERS: i32 = 16;
const KILLS: u64 = 100;

#[tokio::test]
async fn what_is_written_through_one_is_in_the_others_cache() {
    let database = Database::create().await;
    let (a, b) = (start(settings(&database)).await, start(settings(&database)).await);
    ask(&a, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    // The writer reads what it wrote at once, from the cache, though only notifications correct it.
    assert_eq!(read(&a, 1).await, (200, row(1, "Ada", "Soup"), Some("hit".to_owned())));
    eventually("B to be told", async || (changes(&b).await.info.received == 1).then_some(())).await;
    assert_eq!(read(&b, 1).await, (200, row(1, "Ada", "Soup"), Some("hit".to_owned())));
    ask(&b, "PUT", "/patron/1", r#"{"name":"Ada","fav_dish":"Rice"}"#).await;
    assert_eq!(read(&b, 1).await, (200, row(1, "Ada", "Rice"), Some("hit".to_owned())));
    eventually("A to be told", async || (changes(&a).await.info.received == 2).then_some(())).await;
    assert_eq!(read(&a, 1).await, (200, row(1, "Ada", "Rice"), Some("hit".to_owned())));
    ask(&a, "DELETE", "/patron/1", "").await;
    eventually("B to be told", async || (changes(&b).await.info.received == 3).then_some(())).await;
    assert_eq!(read(&b, 1).await, (200, "null".to_owned(), Some("hit".to_owned())));
    a.stop().await;
    b.stop().await;
}

/// Two processes as two machines would run them: the log of the second says that it had what it was never asked for.
#[tokio::test]
async fn the_other_servers_log_shows_the_hit() {
    let database = Database::create().await;
    let url = format!("postgresql://postgres@127.0.0.1:{}/{}", database.port, database.name);
    let args = ["--database-url", &url, "--news=off"];
    let (_a, a) = serve(&args).await;
    let (mut b_process, b) = serve(&args).await;
    let address = |printed: &[String]| address_of(printed, "page").parse::<std::net::SocketAddr>().unwrap();
    let (a, b) = (address(&a), address(&b));
    let heard = async |address, n: u64| {
        eventually("the relay to be told", async || {
            let changes: Changes = http(address, "GET", "/api/changes", &[], b"").await.json();
            let is_watched = changes.info.tables.iter().all(|table| table.state == TableState::Watched);
            (changes.info.link == LinkState::Up && is_watched && n <= changes.info.received).then_some(())
        })
        .await;
    };
    heard(a, 0).await;
    heard(b, 0).await;
    let body = br#"{"name":"Ada","fav_dish":"Soup"}"#;
    assert_eq!(http(a, "POST", "/patron", &[], body).await.status, 200);
    heard(b, 1).await;
    assert_eq!(http(b, "GET", "/patron/1", &[], b"").await.text(), row(1, "Ada", "Soup"));
    let mut log = BufReader::new(b_process.stderr.take().unwrap()).lines();
    let line = loop {
        let line = log.next_line().await.unwrap().expect("a log that tells of the read");
        if line.contains("patron 1") {
            break line;
        }
    };
    assert!(line.contains("patron 1: hit in "), "{line}");
}

/// Each writer counts its own row up, through one of the relays, and looks there at once; readers look at both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_goes_back_while_the_listening_connections_are_killed() {
    let database = Database::create().await;
    let (a, b) = (Arc::new(start(settings(&database)).await), Arc::new(start(settings(&database)).await));
    let past = database.client().await;
    past.batch_execute(&format!(
        "INSERT INTO patron (name, fav_dish) SELECT '0', '' FROM generate_series(1, {WRITERS})"
    ))
    .await
    .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let written: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let mut tasks = Vec::new();
    for id in 1..=WRITERS {
        let server = if id % 2 == 0 { a.clone() } else { b.clone() };
        tasks.push(tokio::spawn(write_and_read(server, id, written.clone(), done.clone())));
    }
    for server in [&a, &b] {
        tasks.push(tokio::spawn(read_round(server.clone(), done.clone())));
    }
    for n_killed in 0..KILLS {
        for server in [&a, &b] {
            eventually("the connection to be back", async || {
                (n_killed <= changes(server).await.info.reconnects).then_some(())
            })
            .await;
            until_watching(server).await;
        }
        let killed = past
            .query_one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE application_name = 'signalbox listener' AND datname = current_database()",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(killed.get::<_, i64>(0), 2);
    }
    for server in [&a, &b] {
        eventually("the last reconnect", async || {
            (KILLS <= changes(server).await.info.reconnects).then_some(())
        })
        .await;
        until_watching(server).await;
    }
    done.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    // A last write through each: once both have heard of it, they have heard of everything before.
    for server in [&a, &b] {
        ask(server, "POST", "/patron", r#"{"name":"last","fav_dish":""}"#).await;
    }
    let last = WRITERS + 2;
    for server in [&a, &b] {
        eventually("everything to be heard of", async || {
            (read(server, last).await.1 != "null").then_some(())
        })
        .await;
        for id in 1..=WRITERS {
            let version = written[id as usize - 1].load(Ordering::SeqCst);
            assert!(0 < version, "writer {id} wrote nothing");
            assert_eq!(version_of(&read(server, id).await.1), version, "row {id}");
        }
    }
}

async fn write_and_read(
    server: Arc<TestServer>,
    id: i32,
    written: Arc<Vec<AtomicU64>>,
    done: Arc<AtomicBool>,
) {
    let mut version = 0;
    while !done.load(Ordering::SeqCst) {
        version += 1;
        let body = format!(r#"{{"name":"{version}","fav_dish":""}}"#);
        let answer = ask(&server, "PUT", &format!("/patron/{id}"), &body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"msg":"ok"}"#));
        written[id as usize - 1].store(version, Ordering::SeqCst);
        let (status, text, found) = read(&server, id).await;
        assert_eq!(
            (status, version_of(&text)),
            (200, version),
            "row {id}: wrote {version}, read a {found:?}"
        );
    }
}

async fn read_round(server: Arc<TestServer>, done: Arc<AtomicBool>) {
    let mut seen = vec![0; WRITERS as usize];
    while !done.load(Ordering::SeqCst) {
        for id in 1..=WRITERS {
            let (status, text, found) = read(&server, id).await;
            assert_eq!(status, 200, "{text}");
            assert_ne!(found.as_deref(), Some("stale"), "the database was there all the time");
            let version = version_of(&text);
            let last = &mut seen[id as usize - 1];
            assert!(*last <= version, "row {id} went from {last} back to {version}: {found:?}");
            *last = version;
        }
    }
}

fn version_of(row: &str) -> u64 {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    row["name"].as_str().unwrap().parse().unwrap()
}
