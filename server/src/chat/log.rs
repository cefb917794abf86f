//! A room's bounded log: numbered entries, the oldest forgotten first. Pure: no lock, no clock, no users.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLine, ChatLineKind};
use signalbox_shared::feed::GapReason;
use signalbox_shared::socket::ChatGap;

use super::entry::Entry;

/// How much a log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogBounds {
    /// Entries that can be asked for as history.
    pub(super) history_lines: usize,
    /// Entries kept for members who are behind, also when that is more than the history.
    pub(super) reader_lines: usize,
    /// Memory of all entries, in bytes.
    pub(super) bytes: usize,
    /// Age at which an entry is forgotten, in milliseconds.
    pub(super) age_ms: i64,
}

/// The entries of a room.
pub(super) struct Log {
    room: Arc<str>,
    epoch: u64,
    bounds: LogBounds,
    entries: VecDeque<Arc<Entry>>,
    /// Seq of the newest entry there ever was; 0 before the first.
    head: u64,
    bytes: usize,
    /// The seq of each kept line that was said with a key, by [`key_of`].
    keys: HashMap<Box<str>, u64>,
}

/// Where somebody begins to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The entry after this one comes first.
    pub(super) cursor: u64,
    /// What is missing before it.
    pub(super) gap: Option<ChatGap>,
}

impl Log {
    pub(super) fn new(room: Arc<str>, epoch: u64, bounds: LogBounds) -> Self {
        Self { room, epoch, bounds, entries: VecDeque::new(), head: 0, bytes: 0, keys: HashMap::new() }
    }

    /// Takes back what was kept of an earlier run: lines with contiguous seqs, the first of them after `before`.
    pub(super) fn restore(&mut self, before: u64, records: Vec<(ChatLine, Option<Box<str>>)>, now_ms: i64) {
        self.head = before;
        for (line, key) in records {
            self.head = line.id.seq;
            self.keep(line, key);
        }
        self.forget_old(now_ms);
    }

    /// Seq of the newest entry there ever was.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn newest_at_ms(&self) -> Option<i64> {
        self.entries.back().map(|entry| entry.line.at_ms)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends an entry and forgets what is over the bounds.
    pub(super) fn push(
        &mut self,
        at_ms: i64,
        name: &str,
        kind: ChatLineKind,
        key: Option<Box<str>>,
    ) -> Arc<Entry> {
        self.head += 1;
        let id = EventId { epoch: self.epoch, seq: self.head };
        let line = ChatLine { id, at_ms, name: name.to_owned(), kind };
        let entry = self.keep(line, key);
        self.forget_old(at_ms);
        entry
    }

    fn keep(&mut self, line: ChatLine, key: Option<Box<str>>) -> Arc<Entry> {
        if let Some(key) = &key {
            self.keys.insert(key_of(&line.name, key), line.id.seq);
        }
        let entry = Arc::new(Entry::new(Arc::clone(&self.room), line, key));
        self.bytes += entry.kept_bytes();
        self.entries.push_back(Arc::clone(&entry));
        entry
    }

    /// Forgets what is over the bounds at `now_ms`.
    pub(super) fn forget_old(&mut self, now_ms: i64) {
        let n_max = self.bounds.history_lines.max(self.bounds.reader_lines);
        while let Some(oldest) = self.entries.front() {
            let is_too_old = oldest.line.at_ms < now_ms.saturating_sub(self.bounds.age_ms);
            if self.entries.len() <= n_max && self.bytes <= self.bounds.bytes && !is_too_old {
                break;
            }
            self.bytes -= oldest.kept_bytes();
            if let Some(key) = &oldest.key {
                self.keys.remove(&key_of(&oldest.line.name, key));
            }
            self.entries.pop_front();
        }
    }

    /// The line that `name` has said with `key`, while it is kept.
    pub(super) fn said_with(&self, name: &str, key: &str) -> Option<EventId> {
        let seq = *self.keys.get(&key_of(name, key))?;
        Some(EventId { epoch: self.epoch, seq })
    }

    /// Where to begin for the newest `n_lines`, of at most `n_bytes` of text.
    pub(super) fn start_newest(&self, n_lines: usize, n_bytes: usize) -> Start {
        let mut n_bytes_left = n_bytes;
        let n_fitting = self
            .entries
            .iter()
            .rev()
            .take(n_lines.min(self.bounds.history_lines))
            .take_while(|entry| {
                let fits = entry.text_bytes() <= n_bytes_left;
                n_bytes_left = n_bytes_left.saturating_sub(entry.text_bytes());
                fits
            })
            .count();
        Start { cursor: self.head - n_fitting as u64, gap: None }
    }

    /// Where to begin for everything after `since`; none when `since` is of another history, so that there is no
    /// telling what came after it.
    pub(super) fn start_since(&self, since: EventId) -> Option<Start> {
        if since.epoch != self.epoch || self.head < since.seq {
            return None;
        }
        let n_history = self.entries.len().min(self.bounds.history_lines) as u64;
        let oldest = self.head - n_history;
        let n_lost = oldest.saturating_sub(since.seq);
        let gap = (0 < n_lost).then_some(ChatGap { n_lost: Some(n_lost), reason: GapReason::TooOld });
        Some(Start { cursor: since.seq.max(oldest), gap })
    }

    /// The newest lines before `id`, oldest first, at most `n_lines` and `n_bytes` of text, and whether there are older
    /// ones still. Nothing when `id` is of another history.
    pub(super) fn before(&self, id: EventId, n_lines: usize, n_bytes: usize) -> (Vec<Arc<Entry>>, bool) {
        if id.epoch != self.epoch || self.head < id.seq {
            return (Vec::new(), false);
        }
        let n_history = self.entries.len().min(self.bounds.history_lines);
        let first = self.entries.len() - n_history;
        let oldest = self.head - n_history as u64;
        let n_before =
            usize::try_from(id.seq.saturating_sub(oldest + 1)).unwrap_or(usize::MAX).min(n_history);
        let mut n_bytes_left = n_bytes;
        let mut taken: Vec<Arc<Entry>> = Vec::new();
        for entry in self.entries.range(first..first + n_before).rev().take(n_lines) {
            if !taken.is_empty() && n_bytes_left < entry.text_bytes() {
                break;
            }
            n_bytes_left = n_bytes_left.saturating_sub(entry.text_bytes());
            taken.push(Arc::clone(entry));
        }
        taken.reverse();
        let has_more = taken.len() < n_before;
        (taken, has_more)
    }

    /// What came after `cursor`, oldest first, at most `n_lines` and `n_bytes` of text, but at least one when there
    /// is one.
    ///
    /// # Errors
    /// How many are no more, when the first of them was already forgotten.
    pub(super) fn after(&self, cursor: u64, n_lines: usize, n_bytes: usize) -> Result<Vec<Arc<Entry>>, u64> {
        let oldest = self.head - self.entries.len() as u64;
        if cursor < oldest {
            return Err(oldest - cursor);
        }
        let first = usize::try_from(cursor - oldest).unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        let mut n_bytes_left = n_bytes;
        for entry in self.entries.iter().skip(first).take(n_lines) {
            if !taken.is_empty() && n_bytes_left < entry.text_bytes() {
                break;
            }
            n_bytes_left = n_bytes_left.saturating_sub(entry.text_bytes());
            taken.push(Arc::clone(entry));
        }
        Ok(taken)
    }

    /// Everything that came after `cursor`; nothing when that is more than one reading gives.
    pub(super) fn all_after(&self, cursor: u64, n_lines: usize, n_bytes: usize) -> Vec<Arc<Entry>> {
        let is_all = |entries: &Vec<_>| cursor + entries.len() as u64 == self.head;
        self.after(cursor, n_lines, n_bytes).ok().filter(is_all).unwrap_or_default()
    }
}

/// A name holds no control character, so NUL keeps every pair apart from every other.
fn key_of(name: &str, key: &str) -> Box<str> {
    format!("{name}\0{key}").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: LogBounds =
        LogBounds { history_lines: 4, reader_lines: 4, bytes: usize::MAX, age_ms: 1_000 };

    fn log_of(n_lines: u64, bounds: LogBounds) -> Log {
        let mut log = Log::new("lobby".into(), 7, bounds);
        for n in 1..=n_lines {
            log.push(0, "ada", ChatLineKind::Said { text: n.to_string() }, Some(n.to_string().into()));
        }
        log
    }

    fn seqs(log: &Log, cursor: u64) -> Result<Vec<u64>, u64> {
        let entries = log.after(cursor, usize::MAX, usize::MAX)?;
        Ok(entries.iter().map(|entry| entry.line.id.seq).collect())
    }

    #[test]
    fn keeps_the_newest_by_count_bytes_and_age() {
        assert_eq!(seqs(&log_of(6, BOUNDS), 2), Ok(vec![3, 4, 5, 6]));
        assert_eq!(seqs(&log_of(6, BOUNDS), 1), Err(1));
        let one = log_of(1, BOUNDS).bytes;
        assert_eq!(seqs(&log_of(6, LogBounds { bytes: 2 * one, ..BOUNDS }), 4), Ok(vec![5, 6]));
        let mut log = log_of(3, BOUNDS);
        log.forget_old(1_000);
        assert_eq!(seqs(&log, 0), Ok(vec![1, 2, 3]));
        log.forget_old(1_001);
        assert_eq!(seqs(&log, 3), Ok(vec![]));
        assert_eq!((log.bytes, log.keys.len()), (0, 0));
    }

    #[test]
    fn a_resume_goes_on_or_says_what_is_missing() {
        let log = log_of(6, BOUNDS);
        let check = |epoch, seq, expected: Option<(u64, Option<u64>)>| {
            let start = log.start_since(EventId { epoch, seq });
            assert_eq!(
                start.map(|s| (s.cursor, s.gap.and_then(|gap| gap.n_lost))),
                expected,
                "{epoch}-{seq}"
            );
        };
        check(7, 6, Some((6, None)));
        check(7, 4, Some((4, None)));
        check(7, 2, Some((2, None)));
        check(7, 1, Some((2, Some(1))));
        check(7, 0, Some((2, Some(2))));
        check(7, 7, None);
        check(8, 5, None);
    }

    #[test]
    fn a_key_is_known_as_long_as_its_line() {
        let log = log_of(6, BOUNDS);
        assert_eq!(log.said_with("ada", "6"), Some(EventId { epoch: 7, seq: 6 }));
        assert_eq!(log.said_with("bob", "6"), None);
        assert_eq!(log.said_with("ada", "2"), None);
    }

    #[test]
    fn the_newest_are_bounded_in_lines_and_bytes() {
        let log = log_of(6, BOUNDS);
        assert_eq!(log.start_newest(2, usize::MAX).cursor, 4);
        assert_eq!(log.start_newest(100, usize::MAX).cursor, 2);
        assert_eq!(log.start_newest(100, 3 * "ada1".len()).cursor, 3);
        assert_eq!(log.start_newest(0, usize::MAX).cursor, 6);
    }

    #[test]
    fn the_past_is_read_backwards_in_pieces() {
        let log = log_of(6, BOUNDS);
        let check = |seq, n_lines, n_bytes, expected: (&[u64], bool)| {
            let (entries, has_more) = log.before(EventId { epoch: 7, seq }, n_lines, n_bytes);
            let seqs: Vec<u64> = entries.iter().map(|entry| entry.line.id.seq).collect();
            assert_eq!((&*seqs, has_more), expected, "{seq}");
        };
        check(6, 2, usize::MAX, (&[4, 5], true));
        check(4, 2, usize::MAX, (&[3], false));
        check(6, 9, 0, (&[5], true));
        check(3, 9, usize::MAX, (&[], false));
        check(1, 9, usize::MAX, (&[], false));
        check(0, 9, usize::MAX, (&[], false));
        check(7, 9, usize::MAX, (&[], false));
        assert!(log.before(EventId { epoch: 8, seq: 6 }, 9, 9).0.is_empty());
    }

    #[test]
    fn a_short_history_still_serves_readers_who_are_behind() {
        let log = log_of(6, LogBounds { history_lines: 1, ..BOUNDS });
        assert_eq!(log.start_newest(100, usize::MAX).cursor, 5);
        assert_eq!(seqs(&log, 2), Ok(vec![3, 4, 5, 6]));
    }

    proptest! {
        /// Against the naive way: everything that was ever said, of which the last ones are kept.
        #[test]
        fn reading_in_pieces_gives_what_was_said(
            n_said in 0_u64..60, n_kept in 1_usize..20, since in 0_u64..60, n_lines in 1_usize..7, n_bytes in 0_usize..40,
        ) {
            let bounds = LogBounds { history_lines: n_kept, reader_lines: n_kept, ..BOUNDS };
            let log = log_of(n_said, bounds);
            let Some(start) = log.start_since(EventId { epoch: 7, seq: since }) else {
                prop_assert!(n_said < since);
                return Ok(());
            };
            let first_kept = n_said.saturating_sub(n_kept as u64) + 1;
            let n_lost = (since + 1..first_kept).count() as u64;
            prop_assert_eq!(start.gap.and_then(|gap| gap.n_lost).unwrap_or(0), n_lost);
            let mut read = Vec::new();
            let mut cursor = start.cursor;
            loop {
                let piece = log.after(cursor, n_lines, n_bytes).unwrap();
                prop_assert!(piece.len() <= n_lines);
                let Some(last) = piece.last() else { break };
                cursor = last.line.id.seq;
                read.extend(piece.iter().map(|entry| entry.line.id.seq));
            }
            prop_assert_eq!(read, (first_kept.max(since + 1)..=n_said).collect::<Vec<_>>());
        }
    }
}
