//! The messages of the chosen channel: who takes part how, pause, and the accounts.

use leptos::prelude::*;
use signalbox_shared::socket::TailMode;
use signalbox_shared::{ChannelKind, ChannelName};

use super::message_detail::MessageDetail;
use super::tail_list::TailList;
use crate::app::use_control;
use crate::components::empty::Empty;
use crate::state::route::View;
use crate::state::shell_word::shell_word;
use crate::state::tail::Tail;
use crate::state::units;

/// The panel.
#[component]
pub fn TailPanel(
    /// The channel.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    view! {
        <section class="panel tail-panel" aria-label="Messages">
            {move || match chosen.get() {
                Some(channel) => view! { <ChosenTail channel /> }.into_any(),
                None => view! {
                    <Empty
                        title="Choose a channel to see its messages"
                        text="Looking takes nothing away: the page sees copies. Or listen from a terminal:"
                        commands=vec!["signalbox listen /topic/hello".to_owned()]
                    />
                }
                .into_any(),
            }}
        </section>
    }
}

#[component]
fn ChosenTail(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let chosen_row = RwSignal::new(None::<u64>);
    let tail = control.stores.tail;
    let is_empty = Memo::new(move |_| tail.with(|tail| tail.as_ref().is_none_or(Tail::is_empty)));
    let hint = format!("Messages appear here as they are published to {channel}.");
    let command = format!("signalbox send {} --interval 1", shell_word(channel.as_str()));
    view! {
        <div class="panel-head">
            <a class="button quiet back" href=View::Queues(None).href()>"← Channels"</a>
            <h2 class="ellipsis">{channel.to_string()}</h2>
            <TailControls channel=channel />
        </div>
        <TailNotice />
        <div class="tail-body" data-detail=move || chosen_row.get().is_some().to_string()>
            <TailList chosen_row />
            <Show when=move || is_empty.get()>
                <div class="tail-empty">
                    <Empty title="No message yet" text=hint.clone() commands=vec![command.clone()] />
                </div>
            </Show>
            {move || chosen_row.get().map(|serial| view! { <MessageDetail serial chosen_row /> })}
        </div>
        <Accounts />
    }
}

#[component]
fn TailControls(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let pause = Memo::new({
        let tail = tail.clone();
        move |_| {
            tail.with(|tail| {
                tail.as_ref().map(|tail| (tail.is_paused(), tail.n_behind())).unwrap_or_default()
            })
        }
    });
    let is_consuming = Memo::new(move |_| {
        tail.with(|tail| tail.as_ref().is_some_and(|tail| tail.mode == TailMode::Consume))
    });
    let toggle_pause = {
        let control = control.clone();
        move |_| {
            control.update_tail(|tail| if tail.is_paused() { tail.resume() } else { tail.pause() });
        }
    };
    let pause_label = move || match pause.get() {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".to_owned(),
        (true, n) => format!("Resume ({} new)", units::count(n)),
    };
    let clear = {
        let control = control.clone();
        move |_| control.update_tail(Tail::clear)
    };
    let is_queue = channel.kind() == ChannelKind::Queue;
    let can_purge = {
        let hello = control.stores.hello.clone();
        move || hello.with(|hello| hello.as_ref().is_some_and(|hello| hello.features.purge))
    };
    let purge = {
        let control = control.clone();
        move |_| {
            let question = format!("Remove every message that waits in {channel}? This cannot be undone.");
            if window().confirm_with_message(&question).unwrap_or(false) {
                control.purge(&channel);
            }
        }
    };
    let switch_mode = move |_| {
        let mode = if is_consuming.get_untracked() { TailMode::Tap } else { TailMode::Consume };
        control.set_tail_mode(mode);
    };
    view! {
        <div class="tail-controls">
            {is_queue.then(|| view! {
                <button
                    class="button switch"
                    type="button"
                    role="switch"
                    aria-checked=move || is_consuming.get().to_string()
                    title="Take part in the delivery: what this page receives, nobody else gets"
                    on:click=switch_mode
                >
                    "Consume"
                </button>
                <Show when=can_purge.clone()>
                    <button class="button quiet" type="button" on:click=purge.clone()>"Purge …"</button>
                </Show>
            })}
            <button class="button quiet" type="button" on:click=clear>"Clear"</button>
            <button
                class="button pause"
                type="button"
                aria-pressed=move || pause.get().0.to_string()
                on:click=toggle_pause
            >
                {pause_label}
            </button>
        </div>
    }
}

/// What a person must know about this tail before reading it.
#[component]
fn TailNotice() -> impl IntoView {
    let tail = use_control().stores.tail;
    let notice = Memo::new(move |_| {
        tail.with(|tail| {
            let tail = tail.as_ref()?;
            if let Some(why) = &tail.refusal {
                return Some(("bad", format!("The relay refused: {why}")));
            }
            (tail.mode == TailMode::Consume).then(|| {
                let text = "Consuming: messages shown here are taken out of the queue, and nobody else gets them. It ends when you leave this view.";
                ("warn", text.to_owned())
            })
        })
    });
    move || {
        notice.get().map(|(kind, text)| view! { <p class=format!("notice {kind}") role="status">{text}</p> })
    }
}

/// Where every message went: `received = shown + filtered + skipped`.
#[component]
fn Accounts() -> impl IntoView {
    let tail = use_control().stores.tail;
    let accounts = Memo::new(move |_| {
        tail.with(|tail| tail.as_ref().map(|tail| (tail.accounts, tail.n_forgotten, tail.is_subscribed)))
    });
    let line = move || {
        let (accounts, n_forgotten, is_subscribed) = accounts.get().unwrap_or_default();
        let figure = |name: &'static str, n: u64, is_bad: bool| {
            view! { <span class="account" class:bad=is_bad><span class="account-name">{name}</span>" "<b>{units::count(n)}</b></span> }
        };
        view! {
            {figure("received", accounts.received, false)}
            {figure("shown", accounts.shown, false)}
            {figure("filtered", accounts.filtered, false)}
            {figure("skipped", accounts.skipped, accounts.skipped > 0)}
            {figure("no longer kept", n_forgotten, false)}
            <span class="account">{if is_subscribed { "" } else { "not subscribed" }}</span>
        }
    };
    view! { <p class="accounts">{line}</p> }
}
