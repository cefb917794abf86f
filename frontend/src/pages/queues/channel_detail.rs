//! The channel itself: who receives and who publishes, how fast, within which bounds; and emptying it.

use leptos::prelude::*;
use signalbox_shared::detail::{ChannelLimits, ConsumerRole, ConsumerRow, PublisherRow, SENDERS_MAX};
use signalbox_shared::{ChannelKind, ChannelName};

use super::channel_chart::ChannelChart;
use super::purge::Purge;
use super::tells_statistics;
use super::why::Why;
use crate::control::use_control;
use crate::state::{units, visible};

/// What stands for a figure that nobody knows.
const UNKNOWN: &str = "unknown";

/// What the figures of a channel say.
const MEANINGS: [(&str, &str); 8] = [
    ("Published", "Messages that came to the channel"),
    ("Handed on", "Messages handed to subscribers: one that goes to three of them counts three times"),
    ("Waiting", "Messages of a queue that no subscriber had room for yet"),
    ("Dropped", "Messages that a topic's subscriber lost because it did not read: its outbox was full"),
    ("Unrouted", "Messages of a topic that had no subscriber and were discarded"),
    ("Purged", "Messages that were removed from a queue by hand"),
    ("Subscribers", "Connections that take part in the delivery"),
    ("Watching", "Taps, such as this page: they see copies and take nothing away"),
];

/// The page of a channel.
#[component]
pub fn ChannelPage(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let is_told = tells_statistics(&control);
    let is_queue = channel.kind() == ChannelKind::Queue;
    view! {
        <div class="channel-page">
            <section aria-label="Rates">
                {move || if is_told.get() {
                    view! { <ChannelChart title="Messages" unit="/s" metric="rate" store=control.stores.rates /> }.into_any()
                } else {
                    note("Unknown: the engine does not tell how many messages come and go.").into_any()
                }}
            </section>
            <Totals channel=channel.clone() />
            <Consumers />
            <Publishers />
            <Limits />
            {is_queue.then(|| view! { <Purge channel /> })}
        </div>
    }
}

/// What has become of the channel's messages so far.
#[component]
fn Totals(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let channels = use_control().stores.channels;
    let row = Memo::new(move |_| channels.with(|channels| channels.row(&channel).cloned()));
    let entry = |title: &'static str, n: Option<u64>| {
        let text = n.map_or_else(|| UNKNOWN.to_owned(), units::count);
        view! { <div class="figure" class:unknown=n.is_none()><dt>{title}</dt><dd>{text}</dd></div> }
    };
    let list = move || {
        match row.get() {
        None => view! { <p class="quiet-note">"Nobody uses this channel now."</p> }.into_any(),
        Some(row) => view! {
            <dl class="figures">
                {entry("Published", row.in_total)}
                {entry("Handed on", row.out_total)}
                {entry("Waiting", row.depth)}
                {entry("Dropped", row.dropped)}
                {entry("Unrouted", row.unrouted)}
                {entry("Purged", row.purged)}
                {entry("Subscribers", row.subscribers)}
                {entry("Watching", row.taps)}
            </dl>
            {row.seen.map(|seen| view! {
                <p class="quiet-note">
                    {format!(
                        "The engine gives no statistics. This relay itself saw {} come ({}) and published {} ({}).",
                        units::counted(seen.received, "message", "messages"),
                        units::per_sec(seen.received_per_sec),
                        units::counted(seen.published, "message", "messages"),
                        units::per_sec(seen.published_per_sec),
                    )}
                </p>
            })}
        }
        .into_any(),
    }
    };
    view! {
        <section aria-label="Messages so far">
            {list}
            <Why label="What these figures say" entries=MEANINGS.to_vec() />
        </section>
    }
}

#[component]
fn Consumers() -> impl IntoView {
    let stores = use_control().stores;
    let detail = stores.detail;
    let clock = stores.clock_ms;
    let consumers = Memo::new(move |_| {
        detail.with(|detail| detail.as_ref().map(|detail| (detail.consumers.clone(), detail.n_consumers)))
    });
    let row = move |row: ConsumerRow| {
        let now_ms = clock.get();
        let role = match row.role {
            ConsumerRole::Subscriber => "subscriber",
            ConsumerRole::Tap => "watches",
        };
        let is_slow = row.slow_since_ms.is_some();
        let slow = row.slow_since_ms.map(|at_ms| format!("slow for {}", units::age(now_ms - at_ms)));
        let last =
            row.last_delivery_at_ms.map_or_else(|| "never".to_owned(), |at_ms| units::age(now_ms - at_ms));
        view! {
            <tr>
                <th scope="row">{visible::line(row.peer.as_bytes())}</th>
                <td>{role}</td>
                <td class="number">{units::count(row.queued_messages)}" · "{units::bytes(row.queued_bytes)}</td>
                <td class="number">{units::count(row.delivered)}</td>
                <td class="number" class:bad=row.dropped != 0>{units::count(row.dropped)}</td>
                <td class="number">{last}</td>
                <td class:bad=is_slow>{slow.unwrap_or_else(|| "–".to_owned())}</td>
            </tr>
        }
    };
    let table = move || {
        match consumers.get() {
        None => waiting().into_any(),
        Some((None, _)) => note("Unknown: the engine does not tell who receives.").into_any(),
        Some((Some(rows), _)) if rows.is_empty() => note("Nobody receives from this channel.").into_any(),
        Some((Some(rows), n)) => view! {
            <div class="table-scroll">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Address"</th><th scope="col">"Role"</th>
                        <th scope="col" class="number">"Backlog"</th><th scope="col" class="number">"Delivered"</th>
                        <th scope="col" class="number">"Dropped"</th><th scope="col" class="number">"Last delivery"</th>
                        <th scope="col">"Slow"</th>
                    </tr></thead>
                    <tbody>{rows.iter().cloned().map(&row).collect_view()}</tbody>
                </table>
            </div>
            {more(n, rows.len())}
        }
        .into_any(),
    }
    };
    view! { <section aria-labelledby="consumers-title"><h3 id="consumers-title">"Consumers"</h3>{table}</section> }
}

#[component]
fn Publishers() -> impl IntoView {
    let stores = use_control().stores;
    let (detail, clock) = (stores.detail, stores.clock_ms);
    let publishers = Memo::new(move |_| {
        detail.with(|detail| detail.as_ref().map(|detail| (detail.publishers.clone(), detail.n_publishers)))
    });
    let row = move |row: PublisherRow| {
        let last = units::age(clock.get() - row.last_publish_at_ms);
        view! {
            <tr>
                <th scope="row">{visible::line(row.peer.as_bytes())}</th>
                <td class="number">{units::count(row.published)}</td>
                <td class="number">{last}</td>
                <td class:bad=row.is_held>{if row.is_held { "held: the queue is full" } else { "–" }}</td>
            </tr>
        }
    };
    let table = move || match publishers.get() {
        None => waiting().into_any(),
        Some((None, _)) => note("Unknown: the engine does not tell who publishes.").into_any(),
        Some((Some(rows), _)) if rows.is_empty() => {
            note("Nobody who is connected has published here.").into_any()
        }
        Some((Some(rows), n)) => view! {
            <div class="table-scroll">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Address"</th><th scope="col" class="number">"Published"</th>
                        <th scope="col" class="number">"Last"</th><th scope="col">"Held"</th>
                    </tr></thead>
                    <tbody>{rows.iter().cloned().map(&row).collect_view()}</tbody>
                </table>
            </div>
            {more(n, rows.len())}
            {n.is_none().then(|| {
                let n_max = units::count(SENDERS_MAX as u64);
                note(format!("There are more: the broker lists no more than {n_max}."))
            })}
        }
        .into_any(),
    };
    view! { <section aria-labelledby="publishers-title"><h3 id="publishers-title">"Publishers"</h3>{table}</section> }
}

/// A sentence in place of a table, or below it.
fn note(text: impl Into<String>) -> impl IntoView {
    view! { <p class="quiet-note">{text.into()}</p> }
}

fn waiting() -> impl IntoView {
    note("Waiting for the relay …")
}

/// How many there are besides those that are listed.
fn more(n: Option<u64>, n_listed: usize) -> Option<impl IntoView + use<>> {
    let n = n?.saturating_sub(n_listed as u64);
    (0 < n).then(|| note(format!("{} more are not listed.", units::count(n))))
}

#[component]
fn Limits() -> impl IntoView {
    let detail = use_control().stores.detail;
    let limits = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(|detail| detail.limits)));
    let list = move || limits.get().map(limit_list);
    view! { <section aria-labelledby="limits-title"><h3 id="limits-title">"Limits"</h3>{list}</section> }
}

fn limit_list(limits: ChannelLimits) -> impl IntoView {
    let entry = |title: &'static str, text: Option<String>| {
        let is_unknown = text.is_none();
        let text = text.unwrap_or_else(|| "unknown or none".to_owned());
        view! { <div class="figure" class:unknown=is_unknown><dt>{title}</dt><dd>{text}</dd></div> }
    };
    let count = |n: Option<u64>| n.map(units::count);
    let bytes = |n: Option<u64>| n.map(units::bytes);
    view! {
        <dl class="figures">
            {entry("Largest message", bytes(limits.frame_bytes))}
            {entry("Waiting per subscriber", count(limits.outbox_messages))}
            {entry("Bytes per subscriber", bytes(limits.outbox_bytes))}
            {entry("Waiting in the queue", count(limits.backlog_messages))}
            {entry("Bytes in the queue", bytes(limits.backlog_bytes))}
            {entry("Forgotten after", limits.idle_secs.map(|secs| units::age(i64::try_from(secs).unwrap_or(i64::MAX / 1_000) * 1_000)))}
        </dl>
    }
}
