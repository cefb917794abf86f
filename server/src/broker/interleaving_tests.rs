//! Every order in which publishers, a writer and a leaver can meet at one outbox, tried one by one.
//!
//! An outbox keeps all its state behind one mutex, so what can differ between two runs is the order of its critical
//! sections and of the wake-ups between them. Each is a step here, run against the real code by a scheduler that goes
//! through all orders. A wake-up that is missing in any of them leaves a task asleep for ever, which is told.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::batch::Batch;
use super::channel::Published;
use super::frame;
use super::hold::Hold;
use super::membership::Membership;
use super::outbox::{Peer, Taken};
use super::router::Router;
use super::run::{Run, Scratch};
use crate::limits::Limits;

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Whether a task was woken since it was last polled, and how often in all.
#[derive(Default)]
struct Alarm {
    is_set: AtomicBool,
    n_rung: AtomicUsize,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.is_set.store(true, Ordering::SeqCst);
        self.n_rung.fetch_add(1, Ordering::SeqCst);
    }
}

/// Lets the scheduler choose who is next.
async fn step() {
    let mut is_over = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// One order of steps: which of the runnable tasks goes next, each time.
#[derive(Default)]
struct Order {
    choices: Vec<(usize, usize)>,
    at: usize,
}

impl Order {
    fn choose(&mut self, n_options: usize) -> usize {
        if self.at == self.choices.len() {
            self.choices.push((0, n_options));
        }
        let (choice, n_known) = self.choices[self.at];
        assert_eq!(n_known, n_options, "the same steps lead to the same state");
        self.at += 1;
        choice
    }

    /// The next order, if there is one.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((choice, n_options)) = self.choices.pop() {
            if choice + 1 < n_options {
                self.choices.push((choice + 1, n_options));
                return true;
            }
        }
        false
    }
}

/// Polls `tasks` in this order until all have ended, and gives how often each was woken.
fn play(tasks: &mut [Option<Task<'_>>], order: &mut Order) -> Vec<usize> {
    let alarms: Vec<Arc<Alarm>> = tasks.iter().map(|_| Arc::default()).collect();
    alarms.iter().for_each(|alarm| alarm.is_set.store(true, Ordering::SeqCst));
    loop {
        let is_runnable =
            |place: &usize| tasks[*place].is_some() && alarms[*place].is_set.load(Ordering::SeqCst);
        let runnable: Vec<usize> = (0..tasks.len()).filter(is_runnable).collect();
        if runnable.is_empty() {
            break;
        }
        let place = runnable[order.choose(runnable.len())];
        alarms[place].is_set.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&alarms[place]));
        let mut cx = Context::from_waker(&waker);
        if tasks[place].as_mut().is_some_and(|task| task.as_mut().poll(&mut cx).is_ready()) {
            tasks[place] = None;
        }
    }
    let asleep: Vec<usize> = (0..tasks.len()).filter(|place| tasks[*place].is_some()).collect();
    assert!(asleep.is_empty(), "nobody wakes {asleep:?} in the order {:?}", order.choices);
    alarms.iter().map(|alarm| alarm.n_rung.load(Ordering::SeqCst)).collect()
}

fn message(publisher: u8, n: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::append(&mut bytes, &[publisher, n]);
    bytes
}

/// What a session does with what it read: routing, then waking, then waiting where it must.
async fn publish(router: &Router, channel: &str, publisher: u8, n_messages: u8) {
    let name = channel.parse().unwrap();
    for n in 0..n_messages {
        let bytes = message(publisher, n);
        let mut scratch = Scratch::default();
        let Published { hold, .. } = router.publish(&name, &Run::whole(&bytes, 1), &mut scratch).unwrap();
        step().await;
        scratch.wakes.wake_all();
        if let Some(Hold::Topic(hold)) = hold {
            let never = Duration::from_secs(3_600);
            hold.settle(Instant::now() + never, never).await;
        }
    }
}

/// What a session's writer does, until so many messages are delivered.
async fn write(membership: &Membership, n_wanted: usize, delivered: &RefCell<Vec<[u8; 2]>>) {
    let mut batch = Batch::default();
    while delivered.borrow().len() < n_wanted {
        match poll_fn(|cx| membership.outbox().poll_take(cx, &mut batch)).await {
            Taken::Batch { .. } => {}
            Taken::Closed => return,
        }
        step().await;
        let payloads = frame::frames(&batch.bytes).map(|frame| *frame::payload(frame).first_chunk().unwrap());
        delivered.borrow_mut().extend(payloads);
        let n_bytes = batch.bytes.len();
        membership.note_written(n_bytes, batch.advance(n_bytes));
        step().await;
    }
}

fn is_in_order(delivered: &[[u8; 2]], publisher: u8) -> bool {
    let numbers: Vec<u8> =
        delivered.iter().filter(|message| message[0] == publisher).map(|message| message[1]).collect();
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

/// Plays every order of two publishers and a writer; gives how many there are.
fn check(channel: &str, outbox_messages: u64, n_each: [u8; 2]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let mut order = Order::default();
    let mut n_orders = 0;
    let n_all = usize::from(n_each[0] + n_each[1]);
    loop {
        let router = Router::new(&Limits { broker_outbox_messages: outbox_messages, ..Limits::default() });
        let membership = router.join(channel.as_bytes(), Peer::Relay, false).unwrap();
        let delivered = Rc::new(RefCell::new(Vec::new()));
        let rung = play(
            &mut [
                Some(Box::pin(publish(&router, channel, 0, n_each[0]))),
                Some(Box::pin(publish(&router, channel, 1, n_each[1]))),
                Some(Box::pin(write(&membership, n_all, &delivered))),
            ],
            &mut order,
        );
        let found = delivered.borrow().clone();
        assert_eq!(found.len(), n_all, "nothing is lost or doubled: {:?}", order.choices);
        assert!(is_in_order(&found, 0) && is_in_order(&found, 1), "{found:?}");
        // Two steps of its own per batch; the rest are wake-ups by publishers, one per message at most.
        assert!(rung[2] <= 3 * n_all, "{} wake-ups for {n_all} messages", rung[2]);
        assert_eq!(router.stats().buffered_bytes, 0);
        n_orders += 1;
        if !order.advance() {
            println!("{channel}, {outbox_messages}: {n_orders} orders");
            return n_orders;
        }
    }
}

#[test]
fn no_order_of_offers_and_takes_loses_a_wake_up() {
    let n_orders = check("/topic/t", 1_000, [2, 1]);
    assert!(1_000 < n_orders, "{n_orders} orders");
    assert!(1_000 < check("/queue/q", 1_000, [2, 1]));
}

/// Room for one message: nearly every offer falls short, and its publisher waits for the writer.
#[test]
fn no_order_leaves_a_held_publisher_asleep() {
    let n_orders = check("/topic/t", 1, [2, 1]);
    assert!(1_000 < n_orders, "{n_orders} orders");
    assert!(1_000 < check("/queue/q", 1, [2, 1]), "the backlog is refilled from");
}

/// A receiver that leaves at any moment: whatever it did not write goes back to the queue, once.
#[test]
fn no_order_of_leaving_loses_or_doubles_a_queue_s_message() {
    let mut order = Order::default();
    let mut n_orders = 0;
    loop {
        let router = Router::new(&Limits { broker_outbox_messages: 1, ..Limits::default() });
        let leaver = router.join(b"/queue/q", Peer::Relay, false).unwrap();
        let delivered = RefCell::new(Vec::new());
        let leaving = async {
            let mut batch = Batch::default();
            let mut cx = Context::from_waker(Waker::noop());
            let is_taken = leaver.outbox().poll_take(&mut cx, &mut batch).is_ready();
            step().await;
            if is_taken {
                let n_bytes = message(0, 0).len();
                let first = *frame::payload(&batch.bytes[..n_bytes]).first_chunk().unwrap();
                delivered.borrow_mut().push(first);
                leaver.note_written(n_bytes, batch.advance(n_bytes));
                step().await;
            }
            leaver.leave(&batch);
        };
        play(
            &mut [
                Some(Box::pin(publish(&router, "/queue/q", 0, 2))),
                Some(Box::pin(publish(&router, "/queue/q", 1, 2))),
                Some(Box::pin(leaving)),
            ],
            &mut order,
        );
        let heir = router.join(b"/queue/q", Peer::Relay, false).unwrap();
        play(&mut [Some(Box::pin(write(&heir, 4, &delivered)))], &mut Order::default());
        let mut found = delivered.borrow().clone();
        found.sort_unstable();
        assert_eq!(found, [[0, 0], [0, 1], [1, 0], [1, 1]], "{:?}", order.choices);
        assert_eq!(router.stats().buffered_bytes, 0);
        n_orders += 1;
        if !order.advance() {
            break;
        }
    }
    assert!(1_000 < n_orders, "{n_orders} orders");
}
