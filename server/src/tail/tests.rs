//! Many watchers over one engine, on a clock that is turned by hand.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use signalbox_shared::socket::{ServerMessage, TailAccounts, TailMessage};
use tokio::time::Instant;

use super::*;
use crate::broker::Router;
use crate::filter::Filter;
use crate::outlet::{connected, read_text_frame};

struct House {
    engine: Engine,
    tails: Arc<Tails>,
    channel: ChannelName,
}

impl House {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let engine = Engine::embedded(Router::new(&limits));
        let tails = Tails::new(engine.clone(), Arc::new(limits));
        Self { engine, tails, channel: "/topic/a".parse().unwrap() }
    }

    async fn publish(&self, payload: &[u8]) {
        self.engine.publish(&self.channel, payload).await.unwrap();
    }

    fn tap(&self) -> Source {
        self.tails.open(&self.channel, TailMode::Tap).unwrap()
    }

    fn view(&self) -> View {
        View::new(&self.channel, Some(BatchBounds::new(&self.tails.limits)))
    }

    fn n_engine_taps(&self) -> Option<u64> {
        self.engine.channels().iter().find(|row| row.name == self.channel).and_then(|row| row.taps)
    }
}

fn filter(words: &str) -> Filter {
    let Ok(words) = words.parse();
    Filter::new(&words).unwrap()
}

fn tail_of(json: &str) -> (Vec<TailMessage>, TailAccounts) {
    match serde_json::from_str(json).unwrap() {
        ServerMessage::Tail { messages, accounts, .. } => (messages, accounts),
        other => panic!("{other:?}"),
    }
}

fn check_accounts(accounts: TailAccounts, received: u64) {
    assert_eq!(accounts.received, received, "{accounts:?}");
    assert_eq!(accounts.received, accounts.shown + accounts.filtered + accounts.skipped, "{accounts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_channel_has_one_subscription_while_anybody_watches() {
    let house = House::new(|_| {});
    let mut watchers: Vec<Source> = (0..100).map(|_| house.tap()).collect();
    assert_eq!((house.n_engine_taps(), house.tails.n_tapped()), (Some(1), 1));
    house.publish(b"to all").await;
    for watcher in &mut watchers {
        let taken = watcher.next().await;
        assert_eq!(taken.chunks[0].messages().next().unwrap().payload(), b"to all");
    }
    watchers.truncate(1);
    assert_eq!(house.n_engine_taps(), Some(1));
    drop(watchers);
    tokio::task::yield_now().await;
    assert_eq!((house.n_engine_taps(), house.tails.n_tapped()), (Some(0), 0));
    // Who comes later begins a new one, and sees only what comes from then on.
    house.publish(b"unseen").await;
    let mut late = house.tap();
    house.publish(b"seen").await;
    assert_eq!(late.next().await.chunks[0].messages().next().unwrap().payload(), b"seen");
    assert_eq!(house.n_engine_taps(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn watchers_of_different_speed_keep_their_own_accounts() {
    let house = House::new(|limits| (limits.tail_messages, limits.tails_bytes) = (50, 1 << 20));
    let (mut quick, mut slow) = (house.tap(), house.tap());
    let (mut quick_view, mut slow_view) = (house.view(), house.view());
    for n in 1..=200_u64 {
        house.publish(n.to_string().as_bytes()).await;
        let shown = quick_view.show(&quick.next().await, None, Duration::ZERO);
        assert_eq!(shown.messages.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [n]);
        sleep(GATHER).await;
    }
    let shown = slow_view.show(&slow.next().await, None, Duration::ZERO);
    assert_eq!(
        shown.messages.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        (151..=200).collect::<Vec<_>>()
    );
    for (seq, message) in &shown.messages {
        assert_eq!(message.payload(), seq.to_string().as_bytes(), "numbers count what was lost, too");
    }
    check_accounts(slow_view.accounts(), 200);
    assert_eq!((slow_view.accounts().skipped, quick_view.accounts().skipped), (150, 0));
    drop((quick, slow));
    tokio::task::yield_now().await;
    assert_eq!(house.tails.held_bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_everybody_has_seen_is_not_kept() {
    let house = House::new(|_| {});
    let mut watcher = house.tap();
    for _ in 0..100 {
        house.publish(&[b'x'; 10_000]).await;
        watcher.next().await;
        let held = house.tails.held_bytes.load(Ordering::Relaxed);
        assert!(held < 100_000, "{held} bytes");
        sleep(GATHER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_what_serde_would_write() {
    let house = House::new(|_| {});
    let mut watcher = house.tap();
    let mut view = house.view();
    let payloads: [&[u8]; 6] =
        [b"", b"{}", b"\xff\x00", "\u{202e}<script>\"\\\u{1}".as_bytes(), b"}}}", &[b'x'; 70_000]];
    for payload in payloads {
        house.publish(payload).await;
    }
    let mut messages = Vec::new();
    while messages.len() < payloads.len() {
        let shown = view.show(&watcher.next().await, None, Duration::ZERO);
        let json = view.json(&shown);
        let decoded: ServerMessage = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&decoded).unwrap(), json);
        let (batch, accounts) = tail_of(&json);
        assert_eq!(accounts, view.accounts());
        for (seq, whole) in shown.cut() {
            assert_eq!((seq, &*whole), (6, payloads[5]));
        }
        messages.extend(batch);
    }
    for ((message, payload), seq) in messages.iter().zip(payloads).zip(1..) {
        assert_eq!((message.seq, message.size_bytes), (seq, payload.len() as u64));
        assert_eq!(message.is_cut, 65_536 < payload.len());
        assert!(payload.starts_with(&message.payload.bytes().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_finds_the_needle_that_a_full_batch_would_skip() {
    let house = House::new(|limits| limits.socket_batch_messages = 2);
    let mut watcher = house.tap();
    let mut view = house.view();
    let filter = filter("$.n == 3");
    for n in 0..100 {
        house.publish(json!({ "n": n }).to_string().as_bytes()).await;
    }
    house.publish(&vec![b' '; crate::filter::JUDGED_BYTES_MAX + 1]).await;
    let mut found = Vec::new();
    while view.accounts().received < 101 {
        found.extend(view.show(&watcher.next().await, Some(&filter), Duration::ZERO).messages);
    }
    check_accounts(view.accounts(), 101);
    assert_eq!(found.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
    assert_eq!((view.accounts().filtered, view.accounts().unjudged), (100, 1));
    // Without a filter, the newest two are shown and the rest is skipped.
    let mut view = house.view();
    for n in 0..10 {
        house.publish(n.to_string().as_bytes()).await;
    }
    let shown = view.show(&watcher.next().await, None, Duration::ZERO);
    assert_eq!((shown.messages.len() as u64 + shown.n_skipped, shown.messages.len()), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn a_filter_looks_at_so_much_per_batch_and_skips_the_rest() {
    let house = House::new(|_| {});
    let mut watcher = house.tap();
    let mut view = house.view();
    let filter = filter("text:needle");
    for _ in 0..8 {
        house.publish(&vec![b'x'; 1_000_000]).await;
    }
    while view.accounts().received < 8 {
        view.show(&watcher.next().await, Some(&filter), Duration::ZERO);
    }
    check_accounts(view.accounts(), 8);
    assert_eq!(view.accounts().shown, 0);
}

#[tokio::test(start_paused = true)]
async fn accounts_are_told_when_nothing_is_shown_and_a_filter_can_be_changed() {
    let house = House::new(|_| {});
    let slot = FilterSlot::default();
    slot.store(Some(Arc::new(filter("text:nothing has this"))));
    let mut tail = pin!(batches(house.tap(), house.view(), Arc::clone(&slot), None));
    for n in 0..5 {
        house.publish(n.to_string().as_bytes()).await;
    }
    let (messages, accounts) = tail_of(&tail.next().await.unwrap().json);
    assert_eq!((messages.len(), accounts.filtered), (0, 5));
    check_accounts(accounts, 5);
    assert!(tail.next().now_or_never().is_none(), "what was told is not told again");
    slot.store(None);
    house.publish(b"last").await;
    let (messages, accounts) = tail_of(&tail.next().await.unwrap().json);
    assert_eq!((messages[0].seq, messages.len()), (6, 1));
    check_accounts(accounts, 6);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_late_once_does_not_wait_for_the_clock_the_next_time() {
    let house = House::new(|_| {});
    let mut tail = pin!(batches(house.tap(), house.view(), FilterSlot::default(), None));
    for late_millis in [0, 5, 12, 19] {
        house.publish(b"one of fifty a second").await;
        sleep(Duration::from_millis(late_millis)).await;
        let asked_at = Instant::now();
        assert_eq!(tail.next().await.unwrap().n_shown, 1);
        assert_eq!(asked_at.elapsed(), Duration::ZERO, "late by {late_millis} ms");
        sleep(Duration::from_millis(20 - late_millis)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_batch_holds_what_batches_in_time_would_have_held() {
    let house = House::new(|limits| limits.socket_batch_messages = 4);
    let mut tail = pin!(batches(house.tap(), house.view(), FilterSlot::default(), None));
    // Lateness in milliseconds, messages, and how many of them are shown: 4 in 16 ms, but never more than 8 times that.
    for (late_millis, n_messages, n_shown) in [(16, 9, 4), (40, 9, 9), (40, 11, 10), (10_000, 99, 32)] {
        house.publish(b"in time").await;
        tail.next().await.unwrap();
        sleep(Duration::from_millis(late_millis)).await;
        for n in 0..n_messages {
            house.publish(n.to_string().as_bytes()).await;
        }
        let batch = tail.next().await.unwrap();
        assert_eq!(
            (batch.n_shown, batch.n_skipped),
            (n_shown, n_messages - n_shown),
            "{late_millis} ms late"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_once_in_a_frame_however_much_comes() {
    let house = Arc::new(House::new(|_| {}));
    let mut tail = pin!(batches(house.tap(), house.view(), FilterSlot::default(), None));
    let publisher = tokio::spawn({
        let house = Arc::clone(&house);
        async move {
            loop {
                house.publish(b"one of a thousand a second").await;
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let begun_at = Instant::now();
    for _ in 0..=60 {
        tail.next().await.unwrap();
    }
    assert!(Duration::from_millis(60 * 16) <= begun_at.elapsed(), "{:?}", begun_at.elapsed());
    publisher.abort();
}

#[tokio::test]
async fn batches_go_out_directly_or_by_the_task_and_the_accounts_are_of_both() {
    let house = House::new(|limits| limits.socket_batch_bytes = 1 << 20);
    let (_stream, outlet, mut peer) = connected().await;
    let n_sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&n_sent);
    let on_sent = Box::new(move |batch: &TailBatch| {
        counted.fetch_add(batch.n_shown, Ordering::Relaxed);
    });
    let direct = Direct { outlet: outlet.clone(), on_sent };
    let slot = FilterSlot::default();
    let mut tail = pin!(batches(house.tap(), house.view(), Arc::clone(&slot), Some(direct)));
    assert!(tail.next().now_or_never().is_none());
    let mut n_direct = 0;
    for n in 1..=40 {
        let is_held = n % 3 == 0;
        if is_held {
            outlet.hold();
        }
        // The longest is cut, and what is cut is for the task.
        let payload = if n == 20 { vec![b'x'; 100_000] } else { n.to_string().into_bytes() };
        house.publish(&payload).await;
        let json = tokio::select! {
            batch = tail.next() => batch.unwrap().json,
            json = read_text_frame(&mut peer) => {
                n_direct += 1;
                json
            }
        };
        assert!(outlet.release());
        let (messages, accounts) = tail_of(&json);
        assert_eq!(messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [n]);
        check_accounts(accounts, n);
        assert_eq!(accounts.shown, n);
        sleep(2 * GATHER).await;
    }
    assert_eq!(n_sent.load(Ordering::Relaxed), n_direct);
    slot.store(Some(Arc::new(filter("text:nothing has this"))));
    house.publish(b"kept back").await;
    let (messages, accounts) = tail_of(&tail.next().await.unwrap().json);
    assert_eq!((messages.len(), accounts.filtered), (0, 1));
}
