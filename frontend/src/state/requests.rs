//! Requests over the socket that still await their answer: which id was what.

use std::collections::BTreeMap;

use signalbox_shared::ChannelName;

/// Most requests that may wait for their answers; one more is not sent. A person cannot ask faster, a loop must not.
pub const REQUESTS_MAX: usize = 256;

/// What a request was about, so that its answer finds its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Tail of a channel.
    Subscribe(ChannelName),
    /// Another filter of a tail.
    Filter(ChannelName),
    /// One message of the run of that number that repeats a message.
    Repeat(u64),
    /// The publish form's entry with this number.
    Publish(u64),
    /// Emptying a queue.
    Purge(ChannelName),
    /// The rest of the payload of one message of the tail.
    Fetch {
        /// The message's place in the tail ([`super::tail::TailItem::serial`]).
        serial: u64,
    },
    /// Entering this room of the chat.
    Join(String),
    /// Another name in this room.
    Rename(String),
    /// Older lines of this room.
    Older(String),
    /// Which rooms there are.
    Rooms,
    /// A chat line.
    Say {
        /// The room.
        room: String,
        /// The line's key.
        key: String,
    },
}

/// The requests that wait.
#[derive(Debug, Default)]
pub struct Requests {
    last_id: u64,
    waiting: BTreeMap<u64, Purpose>,
}

impl Requests {
    /// Gives the request an id, or nothing when [`REQUESTS_MAX`] wait already.
    pub fn begin(&mut self, purpose: Purpose) -> Option<u64> {
        if REQUESTS_MAX <= self.waiting.len() {
            return None;
        }
        self.last_id += 1;
        self.waiting.insert(self.last_id, purpose);
        Some(self.last_id)
    }

    /// Takes the request that an answer belongs to; an answer that nobody waits for has none.
    pub fn end(&mut self, id: u64) -> Option<Purpose> {
        self.waiting.remove(&id)
    }

    /// Takes all: the connection is gone and no answer will come.
    pub fn abandon(&mut self) -> Vec<Purpose> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_finds_its_request_once() {
        let mut requests = Requests::default();
        let id = requests.begin(Purpose::Publish(7)).unwrap();
        assert_eq!(requests.end(id), Some(Purpose::Publish(7)));
        assert_eq!(requests.end(id), None);
        assert_eq!(requests.end(999), None);
    }

    #[test]
    fn no_more_than_the_bound_wait() {
        let mut requests = Requests::default();
        for _ in 0..REQUESTS_MAX {
            assert!(requests.begin(Purpose::Rooms).is_some());
        }
        assert_eq!(requests.begin(Purpose::Rooms), None);
        assert_eq!(requests.abandon().len(), REQUESTS_MAX);
        assert!(requests.begin(Purpose::Rooms).is_some());
    }
}
