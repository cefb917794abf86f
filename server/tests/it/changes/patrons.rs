//! The patrons' API, exactly as it is fixed.

use serde_json::Value;
use signalbox::config::Settings;
use signalbox::limits::Limits;

use super::{ask, changes, read, row, settings, start};
use crate::support::postgres::Database;
use crate::support::{TestServer, eventually, quiet_settings};

#[tokio::test]
async fn the_transcript_of_the_reference_works_as_written() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    // As `curl -d` says it, which names another type than it sends.
    let head = ["Content-Type: application/x-www-form-urlencoded", "User-Agent: curl/8.0", "Accept: */*"];
    let says = async |method: &str, target: &str, body: &str| {
        let answer = crate::support::http(server.http(), method, target, &head, body.as_bytes()).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {target}");
        (answer.status, answer.text())
    };
    let ok = |text: &str| (200, text.to_owned());
    let soup = r#"{"name":"Ada","fav_dish":"Soup"}"#;
    let rice = r#"{"name":"Ada","fav_dish":"Rice"}"#;
    assert_eq!(says("POST", "/patron", soup).await, ok(r#"{"msg":"ok","id":1}"#));
    assert_eq!(says("GET", "/patron/1", "").await, (200, row(1, "Ada", "Soup")));
    assert_eq!(says("PUT", "/patron/1", rice).await, ok(r#"{"msg":"ok"}"#));
    assert_eq!(says("GET", "/patron/1", "").await, (200, row(1, "Ada", "Rice")));
    assert_eq!(says("GET", "/patron/2", "").await, ok("null"));
    assert_eq!(says("PUT", "/patron/2", rice).await, ok(r#"{"msg":"bad"}"#));
    assert_eq!(says("DELETE", "/patron/1", "").await, ok(r#"{"msg":"ok"}"#));
    assert_eq!(says("DELETE", "/patron/1", "").await, ok(r#"{"msg":"bad"}"#));
    assert_eq!(says("GET", "/patron/1", "").await, ok("null"));
    server.stop().await;
}

#[tokio::test]
async fn a_read_is_a_miss_once_and_then_a_hit_and_counted_so() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    past.batch_execute("ALTER TABLE patron DISABLE TRIGGER ALL").await.unwrap();
    past.batch_execute("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup'), (NULL, NULL)")
        .await
        .unwrap();
    past.batch_execute("ALTER TABLE patron ENABLE TRIGGER ALL").await.unwrap();
    for found in ["miss", "hit", "hit"] {
        assert_eq!(read(&server, 1).await, (200, row(1, "Ada", "Soup"), Some(found.to_owned())));
    }
    assert_eq!(read(&server, 2).await.1, r#"{"id":2,"name":null,"fav_dish":null}"#);
    let cache = changes(&server).await.info.cache;
    assert_eq!((cache.hits, cache.misses, cache.rows, cache.hit.count), (2, 2, 2, 2));
    let metrics = ask(&server, "GET", "/metrics", "").await.text();
    for line in [
        "signalbox_patron_cache_hits_total 2",
        "signalbox_patron_cache_misses_total 2",
        "signalbox_patron_cache_rows 2",
        "signalbox_patron_cache_evictions_total 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    past.batch_execute("UPDATE patron SET fav_dish = 'Rice' WHERE id = 1").await.unwrap();
    eventually("the notification and its delay", async || {
        let metrics = ask(&server, "GET", "/metrics", "").await.text();
        let has = |start: &str| metrics.lines().any(|line| line.starts_with(start));
        (has("signalbox_changes_delay_p99") && has("signalbox_patron_cache_corrected_total 1")).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_malformed_is_told_in_the_fixed_shape() {
    let database = Database::create().await;
    let limits = Limits { http_body_bytes: 1_024, ..Limits::default() };
    let server = start(Settings { limits, ..settings(&database) }).await;
    let long = format!(r#"{{"name":"{}","fav_dish":""}}"#, "x".repeat(2_000));
    for (method, target, body) in [
        ("POST", "/patron", ""),
        ("POST", "/patron", "{"),
        ("POST", "/patron", "[]"),
        ("POST", "/patron", "null"),
        ("POST", "/patron", r#"{"name":"Ada"}"#),
        ("POST", "/patron", r#"{"name":"Ada","fav_dish":"Soup","age":7}"#),
        ("POST", "/patron", r#"{"name":"Ada","fav_dish":7}"#),
        ("POST", "/patron", r#"{"name":"Ada","fav_dish":null}"#),
        ("POST", "/patron", r#"{"name":"A\u0000da","fav_dish":"Soup"}"#),
        ("POST", "/patron", r#"{"name":"\ud800","fav_dish":"Soup"}"#),
        ("POST", "/patron", &long),
        ("PUT", "/patron/1", r#"{"name":"Ada"}"#),
        ("PUT", "/patron/x", r#"{"name":"Ada","fav_dish":"Soup"}"#),
        ("GET", "/patron/2147483648", ""),
        ("GET", "/patron/1.5", ""),
        ("GET", "/patron/%00", ""),
        ("DELETE", "/patron/99999999999999999999", ""),
    ] {
        let answer = ask(&server, method, target, body).await;
        assert_eq!(answer.status, 400, "{method} {target} {body}: {}", answer.text());
        let said: Value = answer.json();
        assert_eq!(said["msg"], "bad", "{method} {target} {body}");
        assert!(!said["error"].as_str().unwrap().is_empty(), "{method} {target} {body}");
    }
    assert_eq!(changes(&server).await.info.received, 0);
    server.stop().await;
}

#[tokio::test]
async fn the_list_comes_in_pages() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    past.batch_execute(
        "INSERT INTO patron (name, fav_dish) SELECT 'p' || n, 'x' FROM generate_series(1, 120) n",
    )
    .await
    .unwrap();
    let page = async |query: &str| -> (usize, Value, bool) {
        let page: Value = ask(&server, "GET", &format!("/api/patrons{query}"), "").await.json();
        let patrons = page["patrons"].as_array().unwrap();
        (patrons.len(), patrons[0]["id"].clone(), page["has_more"].as_bool().unwrap())
    };
    assert_eq!(page("").await, (50, 1.into(), true));
    assert_eq!(page("?after=100&limit=20").await, (20, 101.into(), false));
    for bad in ["?limit=0", "?limit=201", "?after=x"] {
        assert_eq!(ask(&server, "GET", &format!("/api/patrons{bad}"), "").await.status, 400, "{bad}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_relay_without_a_database_says_which_setting_turns_it_on() {
    let server = TestServer::start_with(quiet_settings()).await;
    for (method, target) in [("GET", "/patron/1"), ("DELETE", "/patron/1"), ("GET", "/api/patrons")] {
        let answer = ask(&server, method, target, "").await;
        assert_eq!(answer.status, 503, "{method} {target}");
        assert!(answer.text().contains("--database-url"), "{}", answer.text());
    }
    assert_eq!(changes(&server).await.info, signalbox_shared::changes::ChangesInfo::default());
    server.stop().await;
}

#[tokio::test]
async fn many_readers_of_one_uncached_row_ask_the_database_once() {
    let database = Database::create().await;
    let server = start(settings(&database)).await;
    let past = database.client().await;
    // A lock holds the load until all readers are there.
    past.batch_execute("BEGIN; LOCK TABLE patron").await.unwrap();
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let address = server.http();
            tokio::spawn(
                async move { crate::support::http(address, "GET", "/patron/7", &[], b"").await.text() },
            )
        })
        .collect();
    eventually("19 readers to wait for the first", async || {
        (changes(&server).await.info.cache.shared == 19).then_some(())
    })
    .await;
    past.batch_execute("COMMIT").await.unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), "null");
    }
    server.stop().await;
}
