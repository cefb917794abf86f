//! `signalbox sql` as a person sees it, on a real PostgreSQL.

use tokio_postgres::Client;

use crate::support::eventually;
use crate::support::postgres::Database;
use crate::support::pty::Pty;

/// Waits as long as the test holds the lock.
const WAITS: &str = "select pg_advisory_lock_shared(1), 'done '";
/// How many of the terminal's queries wait for it.
const N_WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND application_name = 'signalbox sql' AND wait_event = 'advisory'";

pub(super) fn address(database: &Database) -> String {
    format!("postgresql://postgres@127.0.0.1:{}/{}", database.port, database.name)
}

pub(super) async fn until_waiting(past: &Client, n_wanted: i64) {
    eventually(&format!("{n_wanted} queries that wait for the lock"), async || {
        (past.query_one(N_WAITING, &[]).await.unwrap().get::<_, i64>(0) == n_wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn six_queries_run_at_once_and_a_quick_one_answers_while_others_run() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let mut terminal = Pty::start(&["sql", "--database-url", &address(&database)], 100, 40);
    terminal.shows("read only").await;
    for n in 1..=5 {
        terminal.keys(&format!("{WAITS} || {n}\r"));
    }
    until_waiting(&past, 5).await;
    terminal.keys("select 6 * 7 as answer, null as nothing, E'a\\x1bb' as odd\r");
    terminal.shows("#6 ended after").await;
    terminal.shows("     42 │ NULL    │ a␛b").await;
    terminal.shows("(1 row, ").await;
    // The sixth place is free again; a seventh query waits for one without being sent.
    terminal.keys(&format!("{WAITS} || 7\r"));
    until_waiting(&past, 6).await;
    terminal.keys("select 'eighth'\r");
    terminal.shows("#8> select 'eighth'").await;
    terminal.shows("#1 runs, ").await;
    terminal.shows("4 more").await;
    terminal.keys("/cancel 8\r");
    terminal.shows("cancelled before it began").await;
    past.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    for n in [1, 2, 3, 4, 5, 7] {
        terminal.shows(&format!("done {n}")).await;
    }
    terminal.keys("/quit\r");
    assert_eq!(terminal.ended().await, 0);
    terminal.gives_back().await;
}

#[tokio::test]
async fn a_query_is_cancelled_by_its_number_or_by_control_c() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let mut terminal = Pty::start(&["sql", "--database-url", &address(&database)], 100, 30);
    terminal.shows("sql>").await;
    terminal.keys(&format!("{WAITS} || 1\r{WAITS} || 2\r"));
    until_waiting(&past, 2).await;
    terminal.keys("/cancel 1\r");
    terminal.shows("#1 ended after").await;
    terminal.shows("canceling statement due to user request (57014)").await;
    until_waiting(&past, 1).await;
    terminal.keys("/cancel 77\r");
    terminal.shows("there is no such query").await;
    terminal.keys("\u{3}");
    terminal.shows("#2 ended after").await;
    until_waiting(&past, 0).await;
    // Its connection is whole: the next query has it.
    terminal.keys("select 'still ' || 'here'\r");
    terminal.shows("still here").await;
    terminal.keys("\u{3}");
    assert_eq!(terminal.ended().await, 0);
}

#[tokio::test]
async fn nothing_is_changed_unless_writing_is_allowed_and_errors_show_their_place() {
    let database = Database::create().await;
    let past = database.client().await;
    let address = address(&database);
    let mut reads = Pty::start(&["sql", "--database-url", &address], 100, 30);
    reads.shows("read only").await;
    reads.keys("create table made (id int)\r");
    reads.shows("cannot execute CREATE TABLE in a read-only transaction (25006)").await;
    // A statement cannot give itself more: what it says ends with its own transaction.
    reads.keys("set session characteristics as transaction read write; create table made (id int)\r");
    reads.shows("#2 ended after").await;
    reads.keys("select 1 +\u{1b}[200~\r nothing\u{1b}[201~\r");
    reads.shows("column \"nothing\" does not exist (42703)").await;
    reads.shows("line 2:  nothing").await;
    reads.shows("         ^").await;
    let is_missing = past.query_one("SELECT to_regclass('made') IS NULL", &[]).await.unwrap();
    assert!(is_missing.get::<_, bool>(0));
    let mut writes = Pty::start(&["sql", "--write", "--database-url", &address], 100, 30);
    writes.shows("WRITES ALLOWED").await;
    writes.keys("create table made (id int); insert into made select generate_series(1, 3)\r");
    writes.shows("(3 rows changed, ").await;
    assert_eq!(past.query_one("SELECT count(*) FROM made", &[]).await.unwrap().get::<_, i64>(0), 3);
    writes.keys("begin; delete from made\r");
    writes.shows("it was rolled back").await;
    assert_eq!(past.query_one("SELECT count(*) FROM made", &[]).await.unwrap().get::<_, i64>(0), 3);
}
