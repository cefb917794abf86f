//! The feed: any table, by any kind of key, on its own channel as it is fixed, and over the WebSocket with accounts.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use signalbox::changes::DatabaseOptions;
use signalbox_shared::changes::{ChangeKind, ChangesAccounts, LinkState};
use signalbox_shared::socket::{ClientMessage, ServerMessage};
use tokio_postgres::{AsyncMessage, NoTls};
use tokio_tungstenite::tungstenite::Message;

use super::{changes, options, settings, settings_by, start, watch};
use crate::support::eventually;
use crate::support::postgres::Database;

#[tokio::test]
async fn tables_are_watched_whatever_their_key_is() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute(
        r#"CREATE SCHEMA shop;
           CREATE TABLE shop.orders (id bigint PRIMARY KEY, what text, n double precision);
           CREATE TABLE "odd ""name""" (k uuid PRIMARY KEY, data jsonb);
           CREATE TABLE words (word text PRIMARY KEY);
           CREATE TABLE parted (id int, n int) PARTITION BY RANGE (id);
           CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)"#,
    )
    .await
    .unwrap();
    let tables = [("shop.orders", "id"), ("odd \"name\"", "k"), ("words", "word"), ("parted", "id")];
    let watch = tables.map(|(table, key)| watch(table, key)).to_vec();
    let server = start(settings_by(DatabaseOptions { watch, ..options(database.url()) })).await;
    past.batch_execute(
        r#"INSERT INTO shop.orders VALUES (9007199254740993, 'tea', 'NaN');
           UPDATE shop.orders SET what = 'coffee';
           INSERT INTO "odd ""name""" VALUES ('00000000-0000-0000-0000-00000000000a', '{"a": [1]}');
           INSERT INTO words VALUES ('it''s "odd" \');
           INSERT INTO parted VALUES (1, 2);
           DELETE FROM parted;
           TRUNCATE words"#,
    )
    .await
    .unwrap();
    let events = eventually("seven changes", async || {
        Some(changes(&server).await.events).filter(|events| events.len() == 7)
    })
    .await;
    let told: Vec<_> = events.iter().map(|e| (e.table.as_str(), e.key.clone(), e.kind)).collect();
    use ChangeKind::{Delete, Insert, Truncate, Update};
    assert_eq!(
        told,
        [
            ("shop.orders", json!(9_007_199_254_740_993_i64), Insert),
            ("shop.orders", json!(9_007_199_254_740_993_i64), Update),
            ("public.odd \"name\"", json!("00000000-0000-0000-0000-00000000000a"), Insert),
            ("public.words", json!("it's \"odd\" \\"), Insert),
            ("public.parted", json!(1), Insert),
            ("public.parted", json!(1), Delete),
            ("public.words", Value::Null, Truncate),
        ]
    );
    assert_eq!(events[1].changed, ["what"]);
    assert_eq!(events[1].old.as_ref().unwrap()["what"], "tea");
    assert_eq!(events[1].new.as_ref().unwrap()["what"], "coffee");
    assert_eq!(events[5].old, Some(json!({"id": 1, "n": 2})));
    server.stop().await;
}

#[tokio::test]
async fn a_foreign_program_hears_exactly_what_is_fixed() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    let (client, mut connection) = database.url().config().connect(NoTls).await.unwrap();
    let (sender, mut heard) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(notification) = message {
                sender.send(notification.payload().to_owned()).await.unwrap();
            }
        }
    });
    client.batch_execute("LISTEN chan_patron").await.unwrap();
    past.batch_execute("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup')").await.unwrap();
    past.batch_execute("UPDATE patron SET fav_dish = 'Rice'").await.unwrap();
    past.batch_execute("UPDATE patron SET fav_dish = repeat('x', 8000)").await.unwrap();
    past.batch_execute("UPDATE patron SET fav_dish = 'Pie'; DELETE FROM patron").await.unwrap();
    let soup = json!({"id": 1, "name": "Ada", "fav_dish": "Soup"});
    let rice = json!({"id": 1, "name": "Ada", "fav_dish": "Rice"});
    let pie = json!({"id": 1, "name": "Ada", "fav_dish": "Pie"});
    let update = json!({"old": soup, "new": rice, "diff": {"fav_dish": "Rice"}});
    for expected in [
        json!({"table": "patron", "id": 1, "type": "INSERT", "data": soup}),
        json!({"table": "patron", "id": 1, "type": "UPDATE", "data": update}),
        json!({"table": "patron", "id": 1, "type": "UPDATE", "data": null, "truncated": true}),
        json!({"table": "patron", "id": 1, "type": "UPDATE", "data": null, "truncated": true}),
        json!({"table": "patron", "id": 1, "type": "DELETE", "data": pie}),
    ] {
        let payload = heard.recv().await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_is_sent_every_change_or_told_how_many_it_was_not() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/ws", server.http())).await.unwrap();
    let say = serde_json::to_string(&ClientMessage::WatchChanges { since: None }).unwrap();
    socket.send(Message::text(say)).await.unwrap();
    past.batch_execute("INSERT INTO patron (name) SELECT n FROM generate_series(1, 1000) n").await.unwrap();
    let (mut n_shown, mut accounts, mut is_up) = (0, ChangesAccounts::default(), false);
    while accounts.received < 1_000 || !is_up {
        let message = tokio::time::timeout(crate::support::DEADLINE, socket.next()).await;
        let Ok(text) = message.unwrap().unwrap().unwrap().into_text() else { continue };
        if text.is_empty() {
            continue;
        }
        match serde_json::from_str(&text).unwrap() {
            ServerMessage::Changes { events, accounts: now } => {
                n_shown += events.len() as u64;
                accounts = now;
                assert_eq!((accounts.received, accounts.shown), (accounts.shown + accounts.skipped, n_shown));
            }
            ServerMessage::ChangesStatus { info } => is_up = info.link == LinkState::Up,
            _ => {}
        }
    }
    assert_eq!(accounts.received, 1_000);
    server.stop().await;
}
