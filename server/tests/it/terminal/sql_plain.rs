//! `signalbox sql` in a pipe: answers on standard output, progress on standard error, the result in the exit status.

use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::sql::{address, until_waiting};
use crate::process::signalbox;
use crate::support::postgres::Database;

/// Runs it with these arguments and this input, and gives its status and both outputs.
async fn run(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = signalbox(&[&["sql"], args].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let Output { status, stdout, stderr } = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test]
async fn a_query_is_answered_as_a_table_with_its_count_and_time() {
    let database = Database::create().await;
    let url = address(&database);
    let query = "select n, 'row ' || n as what from generate_series(9, 10) n";
    let (status, out, err) = run(&["--database-url", &url, query], "").await;
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..4], [" n  │ what", "────┼────────", "  9 │ row 9", " 10 │ row 10"]);
    assert!(lines[4].starts_with("(2 rows, ") && lines[4].ends_with(" ms)"), "{out}");
    let (_, out, _) = run(&["--database-url", &url, "--rows", "1", query], "").await;
    assert!(out.contains("(1 of 2 rows shown, "), "{out}");
}

#[tokio::test]
async fn statements_of_a_pipe_run_in_order_up_to_the_first_error() {
    let database = Database::create().await;
    let url = address(&database);
    let input = "select 'fir;st' as a; -- the first;\nselect\n 'second' as b;\nselect no_such_column;\nselect 'never';\n";
    let (status, out, _) = run(&["--database-url", &url], input).await;
    assert_eq!(status, Some(1));
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text} in {out}"));
    assert!(at("fir;st") < at("second") && at("second") < at("no_such_column"));
    assert!(
        at("ERROR: column \"no_such_column\" does not exist (42703)") < at("line 4: select no_such_column")
    );
    assert!(out.ends_with("\n               ^\n"), "{out}");
    assert!(!out.contains("never"));
    let (status, out, _) = run(&["--database-url", &url], "select 1 as last_without_its_semicolon").await;
    assert_eq!((status, out.contains("last_without")), (Some(0), true));
}

#[tokio::test]
async fn only_write_lets_a_pipe_change_anything() {
    let database = Database::create().await;
    let url = address(&database);
    let create = "create table made (id int); insert into made values (1);";
    let (status, out, _) = run(&["--database-url", &url], create).await;
    assert_eq!(status, Some(1));
    assert!(out.contains("read-only transaction"), "{out}");
    let (status, out, _) = run(&["--database-url", &url, "--write"], create).await;
    assert_eq!(status, Some(0));
    assert!(out.contains("(done, ") && out.contains("(1 row changed, "), "{out}");
}

#[tokio::test]
async fn a_long_query_tells_how_far_it_is_and_an_interrupt_cancels_it() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let query = "select pg_advisory_lock_shared(1), 'done'";
    let mut command = signalbox(&["sql", "--database-url", &address(&database), query]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until_waiting(&past, 1).await;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.next_line().await.unwrap().unwrap();
    assert!(told.starts_with("running for 1.") && told.ends_with(", 0 rows"), "{told}");
    crate::process::signal(&child, "-INT").await;
    let Output { status, stdout, .. } = child.wait_with_output().await.unwrap();
    let out = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(out.contains("canceling statement due to user request (57014)"), "{out}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_at_once() {
    let (status, _, err) =
        run(&["--database-url", "postgresql://ada:secret@127.0.0.1:1/app", "select 1"], "").await;
    assert_eq!(status, Some(1));
    assert!(err.contains("app on 127.0.0.1:1 cannot be reached") && !err.contains("secret"), "{err}");
    let (status, _, err) = run(&["select 1"], "").await;
    assert_eq!(status, Some(1));
    assert!(err.contains("--database-url"), "{err}");
}
