//! Publish-subscribe: each message goes to every subscriber.
//!
//! The list of subscribers is an immutable snapshot that a publisher loads without a lock. Knows no queue.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::outbox::{Offer, Outbox};
use super::run::{Run, Scratch};

/// A list of receivers that is replaced as a whole.
#[derive(Debug, Default)]
pub(crate) struct Receivers(ArcSwap<Vec<Arc<Outbox>>>);

impl Receivers {
    pub(crate) fn add(&self, outbox: &Arc<Outbox>) {
        self.0.rcu(|list| {
            let mut list = Vec::clone(list);
            list.push(Arc::clone(outbox));
            list
        });
    }

    pub(crate) fn remove(&self, outbox: &Arc<Outbox>) {
        self.0
            .rcu(|list| list.iter().filter(|other| !Arc::ptr_eq(other, outbox)).cloned().collect::<Vec<_>>());
    }

    /// Everybody who is in it now.
    pub(crate) fn list(&self) -> Vec<Arc<Outbox>> {
        Vec::clone(&self.0.load())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.load().len()
    }

    /// Offers a copy to each, as to someone who only watches.
    #[inline]
    pub(crate) fn offer_copies(&self, run: &Run<'_>, scratch: &mut Scratch) {
        let list = self.0.load();
        if list.is_empty() {
            return;
        }
        let run = run.gathered(&mut scratch.gather);
        for outbox in list.iter() {
            outbox.offer_copy(&run, &mut scratch.wakes);
        }
        scratch.wakes.relieve();
    }

    /// Offers `run` to each.
    #[inline]
    pub(crate) fn fan_out(&self, run: &Run<'_>, scratch: &mut Scratch) -> FanOut {
        let list = self.0.load();
        let mut result = FanOut { n_receivers: list.len(), ..FanOut::default() };
        match list.as_slice() {
            [] => {}
            [one] => result.note(run, one, one.offer(run, &mut scratch.wakes)),
            many => {
                let run = run.gathered(&mut scratch.gather);
                for outbox in many {
                    result.note(&run, outbox, outbox.offer(&run, &mut scratch.wakes));
                    scratch.wakes.relieve();
                }
            }
        }
        result
    }
}

/// What became of a run that was offered to everybody.
#[derive(Debug, Default)]
pub(crate) struct FanOut {
    pub(crate) n_receivers: usize,
    /// Messages queued, summed over the receivers.
    pub(crate) n_queued: u64,
    /// Messages lost, summed over the receivers.
    pub(crate) n_dropped: u64,
    /// Somebody had no room a while ago and has not drained to half since.
    pub(crate) is_pressed: bool,
    /// Who has no room for the rest of the run.
    pub(crate) short: Vec<Short>,
}

/// A receiver that took only the front of a run.
#[derive(Debug)]
pub(crate) struct Short {
    pub(crate) outbox: Arc<Outbox>,
    /// Bytes and messages of the run that it took.
    pub(crate) n_bytes: usize,
    pub(crate) n_messages: u64,
}

impl FanOut {
    #[inline]
    fn note(&mut self, run: &Run<'_>, outbox: &Arc<Outbox>, offer: Offer) {
        match offer {
            Offer::Queued { is_pressed } => {
                self.n_queued += run.n_messages();
                self.is_pressed |= is_pressed;
            }
            Offer::Dropped => self.n_dropped += run.n_messages(),
            Offer::Gone => {}
            Offer::Short { n_messages, n_bytes } => {
                self.n_queued += n_messages;
                self.short.push(Short { outbox: Arc::clone(outbox), n_bytes, n_messages });
            }
        }
    }
}
