//! Everything the views watch, in one place that outlives every view.

use std::collections::BTreeMap;

use leptos::prelude::{ArcRwSignal, Owner};
use signalbox_shared::ChannelName;
use signalbox_shared::api::Features;
use signalbox_shared::chat::ChatRoomRow;
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::engine::EngineInfo;
use signalbox_shared::socket::SocketLimits;

use super::live::Live;
use super::rest::Arrival;
use crate::chart::store::StoreBounds;
use crate::chart::store_handle::StoreHandle;
use crate::state::agents::{AGENTS_MAX, Agents, METRICS_MAX};
use crate::state::alerts::Alerts;
use crate::state::changes::Changes;
use crate::state::channels::Channels;
use crate::state::chat_rooms::ChatRooms;
use crate::state::field_charts::FieldCharts;
use crate::state::marks::Marks;
use crate::state::metrics_query::{FixedRange, WINDOW_SECS_DEFAULT};
use crate::state::news_board::NewsBoard;
use crate::state::past::PastState;
use crate::state::patrons::Patrons;
use crate::state::publishes::Publishes;
use crate::state::refusals::Refusals;
use crate::state::repeat::Repeat;
use crate::state::route::{Query, View};
use crate::state::series_choice::SeriesChoice;
use crate::state::stream::StreamState;
use crate::state::tail::Tail;
use crate::state::time_cursor::TimeCursor;

/// What the store of the past holds at most: as the other one, with half the memory, for its points are few.
const PAST_BOUNDS: StoreBounds = StoreBounds {
    agents_max: AGENTS_MAX,
    metrics_max: METRICS_MAX,
    points_max: 4_096,
    points_total_max: 2 * 1_024 * 1_024,
};

/// Of the agents' readings the views are told this often at most, in milliseconds: faster nobody can read a table.
pub(super) const AGENTS_BEAT_MS: f64 = 1_000.0;

/// What the relay said of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// Signalbox's version on the relay.
    pub version: String,
    /// What the relay can do.
    pub features: Features,
    /// The bounds that the page must know.
    pub limits: SocketLimits,
}

/// What the charts of one channel hold: two rates or a few fields, an hour at one point a second.
const CHANNEL_BOUNDS: StoreBounds =
    StoreBounds { agents_max: 2, metrics_max: 8, points_max: 4_096, points_total_max: 64 * 1_024 };

/// The message that is read, as far as its payload has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Which row of the tail ([`crate::state::tail::TailItem::serial`]).
    pub serial: u64,
    /// What has come, from the first byte on.
    pub bytes: Vec<u8>,
    /// The whole payload's size in bytes.
    pub size_bytes: u64,
    /// Whether the rest is on its way.
    pub is_fetching: bool,
    /// Why it could not be had.
    pub failure: Option<String>,
}

impl Whole {
    /// Whether all of it is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.size_bytes <= self.bytes.len() as u64
    }
}

/// The page's state.
#[derive(Clone)]
pub struct Stores {
    /// Which view is shown.
    pub view: ArcRwSignal<View>,
    /// How that view is set; changed by [`crate::control::Control::set_query`].
    pub query: ArcRwSignal<Query>,
    /// The page's clock in milliseconds since the Unix epoch, once a second.
    pub clock_ms: ArcRwSignal<i64>,
    /// How the feed fares.
    pub feed: Live<StreamState>,
    /// How the socket fares.
    pub socket: Live<StreamState>,
    /// What the relay said of itself.
    pub hello: Live<Option<Hello>>,
    /// The agents.
    pub agents: Live<Agents>,
    /// The agents' readings over time, for the charts.
    pub series: StoreHandle,
    /// The moment that is looked at, in every view.
    pub cursor: Live<TimeCursor>,
    /// Seconds from the left to the right edge of the charts.
    pub window_secs: ArcRwSignal<f64>,
    /// Which agents' lines are drawn.
    pub choice: ArcRwSignal<SeriesChoice>,
    /// Fixed ranges of the charts' values, by the metrics' keys.
    pub ranges: ArcRwSignal<BTreeMap<String, FixedRange>>,
    /// Readings of a part of time that `series` does not hold, in steps.
    pub past: StoreHandle,
    /// What `past` holds, and whether the charts show it.
    pub past_state: Live<PastState>,
    /// How many samples there were when the page was paused.
    pub n_samples_at_pause: ArcRwSignal<u64>,
    /// The alert rules and who is in alert.
    pub alerts: Live<Alerts>,
    /// What happened when.
    pub marks: Live<Marks>,
    /// When the relay's history began anew while the page was open, by the relay's clock.
    pub anew_at_ms: Live<Option<i64>>,
    /// What the collector did not take.
    pub refusals: Live<Refusals>,
    /// Messages of the relay that did not decode, since the page was opened.
    pub n_undecodable: Live<u64>,
    /// The channels.
    pub channels: Live<Channels>,
    /// The chosen channel's messages.
    pub tail: Live<Option<Tail>>,
    /// The payload that was fetched whole.
    pub whole: Live<Option<Whole>>,
    /// What was published from here.
    pub publishes: Live<Publishes>,
    /// The rooms of the chat.
    pub chat: Live<ChatRooms>,
    /// The rooms that the relay has, as it told them last.
    pub rooms: Live<Vec<ChatRoomRow>>,
    /// Where line clients find the chat, HOST:PORT, once it is known.
    pub line_chat: Live<Option<String>>,
    /// A message that is sent many times.
    pub repeat: Live<Option<Repeat>>,
    /// What routes the messages, and whether it can be reached.
    pub engine: Live<EngineInfo>,
    /// The chosen channel seen from near.
    pub detail: Live<Option<ChannelDetail>>,
    /// The chosen channel's rates over time: lines `in` and `out` of the metric `rate`.
    pub rates: StoreHandle,
    /// Fields of the chosen channel's messages that are charted.
    pub fields: Live<FieldCharts>,
    /// Their values over time: line `value` of a metric per path.
    pub field_series: StoreHandle,
    /// The changes of the database.
    pub changes: Live<Changes>,
    /// The table of patrons.
    pub patrons: Live<Patrons>,
    /// Headlines.
    pub news: Live<NewsBoard>,
    /// Host and port of a relay that is not where the page came from.
    pub elsewhere: Live<Option<String>>,
    /// The page's second piece.
    pub rest: ArcRwSignal<Arrival>,
    /// What is wrong with the page's configuration.
    pub trouble: Live<Option<String>>,
    /// Keeps `series` alive: it belongs to this owner and to no view.
    _owner: Owner,
}

impl Stores {
    /// Stores of a page that has nothing yet, except perhaps its second piece.
    pub(super) fn new(rest: Arrival) -> Self {
        let owner = Owner::new();
        Self {
            view: ArcRwSignal::new(View::default()),
            query: ArcRwSignal::default(),
            clock_ms: ArcRwSignal::new(crate::transport::now_ms()),
            feed: Live::new(StreamState::Connecting),
            socket: Live::new(StreamState::Connecting),
            hello: Live::default(),
            agents: Live::on_beat(Agents::default(), AGENTS_BEAT_MS),
            series: owner.with(|| StoreHandle::new(StoreBounds::default())),
            cursor: Live::default(),
            window_secs: ArcRwSignal::new(WINDOW_SECS_DEFAULT),
            choice: ArcRwSignal::default(),
            ranges: ArcRwSignal::default(),
            past: owner.with(|| StoreHandle::new(PAST_BOUNDS)),
            past_state: Live::default(),
            n_samples_at_pause: ArcRwSignal::default(),
            alerts: Live::default(),
            marks: Live::default(),
            anew_at_ms: Live::default(),
            refusals: Live::default(),
            n_undecodable: Live::default(),
            channels: Live::default(),
            tail: Live::default(),
            whole: Live::default(),
            publishes: Live::default(),
            repeat: Live::default(),
            engine: Live::default(),
            detail: Live::default(),
            rates: owner.with(|| StoreHandle::new(CHANNEL_BOUNDS)),
            fields: Live::default(),
            field_series: owner.with(|| StoreHandle::new(CHANNEL_BOUNDS)),
            chat: Live::default(),
            rooms: Live::default(),
            line_chat: Live::default(),
            changes: Live::default(),
            patrons: Live::default(),
            news: Live::default(),
            elsewhere: Live::default(),
            rest: ArcRwSignal::new(rest),
            trouble: Live::default(),
            _owner: owner,
        }
    }

    /// The channel whose tail is shown.
    #[must_use]
    pub fn tail_channel(&self) -> Option<ChannelName> {
        self.tail.peek(|tail| tail.as_ref().map(|tail| tail.channel.clone()))
    }
}
