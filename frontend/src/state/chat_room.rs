//! One chat room: its lines, who is there, and what this page has said that is not confirmed yet.
//!
//! Lines are ordered by their id and none stands twice, however often the connection is lost and resumed.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLine, ChatLineKind, ChatUser};
use signalbox_shared::socket::ChatGap;

use super::units;

/// Most lines kept on the page; the relay keeps more.
pub const LINES_MAX: usize = 2_000;
/// Most lines of this page that may wait for their confirmation; a person who types faster is asked to wait.
pub const SENDS_MAX: usize = 50;

/// Where this page stands in the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// Not in the room.
    #[default]
    Outside,
    /// Asked to enter under this name; also when the connection was lost and comes back.
    Entering(String),
    /// In the room under this name.
    Inside(String),
    /// Refused.
    Refused {
        /// The name that was asked for.
        name: String,
        /// Why.
        reason: String,
        /// A name that is free.
        suggestion: Option<String>,
    },
}

/// Why this page is not back in yet, although it asks again: its old connection may still have its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldUp {
    /// Why.
    pub reason: String,
    /// A name that is free.
    pub suggestion: Option<String>,
}

/// What became of a line that this page said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendState {
    /// Not sent yet: there is no connection.
    Waiting,
    /// Sent, no answer yet.
    Sent,
    /// Refused; the relay says why.
    Failed(String),
}

/// A line that this page said and that the room does not show yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Unique per line, so that a line sent twice is said once.
    pub key: String,
    /// The line.
    pub text: String,
    /// What became of it.
    pub state: SendState,
    /// Its id, when the answer came before the line itself.
    confirmed: Option<EventId>,
}

/// A row of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRow {
    /// A line of the room, which the views share.
    Line(Arc<ChatLine>),
    /// Lines are missing here.
    Gap {
        /// Distinguishes gaps, from 1.
        number: u64,
        /// How the gap reads.
        text: String,
    },
}

/// What is known of the lines before the first one here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Past {
    /// There may be some.
    #[default]
    Unknown,
    /// They are asked for.
    Asked,
    /// There are none.
    Beginning,
}

/// One room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatRoom {
    /// Where this page stands.
    pub membership: Membership,
    /// Who is in the room; of a very full one only the first.
    pub users: Vec<ChatUser>,
    /// How many are in the room.
    pub n_users: u64,
    /// Lines that came while nobody looked.
    pub n_unread: u64,
    /// Those of them that speak to who sits here.
    pub n_mentions: u64,
    /// When lines may be said again, in milliseconds by the page's clock, while the relay asks for patience.
    pub patience_until_ms: Option<i64>,
    hold_up: Option<HoldUp>,
    room: String,
    past: Past,
    unread_from: Option<EventId>,
    rows: VecDeque<RoomRow>,
    pending: Vec<Pending>,
    last_id: Option<EventId>,
    n_gaps: u64,
}

impl ChatRoom {
    /// A room that this page is not in.
    #[must_use]
    pub fn named(room: &str) -> Self {
        Self { room: room.to_owned(), ..Self::default() }
    }

    /// What the room is called.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// What is known of the lines before the first one here.
    #[must_use]
    pub fn past(&self) -> Past {
        if self.first_id().is_some_and(|first| first.seq == 1) { Past::Beginning } else { self.past }
    }

    fn first_id(&self) -> Option<EventId> {
        self.rows.iter().find_map(|row| match row {
            RoomRow::Line(line) => Some(line.id),
            RoomRow::Gap { .. } => None,
        })
    }

    /// Whether no more lines fit on this page, and the oldest make place for new ones.
    #[must_use]
    pub fn is_full(&self) -> bool {
        LINES_MAX <= self.rows.len()
    }

    /// The first of the lines that came while nobody looked, until somebody has answered or more have come.
    #[must_use]
    pub fn unread_from(&self) -> Option<EventId> {
        self.unread_from
    }

    /// The line before which older ones are to be asked for; they count as asked for.
    pub fn ask_older(&mut self) -> Option<EventId> {
        if self.past() != Past::Unknown || self.is_full() {
            return None;
        }
        let first = self.first_id()?;
        self.past = Past::Asked;
        Some(first)
    }

    /// Takes older lines. What does not stand right before the first line here, as after a new epoch, is not taken.
    pub fn older(&mut self, lines: Vec<ChatLine>, has_more: bool) {
        self.past = if has_more { Past::Unknown } else { Past::Beginning };
        let n_free = LINES_MAX.saturating_sub(self.rows.len());
        if n_free < lines.len() {
            self.past = Past::Unknown;
        }
        for line in lines.into_iter().rev().take(n_free) {
            let is_before = match self.rows.front() {
                Some(RoomRow::Line(first)) => line.id.epoch == first.id.epoch && line.id.seq < first.id.seq,
                Some(RoomRow::Gap { .. }) | None => true,
            };
            if is_before {
                self.rows.push_front(RoomRow::Line(Arc::new(line)));
            }
        }
    }

    /// Older lines could not be had; they may be asked for again.
    pub fn older_failed(&mut self) {
        self.past = Past::Unknown;
    }

    /// A line came that nobody looks at.
    pub fn note_unread(&mut self, id: EventId, is_mention: bool) {
        if self.n_unread == 0 {
            self.unread_from = Some(id);
        }
        self.n_unread += 1;
        self.n_mentions += u64::from(is_mention);
    }

    /// Somebody looks at the room. The mark before what was new stays until it is answered.
    pub fn read(&mut self) {
        (self.n_unread, self.n_mentions) = (0, 0);
    }

    /// This page tells something that is no line of the room.
    pub fn tell(&mut self, text: String) {
        self.push_gap(text);
    }

    /// Takes every line off this page; the room keeps them.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.unread_from = None;
        self.past = Past::Beginning;
    }

    /// Where to go on after a lost connection: the last line that stands here.
    #[must_use]
    pub fn last_id(&self) -> Option<EventId> {
        self.last_id
    }

    /// The name under which this page is in the room or wants to be.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.membership {
            Membership::Entering(name) | Membership::Inside(name) => Some(name),
            Membership::Outside | Membership::Refused { .. } => None,
        }
    }

    /// Takes who is in the room. An older relay does not tell the number, and lists everybody.
    pub fn present(&mut self, users: Vec<ChatUser>, n_users: u64) {
        self.n_users = n_users.max(users.len() as u64);
        self.users = users;
    }

    /// The room was entered: takes everything that was missed, and gives it; nothing was missed by who was not here before.
    pub fn joined(&mut self, name: String, lines: Vec<ChatLine>, gap: Option<&ChatGap>) -> Vec<ChatLine> {
        self.membership = Membership::Inside(name);
        self.hold_up = None;
        // Before the room was entered for the first time nothing can be missing.
        let was_here = self.last_id.is_some();
        if let Some(gap) = gap
            && self.last_id.take().is_some()
        {
            let text = match gap.n_lost {
                Some(n) => format!("{} missing", units::counted(n, "line is", "lines are")),
                None => "The relay was started anew: lines may be missing".to_owned(),
            };
            self.push_gap(text);
        }
        let mut missed = Vec::new();
        for line in lines {
            if self.apply_line(line.clone()) && was_here {
                missed.push(line);
            }
        }
        missed
    }

    /// The relay refused another name: this page is still here under the old one.
    pub fn rename_refused(&mut self, reason: &str, suggestion: Option<&str>) {
        let free = suggestion.map_or_else(String::new, |free| format!(". \"{free}\" is free: /nick {free}"));
        self.push_gap(format!("Your name stays: {reason}{free}"));
    }

    /// The relay refused the name.
    pub fn refused(&mut self, reason: String, suggestion: Option<String>) {
        let name = self.name().unwrap_or_default().to_owned();
        self.membership = Membership::Refused { name, reason, suggestion };
        self.hold_up = None;
    }

    /// A person asks to enter.
    pub fn wants_in(&mut self, name: String) {
        self.membership = Membership::Entering(name);
        self.hold_up = None;
    }

    /// The relay refused the name for now.
    pub fn held_up(&mut self, reason: String, suggestion: Option<String>) {
        self.hold_up = Some(HoldUp { reason, suggestion });
    }

    /// Why this page is not back in yet, while it asks again.
    #[must_use]
    pub fn hold_up(&self) -> Option<&HoldUp> {
        self.hold_up.as_ref().filter(|_| matches!(self.membership, Membership::Entering(_)))
    }

    /// This page left the room. Lines that wait to be said stay, for whoever enters again.
    pub fn left(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        *self = Self { pending, ..Self::named(&self.room) };
        self.interrupted();
    }

    /// Takes back a line of this page that an earlier load of it had not seen said.
    pub fn restore(&mut self, key: String, text: String, failure: Option<String>) {
        let is_known = self.pending.iter().any(|pending| pending.key == key);
        if !is_known && self.pending.len() < SENDS_MAX {
            let state = failure.map_or(SendState::Waiting, SendState::Failed);
            self.pending.push(Pending { key, text, state, confirmed: None });
        }
    }

    /// Gives up every line that is not said yet.
    pub fn discard_all(&mut self) {
        self.pending.clear();
    }

    /// The connection is gone: the page wants back in, and lines without an answer must be sent again.
    pub fn interrupted(&mut self) {
        if self.past == Past::Asked {
            self.past = Past::Unknown;
        }
        if let Membership::Inside(name) = &self.membership {
            self.membership = Membership::Entering(name.clone());
        }
        for pending in &mut self.pending {
            if pending.state == SendState::Sent {
                pending.state = SendState::Waiting;
            }
        }
    }

    /// Takes one line. Returns whether it is new; a line that stands already, or that is older than the last one, is
    /// not taken again.
    pub fn apply_line(&mut self, line: ChatLine) -> bool {
        if self.last_id.is_some_and(|last| last.epoch == line.id.epoch && line.id.seq <= last.seq) {
            return false;
        }
        self.last_id = Some(line.id);
        self.settle(&line);
        self.push(RoomRow::Line(Arc::new(line)));
        true
    }

    /// The relay could not send lines to this page.
    pub fn lagged(&mut self, n_skipped: u64) {
        self.push_gap(format!("{} missing", units::counted(n_skipped, "line is", "lines are")));
    }

    /// Adds a line to be said under a key of its own. Returns whether there is room for it.
    pub fn say(&mut self, key: String, text: String) -> bool {
        if SENDS_MAX <= self.pending.len() {
            return false;
        }
        self.unread_from = None;
        self.pending.push(Pending { key, text, state: SendState::Waiting, confirmed: None });
        true
    }

    /// The key and text of the line to be sent now, which counts as sent. None while one is on its way: the relay may refuse
    /// that for haste and take the one behind it a moment later, and the order would be another.
    pub fn take_unsent(&mut self) -> Option<(String, String)> {
        let is_on_its_way =
            |pending: &Pending| pending.state == SendState::Sent && pending.confirmed.is_none();
        if self.pending.iter().any(is_on_its_way) {
            return None;
        }
        let next = self.pending.iter_mut().find(|pending| pending.state == SendState::Waiting)?;
        next.state = SendState::Sent;
        Some((next.key.clone(), next.text.clone()))
    }

    /// A line could not be handed to the connection after all.
    pub fn unsent(&mut self, key: &str) {
        self.set_state(key, SendState::Waiting);
    }

    /// The relay has taken the line with this key.
    pub fn confirmed(&mut self, key: &str, id: Option<EventId>) {
        let stands =
            id.is_none_or(|id| self.last_id.is_some_and(|last| last.epoch == id.epoch && id.seq <= last.seq));
        if stands {
            self.pending.retain(|pending| pending.key != key);
        } else if let Some(pending) = self.pending.iter_mut().find(|pending| pending.key == key) {
            pending.confirmed = id;
        }
    }

    /// The relay refused the line with this key.
    pub fn failed(&mut self, key: &str, reason: String) {
        self.set_state(key, SendState::Failed(reason));
    }

    /// Tries a refused line again.
    pub fn retry(&mut self, key: &str) {
        self.set_state(key, SendState::Waiting);
    }

    /// Gives a refused line up.
    pub fn discard(&mut self, key: &str) {
        self.pending.retain(|pending| pending.key != key);
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &RoomRow> {
        self.rows.iter()
    }

    /// The lines that are not confirmed yet, oldest first.
    #[must_use]
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// A line of this page that has come back needs no confirmation any more. Without an id to go by, the oldest
    /// one that was sent with the same text is the one: the relay keeps the order of a user's lines.
    fn settle(&mut self, line: &ChatLine) {
        let Membership::Inside(name) = &self.membership else { return };
        let ChatLineKind::Said { text } = &line.kind else { return };
        if line.name != *name {
            return;
        }
        let by_id = self.pending.iter().position(|pending| pending.confirmed == Some(line.id));
        let by_text = || {
            self.pending.iter().position(|pending| {
                pending.confirmed.is_none() && pending.state == SendState::Sent && pending.text == *text
            })
        };
        if let Some(i) = by_id.or_else(by_text) {
            self.pending.remove(i);
        }
    }

    fn set_state(&mut self, key: &str, state: SendState) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.key == key) {
            pending.state = state;
        }
    }

    fn push_gap(&mut self, text: String) {
        self.n_gaps += 1;
        self.push(RoomRow::Gap { number: self.n_gaps, text });
    }

    fn push(&mut self, row: RoomRow) {
        self.rows.push_back(row);
        if LINES_MAX < self.rows.len() {
            self.rows.pop_front();
            if self.past == Past::Beginning {
                self.past = Past::Unknown;
            }
        }
    }
}

#[cfg(test)]
mod tests;
