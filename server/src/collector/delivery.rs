//! What is new for every client of the feed, encoded once and brought to each connection without waking its task, where
//! nothing is on its way there; otherwise the task is woken, to read for itself. Knows no client's fate.

use std::task::{Context, Waker};

use bytes::Bytes;

use crate::outlet::{self, Outlet};

/// Something new, for those who have everything before it.
#[derive(Debug)]
pub(super) struct Delivery {
    since: Place,
    until: Place,
    chunk: Bytes,
}

/// What a client has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Seq of the last event.
    pub(super) seq: u64,
    /// Number of the last ping.
    pub(super) n_pings: u64,
}

/// How a client hears of what is new.
#[derive(Debug, Default)]
pub(super) struct Bell {
    waker: Option<Waker>,
    outlet: Option<Outlet>,
}

impl Delivery {
    /// Of `text` for those who are at `since`, and at `until` with it.
    pub(super) fn new(since: Place, until: Place, text: &[u8]) -> Self {
        Self { since, until, chunk: outlet::chunk(text) }
    }
}

impl Bell {
    /// Lets what is new go out by `outlet` from now on, whenever that is not held.
    pub(super) fn open(&mut self, outlet: Outlet) {
        self.outlet = Some(outlet);
    }

    /// Lets nothing more go out but by the task.
    pub(super) fn close(&mut self) {
        self.outlet = None;
    }

    /// Before the task takes something: nothing may overtake it.
    pub(super) fn hold(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.hold();
        }
    }

    /// Notes whom to wake.
    pub(super) fn note_waker(&mut self, cx: &Context<'_>) {
        outlet::note(&mut self.waker, cx);
    }

    /// Who is to be woken.
    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }

    /// Brings it to a client at `place`; gives where it is then, if that could be done.
    pub(super) fn bring(&self, delivery: &Delivery, place: Place) -> Option<Place> {
        let outlet = self.outlet.as_ref().filter(|_| place == delivery.since)?;
        outlet.send(&delivery.chunk).then_some(delivery.until)
    }
}

#[cfg(test)]
mod tests;
