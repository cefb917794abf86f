//! The chat rooms that one page is in.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatRoomRow, ChatVia, ROOM_ROWS_MAX};
use signalbox_shared::socket::ServerMessage;
use tokio::time::{Instant, sleep_until};

use super::streams::Streams;
use crate::chat::{
    Chat, Encoding, Entry, History, JoinError, Joined, Lagged, Member, Reader, SayError, Snapshot,
};
use crate::outlet::Outlet;

/// Lines that a page gets which enters a room without saying where it was.
const FIRST_LINES: usize = 200;
/// Lines that a page gets which reads on in the past.
const OLDER_LINES: usize = 200;
/// Shortest time between two lists of who is in a room.
const PRESENCE_INTERVAL_MIN: Duration = Duration::from_millis(500);
/// How much longer each user makes that time, so that a crowd that comes and goes costs a page the same few kilobytes a
/// second whatever its size.
const PRESENCE_INTERVAL_PER_USER: Duration = Duration::from_millis(5);
/// Longest such time.
const PRESENCE_INTERVAL_MAX: Duration = Duration::from_secs(10);

/// A page's places in rooms. Dropping it leaves them all.
pub(super) struct Rooms {
    /// Go before the members do: nobody is told of their own departure.
    streams: Streams<Arc<str>, RoomEvent>,
    members: HashMap<Arc<str>, Member>,
    is_idle: bool,
}

/// What a room has for the page.
pub(super) enum RoomEvent {
    Lines(Vec<Arc<Entry>>),
    Lagged(Lagged),
    /// The `chat_presence` message in JSON.
    Presence(Bytes),
}

impl Rooms {
    pub(super) fn new() -> Self {
        Self { members: HashMap::new(), streams: Streams::new(), is_idle: false }
    }

    /// Enters a room. A page that is there already under that name looks again from where it was, which is how it
    /// catches up after it lost lines; under another name it goes on under that one, if it can have it. Lines may go out by
    /// the outlet as soon as the page, which holds it, has been told.
    pub(super) fn join(
        &mut self,
        chat: &Chat,
        id: u64,
        room: &str,
        name: &str,
        since: Option<EventId>,
        outlet: Option<&Outlet>,
    ) -> Result<ServerMessage, JoinError> {
        let history = since.map_or(History::Newest(FIRST_LINES), History::Since);
        let (snapshot, mut reader) = match self.members.get(room) {
            Some(member) if member.name() == name.trim() => member.look(history),
            _ => {
                let Joined { member, reader, snapshot } = chat.join(room, name, ChatVia::Browser, history)?;
                member.set_idle(self.is_idle);
                // The old name, if there was one, is given up only now that the new one is had.
                self.members.insert(room.into(), member);
                (snapshot, reader)
            }
        };
        if let Some(outlet) = outlet {
            reader.send_by(outlet.clone(), Encoding::Frames);
        }
        self.streams.insert(room.into(), events(reader));
        let Snapshot { users, n_users, lines, gap } = snapshot;
        let lines = lines.iter().map(|entry| entry.line.clone()).collect();
        let (room, name) = (room.to_owned(), name.trim().to_owned());
        Ok(ServerMessage::ChatJoined { id, room, name, users, n_users, lines, gap })
    }

    /// The lines of a room before that one; none when the page is not there.
    pub(super) fn older(&self, id: u64, room: &str, before: EventId) -> Option<ServerMessage> {
        let (lines, has_more) = self.members.get(room)?.older(before, OLDER_LINES);
        let lines = lines.iter().map(|entry| entry.line.clone()).collect();
        Some(ServerMessage::ChatOlder { id, room: room.to_owned(), lines, has_more })
    }

    /// Tells every room whether somebody looks at the page.
    pub(super) fn set_idle(&mut self, is_idle: bool) {
        self.is_idle = is_idle;
        self.members.values().for_each(|member| member.set_idle(is_idle));
    }

    pub(super) fn leave(&mut self, room: &str) {
        if let Some((room, member)) = self.members.remove_entry(room) {
            self.streams.remove(&room);
            drop(member);
        }
    }

    /// Says a line in a room; none when the page is not there.
    pub(super) fn say(&mut self, room: &str, text: &str, key: &str) -> Option<Result<EventId, SayError>> {
        Some(self.members.get_mut(room)?.say(text, Some(key)))
    }

    /// Waits for what happens next in any of them; for ever when there are none.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> (Arc<str>, RoomEvent) {
        self.streams.next().await
    }
}

/// The answer to a page that asks which rooms there are.
pub(super) fn list(chat: &Chat, id: u64) -> ServerMessage {
    let rooms = chat.rooms();
    let n_rooms = rooms.len() as u64;
    let row = |(name, n_users)| ChatRoomRow { name, n_users };
    ServerMessage::ChatRooms { id, rooms: rooms.into_iter().map(row).take(ROOM_ROWS_MAX).collect(), n_rooms }
}

fn events(reader: Reader) -> impl Stream<Item = RoomEvent> + Send {
    let state = Follow { reader, presence_due: None, next_presence_at: Instant::now(), phase: next_phase() };
    stream::unfold(state, |mut state| async move { Some((state.next().await, state)) })
}

struct Follow {
    reader: Reader,
    presence_due: Option<Instant>,
    next_presence_at: Instant,
    /// Where in the time between two lists this page's own one falls, from 0 to 1: a crowd's pages must not all be sent
    /// theirs in the moment in which somebody goes.
    phase: f64,
}

impl Follow {
    async fn next(&mut self) -> RoomEvent {
        let presence_due = self.presence_due;
        let presence = async {
            match presence_due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What happened comes before the list that results from it.
            biased;
            read = self.reader.next_or_idleness() => match read {
                Ok(entries) => {
                    if entries.is_empty() || entries.iter().any(|entry| entry.changes_presence()) {
                        self.note_presence_change();
                    }
                    RoomEvent::Lines(entries)
                }
                Err(lagged) => {
                    self.note_presence_change();
                    RoomEvent::Lagged(lagged)
                }
            },
            () = presence => {
                self.presence_due = None;
                self.next_presence_at = Instant::now() + presence_interval(self.reader.n_users());
                RoomEvent::Presence(self.reader.presence_json())
            }
        }
    }

    fn note_presence_change(&mut self) {
        if self.presence_due.is_none() {
            let spread = presence_interval(self.reader.n_users()) - PRESENCE_INTERVAL_MIN;
            let due = Instant::now() + spread.mul_f64(self.phase);
            self.presence_due = Some(self.next_presence_at.max(due));
        }
    }
}

/// Evenly spread however many there are: steps of the golden ratio.
fn next_phase() -> f64 {
    static N_FOLLOWED: AtomicU32 = AtomicU32::new(0);
    let n = N_FOLLOWED.fetch_add(1, Ordering::Relaxed);
    f64::from(n.wrapping_mul(0x9e37_79b9)) / (f64::from(u32::MAX) + 1.0)
}

fn presence_interval(n_users: u64) -> Duration {
    let n_users = u32::try_from(n_users).unwrap_or(u32::MAX);
    PRESENCE_INTERVAL_PER_USER.saturating_mul(n_users).clamp(PRESENCE_INTERVAL_MIN, PRESENCE_INTERVAL_MAX)
}
