//! The messages of one channel as they come: a bounded ring that can be paused, with exact accounts.
//!
//! Two accounts meet here. The relay's: `received = shown + filtered + skipped` since the subscription began. The
//! page's own: of what the relay has shown, the newest are kept and the rest is counted as forgotten.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_shared::socket::{TailAccounts, TailMessage, TailMode};
use signalbox_shared::{ChannelName, Filter, Payload};

use super::visible;

/// Most messages kept: more than anybody scrolls through, and 100,000 small ones would not matter to memory.
pub const ITEMS_MAX: usize = 5_000;
/// Most bytes of payload kept, in memory: 16 MiB hold 256 of the largest payloads that a tail carries.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most characters of a payload that a row shows; the whole stands beside the list when the row is chosen.
pub const PREVIEW_CHARS_MAX: usize = 300;
/// Most rows that stay pinned: more than that is no longer a choice. With the largest payloads, 1.3 MiB.
pub const PINS_MAX: usize = 20;

/// Why the rows stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Somebody asked for it; they stand until somebody asks again.
    Asked,
    /// Somebody reads further up; they go on when the end is in view again.
    Reading,
    /// Somebody aims at a row; they go on a moment later.
    Aiming,
}

/// One row of a tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailItem {
    /// Its number in this tail, from 1, never used twice.
    pub serial: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What.
    pub kind: TailItemKind,
}

/// What a row of a tail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TailItemKind {
    /// A message; shared, for rows are cloned on their way to the screen.
    Message(Arc<TailMessage>),
    /// Something to know about the messages around it.
    Mark(Arc<str>),
}

/// The tail of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The channel.
    pub channel: ChannelName,
    /// How the page takes part, as it was asked for.
    pub mode: TailMode,
    /// Whether the relay has said that the subscription stands.
    pub is_subscribed: bool,
    /// Why the relay refused the subscription.
    pub refusal: Option<String>,
    /// The relay's accounts of this subscription.
    pub accounts: TailAccounts,
    /// Messages that the page received and keeps no more.
    pub n_forgotten: u64,
    /// Which messages the relay shows; all of them without it.
    pub filter: Option<Filter>,
    /// Why the relay refused the latest filter, and where in its text, in characters from 0.
    pub filter_error: Option<(String, Option<u64>)>,
    last_serial: u64,
    shown: Ring,
    /// Why it stands still and what came since then; none while it runs.
    backlog: Option<(Hold, Ring)>,
    pins: Vec<TailItem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ring {
    items: VecDeque<TailItem>,
    bytes: usize,
    n_messages_in: u64,
    n_messages_out: u64,
}

impl Ring {
    fn push(&mut self, item: TailItem) {
        self.bytes += size_bytes(&item);
        self.n_messages_in += u64::from(is_message(&item));
        self.items.push_back(item);
        while ITEMS_MAX < self.items.len() || BYTES_MAX < self.bytes {
            let Some(old) = self.items.pop_front() else { break };
            self.bytes -= size_bytes(&old);
            self.n_messages_out += u64::from(is_message(&old));
        }
    }
}

fn size_bytes(item: &TailItem) -> usize {
    match &item.kind {
        TailItemKind::Message(message) => match &message.payload {
            Payload::Text(text) | Payload::Base64(text) => text.len(),
        },
        TailItemKind::Mark(text) => text.len(),
    }
}

fn is_message(item: &TailItem) -> bool {
    matches!(item.kind, TailItemKind::Message(_))
}

impl Tail {
    /// An empty tail.
    #[must_use]
    pub fn new(channel: ChannelName, mode: TailMode) -> Self {
        Self {
            channel,
            mode,
            is_subscribed: false,
            refusal: None,
            accounts: TailAccounts::default(),
            n_forgotten: 0,
            filter: None,
            filter_error: None,
            last_serial: 0,
            shown: Ring::default(),
            backlog: None,
            pins: Vec::new(),
        }
    }

    /// The relay says that the subscription stands: its numbers and accounts begin anew.
    pub fn subscribed(&mut self, mode: TailMode, at_ms: i64) {
        let was_here = self.last_serial > 0;
        self.mode = mode;
        self.is_subscribed = true;
        self.refusal = None;
        self.accounts = TailAccounts::default();
        if was_here {
            self.mark(at_ms, "Subscribed again: what was published in between is not in this list");
        }
    }

    /// The connection or the subscription has ended.
    pub fn interrupted(&mut self) {
        self.is_subscribed = false;
    }

    /// Takes one batch. Messages of a subscription that does not stand (late ones of an old mode) are taken too: they
    /// were received.
    pub fn apply(&mut self, messages: Vec<TailMessage>, accounts: TailAccounts) {
        let n_newly_skipped = accounts.skipped.saturating_sub(self.accounts.skipped);
        self.accounts = accounts;
        if n_newly_skipped > 0 {
            let at_ms = messages.first().map_or(0, |message| message.at_ms);
            self.mark_skipped(at_ms, n_newly_skipped);
        }
        for message in messages {
            let at_ms = message.at_ms;
            self.push(at_ms, TailItemKind::Message(Arc::new(message)));
        }
    }

    /// Adds a row that is no message.
    pub fn mark(&mut self, at_ms: i64, text: &str) {
        self.push(at_ms, TailItemKind::Mark(text.into()));
    }

    /// Stops the rows on the screen; what comes is kept behind them. A weaker reason never takes a stronger one's place.
    pub fn hold(&mut self, why: Hold) {
        match &mut self.backlog {
            Some((Hold::Asked, _)) => {}
            Some((Hold::Reading, _)) if why == Hold::Aiming => {}
            Some((old, _)) => *old = why,
            None => self.backlog = Some((why, Ring::default())),
        }
    }

    /// Goes on: what came since the pause appears.
    pub fn resume(&mut self) {
        let Some((_, backlog)) = self.backlog.take() else { return };
        self.n_forgotten += backlog.n_messages_out;
        if backlog.n_messages_out > 0 {
            let at_ms = backlog.items.front().map_or(0, |item| item.at_ms);
            let n = super::units::counted(backlog.n_messages_out, "message", "messages");
            self.mark(at_ms, &format!("{n} came during the pause and were not kept"));
        }
        for item in backlog.items {
            self.push_shown(item);
        }
    }

    /// Goes on if the rows stand still for this reason.
    pub fn resume_from(&mut self, why: Hold) {
        if self.held() == Some(why) {
            self.resume();
        }
    }

    /// Goes on with what comes from now on; what came since the pause is counted and forgotten.
    pub fn jump_to_live(&mut self, at_ms: i64) {
        let Some((_, backlog)) = self.backlog.take() else { return };
        self.n_forgotten += backlog.n_messages_in;
        if backlog.n_messages_in > 0 {
            let n = super::units::counted(backlog.n_messages_in, "message", "messages");
            self.mark(at_ms, &format!("{n} of the pause left out by jumping to live"));
        }
    }

    /// Why the rows on the screen stand still.
    #[must_use]
    pub fn held(&self) -> Option<Hold> {
        self.backlog.as_ref().map(|(why, _)| *why)
    }

    /// Whether the rows on the screen stand still.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.backlog.is_some()
    }

    /// Messages that came since the pause, kept or not.
    #[must_use]
    pub fn n_behind(&self) -> u64 {
        self.backlog.as_ref().map_or(0, |(_, backlog)| backlog.n_messages_in)
    }

    /// Keeps a row in view, or lets it go; says whether it is pinned now. Of more than [`PINS_MAX`], none is added.
    pub fn toggle_pin(&mut self, serial: u64) -> bool {
        if let Some(at) = self.pins.iter().position(|item| item.serial == serial) {
            self.pins.remove(at);
            return false;
        }
        let Some(item) = self.item(serial).cloned() else { return false };
        if PINS_MAX <= self.pins.len() {
            return false;
        }
        self.pins.push(item);
        self.pins.sort_by_key(|item| item.serial);
        true
    }

    /// The pinned rows, oldest first; they outlive the list's own.
    #[must_use]
    pub fn pins(&self) -> &[TailItem] {
        &self.pins
    }

    /// The place of the first row at or after a moment, or of the last row when all are older.
    #[must_use]
    pub fn place_at(&self, at_ms: i64) -> Option<usize> {
        let n = self.shown.items.len();
        let place = self.shown.items.partition_point(|item| item.at_ms < at_ms);
        (n > 0).then(|| place.min(n - 1))
    }

    /// The messages on the screen's list, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Arc<TailMessage>> {
        self.shown.items.iter().filter_map(|item| match &item.kind {
            TailItemKind::Message(message) => Some(message),
            TailItemKind::Mark(_) => None,
        })
    }

    /// The latest row that is no message and holds `part`, of those on the screen's list or behind a pause.
    #[must_use]
    pub fn last_mark_about(&self, part: &str) -> Option<String> {
        let behind = self.backlog.iter().flat_map(|(_, backlog)| &backlog.items);
        self.shown.items.iter().chain(behind).rev().find_map(|item| match &item.kind {
            TailItemKind::Mark(text) if text.contains(part) => Some(text.to_string()),
            _ => None,
        })
    }

    /// The message before the one of row `serial`, while it is kept.
    #[must_use]
    pub fn message_before(&self, serial: u64) -> Option<Arc<TailMessage>> {
        let place = self.place(serial)?;
        self.shown.items.range(..place).rev().find_map(|item| match &item.kind {
            TailItemKind::Message(message) => Some(message.clone()),
            TailItemKind::Mark(_) => None,
        })
    }

    /// Empties the list; the accounts stay.
    pub fn clear(&mut self) {
        let n_shown = self.shown.items.iter().filter(|item| is_message(item)).count() as u64;
        self.n_forgotten += n_shown + self.n_behind();
        self.shown = Ring::default();
        if let Some((_, backlog)) = &mut self.backlog {
            *backlog = Ring::default();
        }
    }

    /// Rows on the screen's list, oldest first.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.items.len()
    }

    /// Whether the screen's list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.items.is_empty()
    }

    /// The rows from place `first` on, at most `n`.
    #[must_use]
    pub fn rows(&self, first: usize, n: usize) -> Vec<(usize, TailItem)> {
        self.shown.items.iter().enumerate().skip(first).take(n).map(|(i, item)| (i, item.clone())).collect()
    }

    /// The row with this number, while it is kept or pinned.
    #[must_use]
    pub fn item(&self, serial: u64) -> Option<&TailItem> {
        let items = &self.shown.items;
        let kept = items.binary_search_by_key(&serial, |item| item.serial).ok().and_then(|i| items.get(i));
        kept.or_else(|| self.pins.iter().find(|item| item.serial == serial))
    }

    /// The place of that row in the list.
    #[must_use]
    pub fn place(&self, serial: u64) -> Option<usize> {
        self.shown.items.binary_search_by_key(&serial, |item| item.serial).ok()
    }

    fn mark_skipped(&mut self, at_ms: i64, n: u64) {
        let text = super::units::counted(n, "message", "messages");
        self.mark(at_ms, &format!("{text} skipped: this page could not follow"));
    }

    fn push(&mut self, at_ms: i64, kind: TailItemKind) {
        self.last_serial += 1;
        let item = TailItem { serial: self.last_serial, at_ms, kind };
        match &mut self.backlog {
            Some((_, backlog)) => backlog.push(item),
            None => self.push_shown(item),
        }
    }

    fn push_shown(&mut self, item: TailItem) {
        let n_before = self.shown.n_messages_out;
        self.shown.push(item);
        self.n_forgotten += self.shown.n_messages_out - n_before;
    }
}

/// What a row shows of a payload: one line, cut, with all that hides written out ([`visible`]).
#[must_use]
pub fn preview(payload: &Payload) -> String {
    let (Payload::Text(text) | Payload::Base64(text)) = payload;
    let end = text.char_indices().nth(PREVIEW_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let mut out = String::with_capacity(end);
    visible::push_text(&mut out, &text[..end]);
    out
}

#[cfg(test)]
mod tests;
