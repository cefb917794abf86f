//! What stands around every view: the name, the ways to the other views, the streams' state, the theme.

use leptos::html::Main;
use leptos::prelude::*;
use signalbox_shared::chat::LOBBY;

use super::stream_pill::StreamPill;
use super::theme_switch::ThemeSwitch;
use crate::control::{Stream, use_control};
use crate::state::chat_rooms::ChatRooms;
use crate::state::route::View;
use crate::state::units;

/// The shell, with the view inside.
#[component]
pub fn Shell(
    /// The view.
    children: Children,
) -> impl IntoView {
    let stores = use_control().stores;
    let main: NodeRef<Main> = NodeRef::new();
    let view = Memo::new({
        let view = stores.view.clone();
        move |_| view.get()
    });
    let n_unread = Memo::new({
        let chat = stores.chat.clone();
        move |_| chat.with(ChatRooms::n_unread)
    });
    let n_mentions = Memo::new({
        let chat = stores.chat.clone();
        move |_| chat.with(ChatRooms::n_mentions)
    });
    let n_alerts = Memo::new(move |_| stores.alerts.with(|alerts| alerts.len()));
    // Who does not see the badge hears of it, and of its end.
    let alerts_said = Memo::new(move |before: Option<&String>| match n_alerts.get() {
        0 if before.is_some_and(|before| !before.is_empty()) => "No alert any more".to_owned(),
        0 => String::new(),
        n => units::counted(n as u64, "alert", "alerts"),
    });
    let focus_main = move || {
        if let Some(main) = main.get_untracked() {
            // A focus that is refused leaves the person where they were.
            let _ = main.focus();
        }
    };
    Effect::new(move |_| {
        let title = view.with(View::title);
        let unread = n_unread.get();
        // Who is spoken to is told apart from who is only missed.
        let call = if n_mentions.get() > 0 { "@" } else { "" };
        let unread = if unread > 0 { format!("({call}{}) ", units::count(unread)) } else { String::new() };
        let n_alerts = n_alerts.get();
        let alerts = if n_alerts > 0 {
            format!("\u{26a0} {} \u{b7} ", units::counted(n_alerts as u64, "alert", "alerts"))
        } else {
            String::new()
        };
        document().set_title(&format!("{alerts}{unread}{title} · Signalbox"));
    });
    // Whoever goes to another view by keyboard stands at its beginning.
    Effect::new(move |old: Option<View>| {
        let new = view.get();
        if old.is_some_and(|old| !old.is_same_page(&new)) {
            focus_main();
        }
        new
    });
    view! {
        <button class="skip" type="button" on:click=move |_| focus_main()>
            "Skip to the view"
        </button>
        <header class="bar">
            <a class="brand" href="#/metrics" aria-label="Signalbox, first view">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <path class="brand-post" d="M7 31V2h4v29zM3 29h12v2H3z" />
                    <path class="brand-arm" d="M5 5h25v8H5z" />
                    <path class="brand-stripe" d="M22 5h3v8h-3z" />
                    <circle class="brand-lamp" cx="9" cy="20" r="4.500" />
                </svg>
                <span>"Signalbox"</span>
            </a>
            <nav class="tabs" aria-label="Views">
                <Tab view to=View::Metrics name="Metrics" n_alerts />
                <Tab view to=View::Queues(None) name="Queues" />
                <Tab view to=View::Chat(None) name="Chat" n_unread />
                <Tab view to=View::Changes name="Changes" />
                <Tab view to=View::News name="News" />
            </nav>
            <div class="streams" role="group" aria-label="Streams">
                <StreamPill stream=Stream::Feed name="Feed" />
                <StreamPill stream=Stream::Socket name="Socket" />
            </div>
            <ThemeSwitch />
        </header>
        <span class="visually-hidden" role="status">{alerts_said}</span>
        <Notices />
        <main class="main" id="main" tabindex="-1" node_ref=main>
            {children()}
        </main>
    }
}

/// A way to another view.
#[component]
fn Tab(
    /// The view that is shown.
    view: Memo<View>,
    /// The view that this leads to.
    to: View,
    /// What it is called.
    name: &'static str,
    /// Something new there.
    #[prop(optional)]
    n_unread: Option<Memo<u64>>,
    /// Something wrong there.
    #[prop(optional)]
    n_alerts: Option<Memo<usize>>,
) -> impl IntoView {
    let stores = use_control().stores;
    let n_unread = move || n_unread.map_or(0, |n| n.get());
    let n_alerts = move || n_alerts.map_or(0, |n| n.get() as u64);
    let badge = |n: u64, what: &'static str, is_alert: bool| {
        (n > 0).then(|| {
            view! {
                <span class="badge" class:is-alert=is_alert>
                    {units::count(n)} <span class="visually-hidden">" "{what}</span>
                </span>
            }
        })
    };
    // The channel that was chosen is chosen again.
    let href = {
        let to = to.clone();
        move || match &to {
            View::Queues(_) => {
                View::Queues(stores.tail.with(|tail| tail.as_ref().map(|t| t.channel.clone()))).href()
            }
            View::Chat(_) => {
                let room = stores.chat.with(|chat| chat.shown().room().to_owned());
                View::Chat((room != LOBBY).then_some(room)).href()
            }
            other => other.href(),
        }
    };
    let href = Memo::new(move |_| href());
    view! {
        <a class="tab" href=href aria-current=move || view.with(|view| view.is_same_page(&to)).then_some("page")>
            {name}
            {move || badge(n_unread(), "unread", false)}
            {move || badge(n_alerts(), "in alert", true)}
        </a>
    }
}

/// What a person should know about this page and its relay.
#[component]
fn Notices() -> impl IntoView {
    let stores = use_control().stores;
    let trouble =
        move || stores.trouble.get().map(|why| view! { <p class="notice bad" role="alert">{why}</p> });
    let elsewhere = move || {
        stores.elsewhere.get().map(|relay| {
            view! { <p class="notice">"This page shows the relay at " <strong>{relay}</strong></p> }
        })
    };
    view! { {trouble} {elsewhere} }
}
