//! The channels and their figures. Rows come and go only while nobody points at the table, so that a click lands
//! where it was aimed.

use leptos::prelude::*;
use signalbox_shared::{ChannelKind, ChannelName};

use crate::app::use_control;
use crate::components::empty::Empty;
use crate::state::route::View;
use crate::state::units;

/// Most rows shown at a time: a filter finds the others.
const ROWS_MAX: usize = 200;

/// The table.
#[component]
pub fn ChannelTable(
    /// The channel whose messages are shown.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let stores = use_control().stores;
    let filter = RwSignal::new(String::new());
    let is_held = RwSignal::new(false);
    let channels = stores.channels.clone();
    // While the table is held, its list stays as it was; the figures go on.
    let names = Memo::new(move |old: Option<&Vec<ChannelName>>| {
        let needle = filter.get();
        let new = channels.with(|channels| channels.matching(&needle));
        match old {
            Some(old) if is_held.get() && !old.is_empty() => old.clone(),
            _ => new,
        }
    });
    let summary = Memo::new({
        let channels = stores.channels;
        move |_| channels.with(|channels| (channels.is_known, channels.len(), channels.n_refused))
    });
    let rows = move || names.get().into_iter().take(ROWS_MAX).collect::<Vec<_>>();
    let empty = move || match summary.get() {
        (false, ..) => view! { <p class="quiet-note">"Waiting for the list of channels …"</p> }.into_any(),
        (true, 0, _) => view! {
            <Empty
                title="No channel is in use yet"
                text="A channel exists from its first message or subscriber on. This sends one message:"
                commands=vec!["echo hello | signalbox send /topic/hello".to_owned()]
            />
        }
        .into_any(),
        _ => view! { <p class="quiet-note">"No channel's name contains that."</p> }.into_any(),
    };
    let n_further = move || names.with(Vec::len).saturating_sub(ROWS_MAX);
    view! {
        <section class="panel channel-panel" aria-labelledby="channels-title">
            <div class="panel-head">
                <h1 id="channels-title">"Channels"</h1>
                <p class="summary">{move || units::counted(summary.get().1 as u64, "channel", "channels")}</p>
                <input
                    class="field filter"
                    type="search"
                    placeholder="Filter"
                    aria-label="Show channels whose name contains"
                    bind:value=filter
                    on:input=move |_| is_held.set(false)
                />
            </div>
            <div
                class="table-scroll"
                on:pointerenter=move |_| is_held.set(true)
                on:pointerleave=move |_| is_held.set(false)
                on:focusin=move |_| is_held.set(true)
                on:focusout=move |_| is_held.set(false)
            >
                <table class="table channels" hidden=move || names.with(Vec::is_empty)>
                    <caption class="visually-hidden">"Channels of the broker"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Channel"</th>
                            <th scope="col" class="number">"In"</th>
                            <th scope="col" class="number">"Out"</th>
                            <th scope="col" class="number" title="Messages waiting in the backlog">"Depth"</th>
                            <th scope="col" class="number" title="Subscribers, those who only watch not counted">"Subs"</th>
                            <th scope="col" class="number" title="Lost by slow subscribers">"Dropped"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=rows key=Clone::clone let:name>
                            <Row name chosen />
                        </For>
                    </tbody>
                </table>
                <Show when=move || names.with(Vec::is_empty)>{empty}</Show>
                <Show when=move || n_further() != 0>
                    <p class="quiet-note">
                        {move || format!("{} more; the filter finds them.", units::count(n_further() as u64))}
                    </p>
                </Show>
            </div>
        </section>
    }
}

#[component]
fn Row(
    /// The channel.
    name: ChannelName,
    /// The channel whose messages are shown.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let stores = use_control().stores;
    let row = Memo::new({
        let (channels, name) = (stores.channels, name.clone());
        move |_| channels.with(|channels| channels.row(&name).cloned())
    });
    let figure = move |read: fn(&signalbox_shared::api::ChannelRow) -> String| {
        move || row.with(|row| row.as_ref().map_or_else(|| "–".to_owned(), read))
    };
    let kind = match name.kind() {
        ChannelKind::Queue => ("queue", "each message to one subscriber"),
        ChannelKind::Topic => ("topic", "each message to every subscriber"),
        ChannelKind::Null => ("null", "counted and discarded"),
    };
    let href = View::Queues(Some(name.clone())).href();
    let is_chosen = {
        let name = name.clone();
        move || chosen.with(|chosen| chosen.as_ref() == Some(&name))
    };
    let is_chosen = Memo::new(move |_| is_chosen());
    let is_lossy = move || row.with(|row| row.as_ref().is_some_and(|row| row.dropped.is_some_and(|n| n > 0)));
    view! {
        <tr class:chosen=is_chosen>
            <th scope="row">
                <a class="channel-link" href=href aria-current=move || is_chosen.get().then_some("true")>
                    <span class="kind" data-kind=kind.0 title=kind.1>{kind.0}</span>
                    <span class="ellipsis">{name.to_string()}</span>
                </a>
            </th>
            <td class="number" data-label="In">{figure(|row| known(row.in_per_sec, units::per_sec))}</td>
            <td class="number" data-label="Out">{figure(|row| known(row.out_per_sec, units::per_sec))}</td>
            <td class="number" data-label="Depth" title=figure(|row| known(row.depth_bytes, units::bytes))>{figure(|row| known(row.depth, units::count))}</td>
            <td class="number" data-label="Subs">{figure(|row| known(row.subscribers, units::count))}</td>
            <td class="number" data-label="Dropped" class:bad=is_lossy>{figure(|row| known(row.dropped, units::count))}</td>
        </tr>
    }
}

/// What is not known (no connection, or an engine that does not tell) is no zero.
fn known<T>(value: Option<T>, write: fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), write)
}
