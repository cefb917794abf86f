//! What one watcher is shown of what came: the newest that its filter wants and one batch holds, with exact accounts.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::TailAccounts;

use super::chunk::Message;
use super::ring::Taken;
use super::stream::BATCH_INTERVAL;
use crate::filter::{Filter, JUDGED_BYTES_MAX, Verdict};
use crate::limits::Limits;

/// What a message costs in a batch beside its payload, in bytes of JSON.
const MESSAGE_OVERHEAD_BYTES: usize = 32;
/// How much longer a payload can become as JSON: a control character takes six bytes.
const JSON_GROWTH: usize = 6;
/// Most bytes of payload that a filter looks at per batch. What is beyond it was not looked at and counts as skipped:
/// a filter must not hold up the relay however much comes.
const JUDGED_BYTES_PER_BATCH: usize = 4 * JUDGED_BYTES_MAX;

/// Most batches' worth of messages in one batch that is late. A page that can follow so many in each frame can follow
/// them together, too: where relay or page were held up for an eighth of a second, or a burst comes after a pause, nothing
/// is lost. With the usual bound it is fewer messages than a page keeps.
const LATE_BATCHES_MAX: u32 = 8;

/// How much one batch holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchBounds {
    pub(super) n_messages: usize,
    pub(super) n_bytes: usize,
}

impl BatchBounds {
    /// As `socket_batch_messages` and `socket_batch_bytes` say.
    #[must_use]
    pub(crate) fn new(limits: &Limits) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self { n_messages: size(limits.socket_batch_messages), n_bytes: size(limits.socket_batch_bytes) }
    }

    /// Bounds for a batch that comes so long after the one before it: as many messages as batches in time would have held.
    fn after(self, since: Duration) -> Self {
        let share = since.as_secs_f64() / BATCH_INTERVAL.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounds, which are small"
        )]
        let n_messages = (self.n_messages as f64 * share.clamp(1.0, f64::from(LATE_BATCHES_MAX))) as usize;
        Self { n_messages, ..self }
    }

    /// Bounds for payloads that fit the batch whatever becomes of them as JSON.
    pub(super) fn for_raw_payloads(self) -> Self {
        Self { n_bytes: self.n_bytes / JSON_GROWTH, ..self }
    }
}

/// One watcher's accounts, and how it is shown things.
pub(crate) struct View {
    /// The channel as JSON.
    channel: String,
    /// A bound on what is shown at once; none for one who takes it all.
    bounds: Option<BatchBounds>,
    accounts: TailAccounts,
}

/// What a watcher is shown of one take.
#[derive(Default)]
pub(super) struct Shown {
    /// With their numbers, oldest first.
    pub(super) messages: Vec<(u64, Message)>,
    /// Of what was taken, the messages that had to be left out.
    pub(super) n_skipped: u64,
    pub(super) n_filtered: u64,
}

impl View {
    /// Begins with nothing received. One without bounds is never skipped over.
    #[must_use]
    pub(crate) fn new(channel: &ChannelName, bounds: Option<BatchBounds>) -> Self {
        let channel = serde_json::to_string(channel).unwrap_or_default(); // a text always encodes
        Self { channel, bounds, accounts: TailAccounts::default() }
    }

    /// Totals since the beginning.
    pub(super) fn accounts(&self) -> TailAccounts {
        self.accounts
    }

    /// Forgets what was shown since the accounts were these.
    pub(super) fn go_back(&mut self, accounts: TailAccounts) {
        self.accounts = accounts;
    }

    /// Picks what is shown, the newest first until it is enough, and does the accounts. `since`: how long ago something
    /// was last shown.
    pub(super) fn show(&mut self, taken: &Taken, filter: Option<&Filter>, since: Duration) -> Shown {
        let bounds = self.bounds.map(|bounds| bounds.after(since));
        let n_received = taken.n_lost + taken.chunks.iter().map(|chunk| chunk.n_received()).sum::<u64>();
        let mut pick = Pick { shown: Shown::default(), n_json_bytes: 0, n_judged_bytes: 0, n_unjudged: 0 };
        let mut seq = self.accounts.received + n_received;
        'all: for chunk in taken.chunks.iter().rev() {
            seq -= chunk.n_lost_behind;
            for message in chunk.messages().rev() {
                if !pick.offer(seq, message, filter, bounds) {
                    break 'all;
                }
                seq -= 1;
            }
        }
        let Pick { mut shown, n_unjudged, .. } = pick;
        shown.messages.reverse();
        let n_shown = shown.messages.len() as u64;
        shown.n_skipped = n_received - n_shown - shown.n_filtered;
        self.accounts.received += n_received;
        self.accounts.shown += n_shown;
        self.accounts.filtered += shown.n_filtered;
        self.accounts.skipped += shown.n_skipped;
        self.accounts.unjudged += n_unjudged;
        shown
    }

    /// The `tail` message of the WebSocket.
    pub(super) fn json(&self, shown: &Shown) -> String {
        let n_bytes: usize =
            shown.messages.iter().map(|(_, message)| message.json().len() + MESSAGE_OVERHEAD_BYTES).sum();
        let mut json = String::with_capacity(n_bytes + self.channel.len() + 256);
        json.push_str("{\"type\":\"tail\",\"channel\":");
        json.push_str(&self.channel);
        json.push_str(",\"messages\":[");
        for (n, (seq, message)) in shown.messages.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            // Writing into a text cannot fail.
            let _ = write!(json, "{comma}{{\"seq\":{seq},{}}}", message.json());
        }
        json.push_str("],\"accounts\":");
        json.push_str(&serde_json::to_string(&self.accounts).unwrap_or_default()); // numbers always encode
        json.push('}');
        json
    }
}

impl Shown {
    /// The wholes of payloads that are shown in part, with their numbers.
    pub(super) fn cut(&self) -> Vec<(u64, Bytes)> {
        let cut = self.messages.iter().filter(|(_, message)| message.is_cut());
        cut.map(|(seq, message)| (*seq, message.whole())).collect()
    }
}

struct Pick {
    shown: Shown,
    n_json_bytes: usize,
    n_judged_bytes: usize,
    n_unjudged: u64,
}

impl Pick {
    /// Takes the next older message. Says whether one more could be taken.
    fn offer(
        &mut self,
        seq: u64,
        message: Message,
        filter: Option<&Filter>,
        bounds: Option<BatchBounds>,
    ) -> bool {
        if bounds.is_some_and(|bounds| bounds.n_messages <= self.shown.messages.len()) {
            return false;
        }
        if let Some(filter) = filter {
            if bounds.is_some() && JUDGED_BYTES_PER_BATCH < self.n_judged_bytes {
                return false;
            }
            self.n_judged_bytes += message.payload().len();
            match filter.judge(message.payload()) {
                Verdict::Shown => {}
                verdict => {
                    self.shown.n_filtered += 1;
                    self.n_unjudged += u64::from(verdict == Verdict::Unjudged);
                    return true;
                }
            }
        }
        if let Some(bounds) = bounds {
            self.n_json_bytes += message.json().len() + MESSAGE_OVERHEAD_BYTES;
            if bounds.n_bytes < self.n_json_bytes && !self.shown.messages.is_empty() {
                return false;
            }
        }
        self.shown.messages.push((seq, message));
        true
    }
}
