//! Deliveries over a real connection, whose task is the test itself: what goes out without it, and what is left to it.

use std::sync::Arc;

use futures_util::FutureExt as _;
use signalbox_shared::{EventId, Sample};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::collector::{Batch, FeedCursor, History};
use crate::limits::Limits;
use crate::outlet::{self, SharedStream};

/// One client with its connection, its opening taken.
struct Rig {
    history: Arc<History>,
    cursor: FeedCursor,
    stream: SharedStream,
    peer: TcpStream,
}

impl Rig {
    async fn at(history: Arc<History>, since: Option<u64>) -> Self {
        let since = since.map(|seq| EventId { seq, ..history.head() });
        let address = "127.0.0.1:1".parse().unwrap();
        let mut cursor = history.subscribe(since, address, CancellationToken::new()).unwrap();
        cursor.take_opening().expect("an opening");
        let (stream, outlet, peer) = outlet::connected().await;
        cursor.send_by(outlet);
        Self { history, cursor, stream, peer }
    }

    /// What the task is left with; none when that is nothing.
    fn next(&mut self) -> Option<String> {
        let next = self.cursor.next().now_or_never()?;
        Some(String::from_utf8(next.unwrap().expect("the stream goes on").to_vec()).unwrap())
    }

    /// The next chunk that the peer gets.
    async fn chunk(&mut self) -> String {
        let mut size = String::new();
        while !size.ends_with("\r\n") {
            size.push(char::from(self.peer.read_u8().await.unwrap()));
        }
        let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap() + 2];
        self.peer.read_exact(&mut chunk).await.unwrap();
        String::from_utf8(chunk).unwrap().strip_suffix("\r\n").expect("a chunk's end").to_owned()
    }

    /// Everything that was written after the last chunk that was read.
    async fn rest(mut self) -> String {
        self.stream.shutdown().await.unwrap();
        let mut rest = String::new();
        self.peer.read_to_string(&mut rest).await.unwrap();
        rest
    }
}

/// Publishes samples of one agent, each with so many bytes of padding.
fn push(history: &History, paddings: &[usize]) {
    let mut batch = Batch::default();
    for padding in paddings {
        let padding = "x".repeat(*padding);
        let json = format!(
            r#"{{"color":"red","timestamp":"1970-01-01T00:00:01Z","cpu":1,"mem":2,"padding":"{padding}"}}"#
        );
        batch.push(Sample::from_json(json.as_bytes()).unwrap()).unwrap();
    }
    history.push_at(&mut batch, 0);
    history.publish(0, false);
}

fn history() -> Arc<History> {
    let history = History::new(&Limits::default());
    // Its agent has joined with event 1.
    push(&history, &[0]);
    history
}

#[tokio::test]
async fn what_is_live_goes_out_without_the_task() {
    let mut rig = Rig::at(history(), None).await;
    assert_eq!(rig.next(), None);
    push(&rig.history, &[0, 0]);
    push(&rig.history, &[0]);
    rig.history.tick(1, true);
    let pieces = [rig.chunk().await, rig.chunk().await, rig.chunk().await];
    let ids = |text: &str| text.matches("\ndata: {\"color\"").count();
    assert_eq!(pieces.each_ref().map(|text| ids(text)), [2, 1, 0], "{pieces:?}");
    assert!(pieces[1].contains("-5\n") && pieces[2].starts_with("event: ping\n"), "{pieces:?}");
    assert_eq!(rig.next(), None, "nothing is given twice");
    assert_eq!(rig.rest().await, "");
}

#[tokio::test]
async fn nothing_overtakes_what_the_task_has_taken() {
    let mut rig = Rig::at(history(), Some(0)).await;
    let resumed = rig.next().expect("two events to resume with");
    push(&rig.history, &[0]);
    rig.stream.write_all(resumed.as_bytes()).await.unwrap();
    rig.history.tick(1, true);
    push(&rig.history, &[0]);
    rig.stream.flush().await.unwrap();
    let mut text = rig.next().expect("two events that came meanwhile");
    text += &rig.next().expect("a ping that came meanwhile");
    rig.stream.write_all(text.as_bytes()).await.unwrap();
    rig.stream.flush().await.unwrap();
    assert_eq!(rig.next(), None);
    push(&rig.history, &[0]);
    let last = rig.next();
    assert_eq!(last, None, "it is live now");
    let all = rig.rest().await;
    let at = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text} in {all}"));
    let places = [at("-1\n"), at("-2\n"), at("-3\n"), at("-4\n"), at("event: ping"), at("-5\n")];
    assert!(places.is_sorted(), "{places:?} in {all}");
    assert_eq!(all.matches("\nid: ").count() + 1, 5, "{all}");
}

#[tokio::test]
async fn who_is_not_at_the_newest_event_is_left_to_its_task() {
    let mut rig = Rig::at(history(), Some(1)).await;
    push(&rig.history, &[0]);
    let text = rig.next().expect("both");
    assert!(text.contains("-2\n") && text.contains("-3\n"), "{text}");
    assert_eq!(rig.rest().await, "");
}

#[tokio::test]
async fn a_piece_that_the_system_has_no_room_for_is_ended_by_the_task() {
    let mut rig = Rig::at(history(), None).await;
    let mut n_pushed = 0_u64;
    // A client that reads nothing is full after some of these.
    let given = loop {
        push(&rig.history, &[60_000]);
        n_pushed += 1;
        assert!(n_pushed < 1_000, "no socket holds that much");
        if let Some(text) = rig.next() {
            break text;
        }
    };
    assert!(given.contains(&format!("-{}\n", 2 + n_pushed)), "all before it went out, or its beginning did");
    let Rig { mut stream, mut peer, history, mut cursor } = rig;
    let task = tokio::spawn(async move {
        stream.write_all(given.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        push(&history, &[0]);
        // Only where the peer has made no room for it yet.
        if let Some(next) = cursor.next().now_or_never() {
            stream.write_all(&next.unwrap().unwrap()).await.unwrap();
        }
        stream.shutdown().await.unwrap();
    });
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    task.await.unwrap();
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    let seqs: Vec<u64> = ids.map(|id| id.parse::<EventId>().unwrap().seq).collect();
    assert_eq!(seqs, (3..=3 + n_pushed).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_comes_after_the_end() {
    let mut rig = Rig::at(history(), None).await;
    rig.history.publish(0, true);
    assert_eq!(rig.cursor.next().await, Ok(None));
    push(&rig.history, &[0]);
    rig.history.tick(1, true);
    assert_eq!(rig.rest().await, "");
}
