//! The rooms on the engine: each is a channel, `/topic/chat/<room>`, on which its lines go out as JSON and programs post
//! theirs (docs/protocol.md §4, "Rooms on the broker"). Knows no socket and no frames.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_shared::chat::{
    CHANNEL_PREFIX, ChatLine, KEY_BYTES_MAX, LINE_BYTES_MAX, check_name, neutralise,
};
use signalbox_shared::{ChannelName, EventId};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::member::Reader;
use super::rate::Bucket;
use super::room::Room;
use super::stats::PostRefusal;
use super::{Chat, Entry, History};
use crate::engine::{Engine, Mode, Subscription};
use crate::limits::Limits;

/// How often rooms are looked at that nobody is in and nothing is left of.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);
/// How long to wait before a channel is asked for again that was refused.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// Most posts taken at once.
const POSTS_MAX: usize = 64;
/// Most bytes of posts taken at once, but at least one post.
const POST_BYTES_MAX: usize = 256 * 1024;

/// A line on its channel.
#[derive(Serialize)]
struct Line<'a> {
    room: &'a str,
    #[serde(flatten)]
    line: &'a ChatLine,
}

/// What a program posts, or a line that comes back.
#[derive(Deserialize)]
struct Incoming {
    id: Option<EventId>,
    name: Option<String>,
    text: Option<String>,
    key: Option<String>,
}

/// Keeps every room's channel until `shutdown` is cancelled.
pub async fn serve(chat: Arc<Chat>, engine: Engine, limits: Arc<Limits>, shutdown: CancellationToken) {
    let mut rooms: HashMap<u64, DropGuard> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut ticks = interval(FORGET_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (now, mut opened) = chat.follow_rooms();
        // Every room has an epoch of its own, also one that is opened anew under an old name.
        rooms.retain(|epoch, _| now.iter().any(|room| room.epoch() == *epoch));
        for room in now {
            rooms.entry(room.epoch()).or_insert_with(|| {
                let end = CancellationToken::new();
                let bridge = Bridge::new(room, engine.clone(), &limits);
                tasks.spawn(end.clone().run_until_cancelled_owned(bridge.run()));
                end.drop_guard()
            });
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = opened.changed() => {}
            _ = ticks.tick() => chat.forget_expired(),
            // A task that has ended leaves its place.
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// One room's channel.
struct Bridge {
    room: Arc<Room>,
    engine: Engine,
    posts: Bucket,
    /// The newest line that was given to the channel, and the newest that came back from it.
    last_out: EventId,
    last_back: u64,
}

impl Bridge {
    fn new(room: Arc<Room>, engine: Engine, limits: &Limits) -> Self {
        let per_sec = limits.chat_posts_per_sec;
        let posts = Bucket::new(per_sec, per_sec.saturating_mul(5), Instant::now());
        Self { room, engine, posts, last_out: EventId { epoch: 0, seq: 0 }, last_back: 0 }
    }

    async fn run(mut self) {
        let Ok(channel) = format!("{CHANNEL_PREFIX}{}", self.room.name()).parse::<ChannelName>() else {
            return;
        };
        let (_, mut reader) = self.room.look(History::Newest(0));
        let mut subscription = loop {
            match self.engine.subscribe(&channel, Mode::Consume) {
                Ok(subscription) => break subscription,
                Err(error) => {
                    tracing::warn!(%channel, %error, "chat: {channel} is not to be had: {error}");
                    sleep(RETRY_INTERVAL).await;
                }
            }
        };
        loop {
            self.step(&channel, &mut reader, &mut subscription).await;
        }
    }

    async fn step(&mut self, channel: &ChannelName, reader: &mut Reader, subscription: &mut Subscription) {
        tokio::select! {
            entries = reader.next() => match entries {
                Ok(entries) => {
                    for entry in &entries {
                        self.give(channel, entry).await;
                    }
                }
                Err(lagged) => self.room.counters.not_posted.add(lagged.n_skipped),
            },
            batch = subscription.next_at_most(POSTS_MAX, POST_BYTES_MAX) => {
                batch.payloads().for_each(|payload| self.take(payload));
                self.room.counters.posts_refused[PostRefusal::Missed as usize].add(batch.n_dropped());
            }
        }
    }

    async fn give(&mut self, channel: &ChannelName, entry: &Entry) {
        let line = Line { room: self.room.name(), line: &entry.line };
        let id = entry.line.id;
        // Before it is given: it may come back first.
        self.last_out = id;
        let given = match serde_json::to_vec(&line) {
            Ok(json) => {
                self.engine.publish(channel, &json).await.map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = given {
            self.room.counters.not_posted.add(1);
            tracing::debug!(%channel, %id, "chat: line {id} was not given to {channel}: {error}");
        }
    }

    fn take(&mut self, payload: &[u8]) {
        match self.try_take(payload) {
            Ok(true) => self.room.counters.posted.add(1),
            Ok(false) => {}
            Err(refusal) => {
                self.room.counters.posts_refused[refusal as usize].add(1);
                let (room, reason) = (self.room.name(), refusal.reason());
                tracing::debug!(room, reason, "chat: a post to {room} was refused: {reason}");
            }
        }
    }

    /// Whether it became a line; it did not when it is one already.
    fn try_take(&mut self, payload: &[u8]) -> Result<bool, PostRefusal> {
        let Incoming { id, name, text, key } =
            serde_json::from_slice(payload).map_err(|_| PostRefusal::NotAPost)?;
        if let Some(id) = id {
            // Own lines come back in their order, each once. Anything else that has an id only looks like a line.
            let is_own =
                id.epoch == self.last_out.epoch && self.last_back < id.seq && id.seq <= self.last_out.seq;
            self.last_back = if is_own { id.seq } else { self.last_back };
            return if is_own { Ok(false) } else { Err(PostRefusal::ForeignLine) };
        }
        let (Some(name), Some(text)) = (name, text) else { return Err(PostRefusal::NotAPost) };
        let name = check_name(&name).map_err(|_| PostRefusal::BadName)?;
        if LINE_BYTES_MAX < text.len()
            || text.contains('\n')
            || key.as_ref().is_some_and(|key| KEY_BYTES_MAX < key.len())
        {
            return Err(PostRefusal::BadLine);
        }
        if key.as_ref().is_some_and(|key| self.room.said_with(name, key).is_some()) {
            self.room.counters.repeated.add(1);
            return Ok(false);
        }
        self.posts.take(Instant::now()).map_err(|_| PostRefusal::TooFast)?;
        let id = self.room.post(name, &neutralise(&text), key.as_deref());
        id.map(|_| true).ok_or(PostRefusal::NameInUse)
    }
}
