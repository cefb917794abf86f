//! One channel: its way of delivery, its watchers and its accounts.
//!
//! Accounts, exact at every moment when nothing is under way: a topic's `published x subscribers = out + dropped`, a
//! queue's `published = out + waiting + purged`. `out` counts a message when its last byte was accepted by the
//! subscriber's socket, or when a subscription of the relay took it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use signalbox_shared::{ChannelKind, ChannelName};

use super::bounds::ChannelBounds;
use super::frame::{self, HEADER_BYTES};
use super::hold::{Hold, TopicHold};
use super::memory::Memory;
use super::outbox::Outbox;
use super::queue::{Dealt, Queue, QueueAccount};
use super::run::{Run, Scratch};
use super::senders::Senders;
use super::stats::ChannelStats;
use super::topic::Receivers;

/// One channel of the broker.
#[derive(Debug)]
pub(crate) struct Channel {
    name: ChannelName,
    /// The name as a frame, by which a publisher's next pair is recognised.
    framed_name: Box<[u8]>,
    bounds: ChannelBounds,
    pub(crate) routing: Routing,
    pub(crate) taps: Receivers,
    pub(crate) senders: Senders,
    pub(crate) counts: Counts,
    memory: Arc<Memory>,
    rates: Mutex<Rates>,
    forgotten: std::sync::atomic::AtomicBool,
}

/// How a channel delivers.
#[derive(Debug)]
pub(crate) enum Routing {
    Topic(Receivers),
    Queue(Queue),
    Null,
}

/// What happened on a channel since it was first used, in messages.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) published: AtomicU64,
    pub(crate) out: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) unrouted: AtomicU64,
    pub(crate) purged: AtomicU64,
    /// Not taken from a publisher that was told so.
    pub(crate) refused: AtomicU64,
    /// Taken back from consumers that left.
    pub(crate) returned: AtomicU64,
    /// In milliseconds since the Unix epoch; 0 before the first.
    last_message_ms: AtomicI64,
    /// When somebody last published, subscribed or left, in milliseconds since the Unix epoch.
    last_use_ms: AtomicI64,
}

#[derive(Debug, Default)]
struct Rates {
    published: u64,
    out: u64,
    in_per_sec: f64,
    out_per_sec: f64,
}

/// What became of a run.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Messages that were taken from its front; the rest waits with `hold`.
    pub(crate) n_taken: u64,
    /// Messages queued, summed over the subscribers.
    pub(crate) n_queued: u64,
    /// Messages that slow subscribers lost, summed over them.
    pub(crate) n_dropped: u64,
    /// Messages that wait in the backlog.
    pub(crate) n_waiting: u64,
    /// Somebody had no room a while ago and has not drained to half since.
    pub(crate) is_pressed: bool,
    /// What its publisher must wait for before it goes on.
    pub(crate) hold: Option<Hold>,
}

/// The channel was forgotten meanwhile and must be looked up anew; nothing was published.
#[derive(Debug)]
pub(crate) struct Forgotten;

impl Channel {
    pub(crate) fn new(name: ChannelName, bounds: ChannelBounds, memory: &Arc<Memory>, now_ms: i64) -> Self {
        let routing = match name.kind() {
            ChannelKind::Topic => Routing::Topic(Receivers::default()),
            ChannelKind::Queue => Routing::Queue(Queue::new(bounds.backlog, Arc::clone(memory))),
            ChannelKind::Null => Routing::Null,
        };
        let mut framed_name = Vec::with_capacity(HEADER_BYTES + name.as_str().len());
        frame::append(&mut framed_name, name.as_str().as_bytes());
        let channel = Self {
            name,
            framed_name: framed_name.into_boxed_slice(),
            bounds,
            routing,
            taps: Receivers::default(),
            senders: Senders::default(),
            counts: Counts::default(),
            memory: Arc::clone(memory),
            rates: Mutex::default(),
            forgotten: false.into(),
        };
        channel.note_use(now_ms);
        channel
    }

    pub(crate) fn name(&self) -> &ChannelName {
        &self.name
    }

    pub(crate) fn bounds(&self) -> &ChannelBounds {
        &self.bounds
    }

    pub(crate) fn framed_name(&self) -> &[u8] {
        &self.framed_name
    }

    /// Publishes `run`, or as much of its front as there is room for at once.
    #[inline]
    pub(crate) fn publish(
        self: &Arc<Self>,
        run: &Run<'_>,
        scratch: &mut Scratch,
        now_ms: i64,
    ) -> Result<Published, Forgotten> {
        if self.forgotten.load(Ordering::Acquire) {
            return Err(Forgotten);
        }
        let published = match &self.routing {
            Routing::Topic(subscribers) => {
                self.taps.offer_copies(run, scratch);
                self.publish_topic(subscribers, run, scratch)
            }
            Routing::Queue(queue) => {
                let dealt = queue.publish(run, &mut scratch.wakes).ok_or(Forgotten)?;
                self.published_queue(dealt, run, scratch)
            }
            Routing::Null => Published { n_taken: run.n_messages(), ..Published::default() },
        };
        if published.n_taken != 0 {
            self.counts.published.fetch_add(published.n_taken, Ordering::Relaxed);
            self.counts.last_message_ms.store(now_ms, Ordering::Relaxed);
            self.note_use(now_ms);
        }
        Ok(published)
    }

    #[inline]
    fn publish_topic(
        self: &Arc<Self>,
        subscribers: &Receivers,
        run: &Run<'_>,
        scratch: &mut Scratch,
    ) -> Published {
        let result = subscribers.fan_out(run, scratch);
        if result.n_receivers == 0 {
            self.counts.unrouted.fetch_add(run.n_messages(), Ordering::Relaxed);
        }
        if result.n_dropped != 0 {
            self.counts.dropped.fetch_add(result.n_dropped, Ordering::Relaxed);
        }
        let mut published = Published {
            n_taken: run.n_messages(),
            n_queued: result.n_queued,
            n_dropped: result.n_dropped,
            is_pressed: result.is_pressed,
            ..Published::default()
        };
        if !result.short.is_empty() {
            match TopicHold::new(Arc::clone(self), &self.memory, run, result.short) {
                Ok(hold) => published.hold = Some(Hold::Topic(hold)),
                Err(n_dropped) => published.n_dropped += n_dropped,
            }
        }
        published
    }

    fn published_queue(self: &Arc<Self>, dealt: Dealt, run: &Run<'_>, scratch: &mut Scratch) -> Published {
        let n_taken = dealt.n_queued + dealt.n_waiting;
        if n_taken != 0 && self.taps.len() != 0 {
            self.taps.offer_copies(&run.front(n_taken), scratch);
        }
        Published {
            n_taken,
            n_queued: dealt.n_queued,
            n_dropped: 0,
            n_waiting: dealt.n_waiting,
            is_pressed: false,
            hold: dealt.refused.map(|refused| Hold::Queue { channel: Arc::clone(self), refused }),
        }
    }

    /// Who takes part in the delivery.
    pub(crate) fn n_subscribers(&self) -> usize {
        match &self.routing {
            Routing::Topic(subscribers) => subscribers.len(),
            Routing::Queue(queue) => queue.account().n_consumers,
            Routing::Null => 0,
        }
    }

    /// Everybody who takes part in the delivery, then everybody who only watches.
    pub(crate) fn receivers(&self) -> (Vec<Arc<Outbox>>, Vec<Arc<Outbox>>) {
        let subscribers = match &self.routing {
            Routing::Topic(subscribers) => subscribers.list(),
            Routing::Queue(queue) => queue.consumers(),
            Routing::Null => Vec::new(),
        };
        (subscribers, self.taps.list())
    }

    pub(crate) fn note_use(&self, now_ms: i64) {
        self.counts.last_use_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether nobody is here and nothing happened since `before_ms`. A backlog may still wait.
    pub(crate) fn is_idle(&self, before_ms: i64) -> bool {
        self.counts.last_use_ms.load(Ordering::Relaxed) < before_ms
            && self.taps.len() == 0
            && self.n_subscribers() == 0
    }

    /// Takes nothing any more, if the channel is idle and nothing waits. The caller keeps new subscribers out
    /// meanwhile.
    pub(crate) fn try_forget(&self, before_ms: i64) -> bool {
        let forget = self.is_idle(before_ms)
            && match &self.routing {
                Routing::Queue(queue) => queue.try_forget(),
                Routing::Topic(_) | Routing::Null => true,
            };
        if forget {
            self.forgotten.store(true, Ordering::Release);
        }
        forget
    }

    /// Computes the rates anew, from what happened in the `seconds` since the last call.
    pub(crate) fn tick(&self, seconds: f64) {
        let published = self.counts.published.load(Ordering::Relaxed);
        let out = self.counts.out.load(Ordering::Relaxed);
        let mut rates = self.rates.lock();
        rates.in_per_sec = (published - rates.published) as f64 / seconds;
        rates.out_per_sec = (out - rates.out) as f64 / seconds;
        rates.published = published;
        rates.out = out;
    }

    pub(crate) fn row(&self) -> ChannelStats {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let queue = match &self.routing {
            Routing::Queue(queue) => queue.account(),
            Routing::Topic(_) | Routing::Null => QueueAccount::default(),
        };
        let (in_per_sec, out_per_sec) = {
            let rates = self.rates.lock();
            (rates.in_per_sec, rates.out_per_sec)
        };
        let last_message_ms = self.counts.last_message_ms.load(Ordering::Relaxed);
        ChannelStats {
            name: self.name.clone(),
            kind: self.name.kind(),
            depth: queue.depth,
            depth_bytes: queue.depth_bytes,
            in_per_sec,
            out_per_sec,
            in_total: load(&self.counts.published),
            out_total: load(&self.counts.out),
            subscribers: self.n_subscribers() as u64,
            taps: self.taps.len() as u64,
            dropped: load(&self.counts.dropped),
            unrouted: load(&self.counts.unrouted),
            purged: load(&self.counts.purged),
            refused: load(&self.counts.refused),
            last_message_at_ms: (last_message_ms != 0).then_some(last_message_ms),
        }
    }
}
