//! The database is not there, goes, comes back; tables go and come; rows are too large.

use signalbox_shared::changes::{LinkState, TableState};

use super::{ask, changes, options, read, row, settings, settings_by, start, until_watching};
use crate::support::postgres::{Database, Gate};
use crate::support::{TestServer, eventually};

#[tokio::test]
async fn a_relay_starts_without_its_database_and_connects_when_it_can() {
    let database = Database::create().await;
    let mut gate = Gate::to(&database);
    let server = TestServer::start_with(settings_by(options(database.url_by(gate.port)))).await;
    let info = eventually("the reason to be told", async || {
        Some(changes(&server).await.info).filter(|info| info.reason.is_some())
    })
    .await;
    assert_eq!((info.link, info.cache.rows), (LinkState::Connecting, 0));
    assert!(info.database.unwrap().contains(&database.name));
    let answer = ask(&server, "GET", "/patron/1", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (503, Some("application/problem+json")));
    assert_eq!(ask(&server, "GET", "/readyz", "").await.status, 200);
    gate.open().await;
    until_watching(&server).await;
    assert_eq!(read(&server, 1).await.1, "null");
    server.stop().await;
}

#[tokio::test]
async fn without_the_database_only_what_is_cached_is_answered_and_marked() {
    let database = Database::create().await;
    let mut gate = Gate::to(&database);
    gate.open().await;
    let server = start(settings_by(options(database.url_by(gate.port)))).await;
    ask(&server, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    assert_eq!(read(&server, 1).await.2.as_deref(), Some("hit"));
    gate.shut();
    eventually("the loss to be seen", async || {
        (changes(&server).await.info.link == LinkState::Lost).then_some(())
    })
    .await;
    assert_eq!(read(&server, 1).await, (200, row(1, "Ada", "Soup"), Some("stale".to_owned())));
    assert_eq!(read(&server, 2).await.0, 503);
    let write = ask(&server, "PUT", "/patron/1", r#"{"name":"Ada","fav_dish":"Rice"}"#).await;
    assert_eq!((write.status, write.header("content-type")), (503, Some("application/problem+json")));
    // Another program goes on meanwhile, and nobody tells this relay.
    database.client().await.batch_execute("UPDATE patron SET fav_dish = 'Pie'").await.unwrap();
    gate.open().await;
    until_watching(&server).await;
    assert_eq!(read(&server, 1).await, (200, row(1, "Ada", "Pie"), Some("miss".to_owned())));
    let info = changes(&server).await.info;
    assert_eq!((info.reconnects, info.cache.marked, info.cache.clears), (1, 1, 2));
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_goes_on_at_another_host_is_followed_there() {
    let database = Database::create().await;
    let (mut first, mut second) = (Gate::to(&database), Gate::to(&database));
    first.open().await;
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", first.port, second.port);
    let url = format!("postgresql://postgres@{hosts}/{}?target_session_attrs=read-write", database.name);
    let server = start(settings_by(options(url.parse().unwrap()))).await;
    ask(&server, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    assert_eq!(read(&server, 1).await.2.as_deref(), Some("hit"));
    first.shut();
    second.open().await;
    eventually("the other host", async || (changes(&server).await.info.reconnects == 1).then_some(())).await;
    until_watching(&server).await;
    let write = ask(&server, "PUT", "/patron/1", r#"{"name":"Ada","fav_dish":"Rice"}"#).await;
    assert_eq!(write.status, 200, "{}", write.text());
    assert_eq!(read(&server, 1).await, (200, row(1, "Ada", "Rice"), Some("hit".to_owned())));
    server.stop().await;
}

#[tokio::test]
async fn a_row_over_the_limit_is_announced_by_its_key_and_leaves_the_cache() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    ask(&server, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    let long = "x".repeat(9_000);
    ask(&server, "PUT", "/patron/1", &format!(r#"{{"name":"Ada","fav_dish":"{long}"}}"#)).await;
    for found in ["miss", "hit"] {
        assert_eq!(read(&server, 1).await, (200, row(1, "Ada", &long), Some(found.to_owned())));
    }
    let changes = changes(&server).await;
    assert_eq!((changes.info.received, changes.info.truncated), (2, 1));
    assert!(changes.events[1].is_truncated && changes.events[1].new.is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_table_that_is_dropped_is_told_and_its_rows_are_forgotten_until_it_is_back() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    ask(&server, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    let past = database.client().await;
    past.batch_execute("DROP TABLE patron").await.unwrap();
    eventually("the loss to be seen", async || {
        let info = changes(&server).await.info;
        (info.tables[0].state == TableState::Missing && info.cache.rows == 0).then_some(())
    })
    .await;
    assert_eq!(read(&server, 1).await.0, 503);
    past.batch_execute("CREATE TABLE patron (id serial PRIMARY KEY, name text, fav_dish text)")
        .await
        .unwrap();
    until_watching(&server).await;
    assert_eq!(read(&server, 1).await.1, "null");
    server.stop().await;
}

#[tokio::test]
async fn emptying_the_table_and_changing_a_key_are_not_missed() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    for _ in 0..2 {
        ask(&server, "POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup"}"#).await;
    }
    let past = database.client().await;
    past.batch_execute("UPDATE patron SET id = 10 WHERE id = 1").await.unwrap();
    eventually("the change to be heard of", async || {
        (changes(&server).await.info.received == 3).then_some(())
    })
    .await;
    assert_eq!(
        (read(&server, 1).await.1, read(&server, 10).await.1),
        ("null".to_owned(), row(10, "Ada", "Soup"))
    );
    past.batch_execute("TRUNCATE patron").await.unwrap();
    eventually("the end to be heard of", async || (changes(&server).await.info.received == 4).then_some(()))
        .await;
    assert_eq!((read(&server, 2).await.1, read(&server, 10).await.1), ("null".to_owned(), "null".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn notifications_that_are_not_ours_are_counted_and_do_no_harm() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    past.batch_execute("NOTIFY signalbox, 'hello'; NOTIFY signalbox, '{}'; NOTIFY chan_patron, 'hello'")
        .await
        .unwrap();
    let forged =
        r#"{"xid":"1","at_us":1,"schema":"no","change":{"table":"such","id":1,"type":"DELETE","data":null}}"#;
    past.batch_execute(&format!("NOTIFY signalbox, '{forged}'")).await.unwrap();
    eventually("them to be counted", async || (changes(&server).await.info.refused == 3).then_some(())).await;
    assert_eq!(changes(&server).await.info.received, 0);
    server.stop().await;
}
