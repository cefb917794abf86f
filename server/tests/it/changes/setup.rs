//! What is put into the database: once, by anybody who owns the tables, and away again without a trace.

use signalbox::changes::{DatabaseOptions, install, remove, status};
use signalbox_shared::changes::TableState;

use super::{changes, options, settings_by, watch};
use crate::support::postgres::Database;
use crate::support::{TestServer, eventually};

const TRACES: &str = "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'signalbox%') \
    + (SELECT count(*) FROM pg_namespace WHERE nspname = 'signalbox')";

#[tokio::test]
async fn installing_twice_changes_nothing_and_removing_leaves_nothing_but_the_rows() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("CREATE TABLE orders (id bigint PRIMARY KEY)").await.unwrap();
    let options = DatabaseOptions { watch: vec![watch("orders", "id")], ..options(database.url()) };
    assert!(!status(&options).await.unwrap().is_complete);
    let report = install(&options).await.unwrap();
    assert!(report.is_complete, "{report:?}");
    let triggers =
        "SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_trigger WHERE tgname LIKE 'signalbox%'";
    let before: String = past.query_one(triggers, &[]).await.unwrap().get(0);
    assert_eq!(install(&options).await.unwrap(), report);
    assert_eq!(status(&options).await.unwrap(), report);
    assert_eq!(past.query_one(triggers, &[]).await.unwrap().get::<_, String>(0), before);
    past.batch_execute("INSERT INTO patron (name) VALUES ('Ada')").await.unwrap();
    let report = remove(&options).await.unwrap();
    assert_eq!(report.lines[..2], ["public.orders: no longer watched", "public.patron: no longer watched"]);
    assert_eq!(past.query_one(TRACES, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(past.query_one("SELECT count(*) FROM patron", &[]).await.unwrap().get::<_, i64>(0), 1);
    remove(&options).await.unwrap();
}

#[tokio::test]
async fn an_owner_of_the_database_needs_no_superuser() {
    let database = Database::create().await;
    let past = database.client().await;
    let (name, role) = (&database.name, format!("owner_{}", database.name));
    past.batch_execute(&format!("CREATE ROLE {role} LOGIN; ALTER DATABASE {name} OWNER TO {role}"))
        .await
        .unwrap();
    let url = format!("postgresql://{role}@127.0.0.1:{}/{name}", database.port).parse().unwrap();
    let report = install(&options(url)).await.unwrap();
    assert!(report.is_complete, "{report:?}");
}

#[tokio::test]
async fn who_may_not_install_is_told_and_a_relay_that_only_checks_changes_nothing() {
    let database = Database::create().await;
    let past = database.client().await;
    let (name, role) = (&database.name, format!("guest_{}", database.name));
    past.batch_execute(&format!("CREATE ROLE {role} LOGIN; CREATE TABLE mine (id int)")).await.unwrap();
    let url = format!("postgresql://{role}@127.0.0.1:{}/{name}", database.port).parse().unwrap();
    let refused = install(&options(url)).await;
    assert!(refused.unwrap_err().to_string().contains("permission denied"));

    let watch = vec![watch("mine", "id"), watch("nobodys", "id"), watch("mine2", "x")];
    past.batch_execute("CREATE TABLE mine2 (x numeric)").await.unwrap();
    let checks = DatabaseOptions { is_installing: false, watch, ..options(database.url()) };
    let server = TestServer::start_with(settings_by(checks)).await;
    let info = eventually("the tables to be looked at", async || {
        let info = changes(&server).await.info;
        info.tables.iter().all(|table| table.state != TableState::Unknown).then_some(info)
    })
    .await;
    let states: Vec<_> = info.tables.iter().map(|table| table.state).collect();
    use TableState::{Missing, NotInstalled};
    assert_eq!(states, [Missing, NotInstalled, Missing, Missing]);
    assert!(info.tables[1].reason.as_ref().unwrap().contains("signalbox db install"));
    assert!(info.tables[3].reason.as_ref().unwrap().contains("numeric"));
    assert_eq!(past.query_one(TRACES, &[]).await.unwrap().get::<_, i64>(0), 0);
    server.stop().await;
}
