//! Who gets what: any sequence of joining, leaving, publishing and writing, against the accounts that must hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use signalbox_shared::ChannelName;

use super::batch::Batch;
use super::frame;
use super::hold::Hold;
use super::membership::Membership;
use super::outbox::{Peer, Taken};
use super::router::Router;
use super::run::{Run, Scratch};
use crate::limits::Limits;

/// A receiver whose socket takes as many bytes as the test says.
struct Receiver {
    membership: Membership,
    batch: Batch,
    written: Vec<u8>,
    n_published_before: u64,
}

impl Receiver {
    fn join(router: &Router, channel: &ChannelName, n_published_before: u64) -> Self {
        let membership = router.join(channel.as_str().as_bytes(), Peer::Relay, false).unwrap();
        Self { membership, batch: Batch::default(), written: Vec::new(), n_published_before }
    }

    /// Writes up to `n_bytes`, as a session's writer does. Says whether there was anything.
    fn write(&mut self, n_bytes: usize) -> bool {
        if self.batch.is_empty() {
            let mut cx = Context::from_waker(Waker::noop());
            match self.membership.outbox().poll_take(&mut cx, &mut self.batch) {
                Poll::Ready(Taken::Batch { .. }) => {}
                Poll::Ready(Taken::Closed) | Poll::Pending => return false,
            }
        }
        let n_bytes = n_bytes.min(self.batch.unwritten().len());
        self.written.extend_from_slice(&self.batch.unwritten()[..n_bytes]);
        let n_messages = self.batch.advance(n_bytes);
        self.membership.note_written(n_bytes, n_messages);
        true
    }

    /// The numbers of the messages that were wholly written.
    fn delivered(&self) -> Vec<u64> {
        frame::frames(&self.written).map(number).collect()
    }

    fn leave(self) -> Vec<u64> {
        let delivered = self.delivered();
        self.membership.leave(&self.batch);
        delivered
    }
}

fn number(frame: &[u8]) -> u64 {
    u64::from_be_bytes(*frame::payload(frame).first_chunk().unwrap())
}

/// Messages numbered from `first` on, of different lengths.
fn messages(first: u64, n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in first..first + n {
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(8 + usize::try_from(number % 5).unwrap() * 7, b'.');
        frame::append(&mut bytes, &payload);
    }
    bytes
}

fn small_limits() -> Limits {
    Limits {
        broker_outbox_messages: 16,
        broker_outbox_bytes: 400,
        broker_backlog_messages: 20,
        broker_backlog_bytes: 500,
        ..Limits::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave(prop::sample::Index),
    Publish(u64),
    Write(prop::sample::Index, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Join),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        4 => (1_u64..12).prop_map(Step::Publish),
        5 => (any::<prop::sample::Index>(), 1_usize..200).prop_map(|(who, n)| Step::Write(who, n)),
    ];
    proptest::collection::vec(step, 1..120)
}

fn is_increasing(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

proptest! {
    #[test]
    fn a_queue_delivers_each_message_exactly_once(steps in steps()) {
        let router = Router::new(&small_limits());
        let channel: ChannelName = "/queue/q".parse().unwrap();
        let mut scratch = Scratch::default();
        let (mut receivers, mut delivered) = (Vec::new(), Vec::new());
        let (mut n_published, mut any_left) = (0, false);
        for step in steps {
            match step {
                Step::Join => receivers.push(Receiver::join(&router, &channel, n_published)),
                Step::Leave(who) if !receivers.is_empty() => {
                    any_left = true;
                    delivered.extend(receivers.remove(who.index(receivers.len())).leave());
                }
                Step::Publish(n) => {
                    let bytes = messages(n_published, n);
                    let published = router.publish(&channel, &Run::whole(&bytes, n), &mut scratch).unwrap();
                    prop_assert_eq!(published.n_queued + published.n_waiting, published.n_taken);
                    prop_assert_eq!(published.hold.is_some(), published.n_taken < n);
                    n_published += published.n_taken; // what was refused is published again, with the same numbers
                }
                Step::Write(who, n_bytes) if !receivers.is_empty() => {
                    let place = who.index(receivers.len());
                    receivers[place].write(n_bytes);
                }
                Step::Leave(_) | Step::Write(..) => {}
            }
            let row = router.channels().into_iter().find(|row| row.name == channel);
            prop_assert!(row.is_none_or(|row| any_left || row.depth <= 20 && row.depth_bytes <= 500));
        }
        if !any_left {
            prop_assert!(receivers.iter().all(|receiver| is_increasing(&receiver.delivered())));
        }
        receivers.push(Receiver::join(&router, &channel, n_published));
        while receivers.iter_mut().any(|receiver| receiver.write(usize::MAX)) {}
        for receiver in receivers {
            delivered.extend(receiver.leave());
        }
        delivered.sort_unstable();
        prop_assert_eq!(delivered, (0..n_published).collect::<Vec<_>>());
        let row = router.channels().remove(0);
        prop_assert_eq!((row.in_total, row.out_total, row.depth), (n_published, n_published, 0));
        prop_assert_eq!(router.stats().buffered_bytes, 0);
    }

    #[test]
    fn a_topic_accounts_for_each_message_and_subscriber(steps in steps()) {
        let router = Router::new(&small_limits());
        let channel: ChannelName = "/topic/t".parse().unwrap();
        let mut scratch = Scratch::default();
        let mut receivers: Vec<Receiver> = Vec::new();
        let (mut n_published, mut n_unrouted, mut n_expected, mut n_delivered) = (0, 0, 0, 0);
        for step in steps {
            match step {
                Step::Join => receivers.push(Receiver::join(&router, &channel, n_published)),
                Step::Leave(who) if !receivers.is_empty() => {
                    let receiver = receivers.remove(who.index(receivers.len()));
                    let first = receiver.n_published_before;
                    let delivered = receiver.leave();
                    prop_assert!(is_increasing(&delivered));
                    prop_assert!(delivered.iter().all(|number| (first..n_published).contains(number)));
                    n_delivered += delivered.len() as u64;
                }
                Step::Publish(n) => {
                    let bytes = messages(n_published, n);
                    let mut published = router.publish(&channel, &Run::whole(&bytes, n), &mut scratch).unwrap();
                    if let Some(Hold::Queue { .. }) = published.hold.take() {
                        panic!("a topic holds for a moment only");
                    }
                    prop_assert_eq!(published.n_taken, n);
                    n_published += n;
                    n_expected += n * receivers.len() as u64;
                    n_unrouted += if receivers.is_empty() { n } else { 0 };
                }
                Step::Write(who, n_bytes) if !receivers.is_empty() => {
                    let place = who.index(receivers.len());
                    receivers[place].write(n_bytes);
                }
                Step::Leave(_) | Step::Write(..) => {}
            }
        }
        let mut per_receiver = BTreeMap::new();
        while receivers.iter_mut().any(|receiver| receiver.write(usize::MAX)) {}
        for (place, receiver) in receivers.into_iter().enumerate() {
            let account = receiver.membership.outbox().account();
            let delivered = receiver.delivered();
            prop_assert!(is_increasing(&delivered));
            prop_assert_eq!(account.delivered, delivered.len() as u64);
            per_receiver.insert(place, (account.delivered + account.dropped, n_published - receiver.n_published_before));
            n_delivered += account.delivered;
            receiver.leave();
        }
        prop_assert!(per_receiver.values().all(|(found, expected)| found == expected), "{per_receiver:?}");
        if let Some(row) = router.channels().pop() {
            prop_assert_eq!((row.in_total, row.unrouted, row.out_total), (n_published, n_unrouted, n_delivered));
            prop_assert_eq!(row.out_total + row.dropped, n_expected);
        }
        prop_assert_eq!(router.stats().buffered_bytes, 0);
    }
}

#[test]
fn a_queue_deals_in_turn_and_passes_over_who_is_full() {
    let router = Router::new(&small_limits());
    let channel: ChannelName = "/queue/q".parse().unwrap();
    let mut receivers: Vec<Receiver> = (0..3).map(|_| Receiver::join(&router, &channel, 0)).collect();
    let publish = |first, n| {
        let bytes = messages(first, n);
        router.publish(&channel, &Run::whole(&bytes, n), &mut Scratch::default()).unwrap().n_taken
    };
    assert_eq!((publish(0, 1), publish(1, 7)), (1, 7), "one run shorter than the list, one longer");
    for receiver in &mut receivers[..2] {
        while receiver.write(usize::MAX) {}
    }
    assert_eq!(receivers[0].delivered(), [0, 3, 6]);
    assert_eq!(receivers[1].delivered(), [1, 4, 7]);
    let n_more = publish(8, 80); // the third one, which writes nothing, is full sooner
    assert!(n_more < 80, "all are full, the backlog too");
    while receivers[..2].iter_mut().any(|receiver| receiver.write(usize::MAX)) {}
    let stalled = receivers[2].membership.outbox().account();
    let counts: Vec<u64> = receivers[..2].iter().map(|receiver| receiver.delivered().len() as u64).collect();
    assert_eq!(counts.iter().sum::<u64>() + stalled.queued_messages, 8 + n_more);
    assert!(stalled.queued_messages <= 16 && stalled.queued_bytes <= 400, "{stalled:?}");
    assert!(is_increasing(&receivers[0].delivered()) && is_increasing(&receivers[1].delivered()));
}

#[test]
fn what_a_leaver_was_dealt_goes_back_to_the_head_in_order() {
    let router = Router::new(&small_limits());
    let channel: ChannelName = "/queue/q".parse().unwrap();
    let mut leaver = Receiver::join(&router, &channel, 0);
    let bytes = messages(0, 30);
    let published = router.publish(&channel, &Run::whole(&bytes, 30), &mut Scratch::default()).unwrap();
    assert!(published.n_waiting != 0);
    leaver.write(12 + 19 + 5); // two whole messages and the beginning of the third
    assert_eq!(leaver.leave(), [0, 1]);
    let mut heir = Receiver::join(&router, &channel, 0);
    while heir.write(usize::MAX) {}
    assert_eq!(heir.delivered(), (2..published.n_taken).collect::<Vec<_>>());
}

#[test]
fn equal_consumers_get_equal_shares() {
    let router = Router::new(&Limits::default());
    let channel: ChannelName = "/queue/q".parse().unwrap();
    let mut receivers: Vec<Receiver> = (0..7).map(|_| Receiver::join(&router, &channel, 0)).collect();
    let mut n_published = 0;
    while n_published < 300_000 {
        let n = 1 + n_published % 97;
        let bytes = messages(n_published, n);
        let published = router.publish(&channel, &Run::whole(&bytes, n), &mut Scratch::default()).unwrap();
        assert_eq!(published.n_queued, n);
        n_published += n;
        receivers.iter_mut().for_each(|receiver| while receiver.write(usize::MAX) {});
    }
    let shares: Vec<u64> =
        receivers.iter().map(|receiver| receiver.membership.outbox().account().delivered).collect();
    assert_eq!(shares.iter().sum::<u64>(), n_published);
    assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
}

#[test]
fn memory_is_bounded_over_all_channels() {
    let limits = Limits { broker_buffered_bytes: 1_000, ..Limits::default() };
    let router = Router::new(&limits);
    let bytes = messages(0, 200);
    let run = Run::whole(&bytes, 200);
    let queue: ChannelName = "/queue/q".parse().unwrap();
    let published = router.publish(&queue, &run, &mut Scratch::default()).unwrap();
    assert!(published.n_taken < 200 && published.hold.is_some());
    assert!(router.stats().buffered_bytes <= 1_000);

    let topic: ChannelName = "/topic/t".parse().unwrap();
    let mut receiver = Receiver::join(&router, &topic, 0);
    drop(router.publish(&topic, &run, &mut Scratch::default()).unwrap().hold);
    assert!(router.stats().buffered_bytes <= 1_000);
    while receiver.write(usize::MAX) {}
    let account = receiver.membership.outbox().account();
    assert_eq!(account.delivered + account.dropped, 200);
    assert_eq!(account.slow_since_ms, None, "it was not to blame");

    assert_eq!(router.purge(&queue), Ok(published.n_taken));
    assert_eq!(router.stats().buffered_bytes, 0);
}

#[test]
fn an_idle_channel_is_forgotten_and_a_used_one_is_not() {
    let router = Router::new(&Limits { broker_channels: 2, ..Limits::default() });
    let long_after = crate::clock::now_ms() + 601_000;
    let idle = router.channel(b"/topic/idle").unwrap();
    let _used = router.join(b"/topic/used", Peer::Relay, false).unwrap();
    assert!(router.channel(b"/topic/third").is_err());
    assert!(!idle.try_forget(long_after - 602_000));
    router.forget_unused(long_after);
    let names: Vec<String> = router.channels().iter().map(|row| row.name.to_string()).collect();
    assert_eq!(names, ["/topic/used"]);
    let bytes = messages(0, 1);
    assert!(idle.publish(&Run::whole(&bytes, 1), &mut Scratch::default(), long_after).is_err());
    let anew = router.channel(b"/topic/idle").unwrap();
    assert!(!Arc::ptr_eq(&anew, &idle));
}
