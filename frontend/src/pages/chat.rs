//! *Chat*: rooms of browsers, terminals and programs; the lobby is the one of the line protocol.

pub mod composer;
pub mod item;
pub mod join_form;
pub mod lines;
pub mod paste;
pub mod people;
pub mod rooms;
pub mod scroll;

use leptos::prelude::*;
use signalbox_shared::chat::LOBBY;

use crate::components::empty::Empty;
use crate::control::use_control;
use crate::state::chat_room::Membership;
use crate::transport::notification;
use composer::Composer;
use join_form::JoinForm;
use lines::Lines;
use people::People;
use rooms::Rooms;

/// The page.
#[component]
pub fn ChatPage() -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    control.find_line_chat();
    control.list_rooms();
    let room = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().room().to_owned())
    });
    // Coming back after a lost connection must not tear the room down.
    let is_in = Memo::new(move |old: Option<&(String, bool)>| {
        chat.with(|chat| {
            let shown = chat.shown();
            let was_in = old.is_some_and(|(room, was_in)| room == shown.room() && *was_in);
            let is_in = match &shown.membership {
                Membership::Inside(_) => true,
                Membership::Entering(_) => was_in || shown.rows().next().is_some(),
                Membership::Outside | Membership::Refused { .. } => false,
            };
            (shown.room().to_owned(), is_in)
        })
    });
    let has_asked = StoredValue::new(false);
    view! {
        <div class="page chat">
            {move || {
                let (_, is_in) = is_in.get();
                if is_in {
                    view! {
                        <section class="panel room" aria-labelledby="chat-title">
                            <RoomHead room />
                            <Lines />
                            <Composer has_asked />
                        </section>
                        <aside class="chat-side">
                            <Rooms room />
                            <People />
                        </aside>
                    }
                    .into_any()
                } else {
                    view! { <Outside room has_asked /> }.into_any()
                }
            }}
        </div>
    }
}

/// Before the room is entered.
#[component]
fn Outside(
    /// Which room is shown.
    room: Memo<String>,
    /// Whether a person has asked to come in.
    has_asked: StoredValue<bool>,
) -> impl IntoView {
    let line_chat = use_control().stores.line_chat;
    let title = move || if room.with(|room| room == LOBBY) { "Chat".to_owned() } else { room.get() };
    let hint = move || {
        let address = line_chat.get();
        let is_lobby = room.with(|room| room == LOBBY);
        let mut commands = Vec::new();
        if let (true, Some(address)) = (is_lobby, address) {
            let connect =
                if address == "127.0.0.1:8000" { String::new() } else { format!(" --connect {address}") };
            commands.push(format!("signalbox chat ada{connect}"));
            if let Some((host, port)) = address.rsplit_once(':') {
                commands.push(format!("nc {} {port}", host.trim_matches(['[', ']'])));
            }
        }
        if is_lobby {
            view! {
                <Empty
                    title="The lobby is one room for everybody"
                    text="Browsers, terminals and programs meet here under the same names."
                    commands
                />
            }
            .into_any()
        } else {
            view! {
                <Empty title="A room of its own" text="Everybody who opens this address can come in." commands />
            }
            .into_any()
        }
    };
    view! {
        <section class="panel room" aria-labelledby="chat-title">
            <div class="panel-head"><h1 id="chat-title">{title}</h1></div>
            <JoinForm has_asked />
            {hint}
        </section>
        <aside class="chat-side"><Rooms room /></aside>
    }
}

#[component]
fn RoomHead(
    /// Which room is shown.
    room: Memo<String>,
) -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    let name = Memo::new(move |_| chat.with(|chat| chat.shown().name().unwrap_or_default().to_owned()));
    let can_notify = RwSignal::new(notification::can_be_asked());
    let ask = move |_| {
        wasm_bindgen_futures::spawn_local(async move {
            notification::ask().await;
            // The view may be gone by the time the person has answered.
            let _ = can_notify.try_set(notification::can_be_asked());
        });
    };
    let title = move || room.with(|room| if room == LOBBY { "Lobby".to_owned() } else { room.clone() });
    view! {
        <div class="panel-head">
            <h1 id="chat-title">{title}</h1>
            <p class="summary">"You are " <strong>{name}</strong></p>
            <Show when=move || can_notify.get()>
                <button class="button quiet" type="button" on:click=ask>"Notify me of mentions"</button>
            </Show>
            <button class="button quiet" type="button" on:click=move |_| control.leave()>"Leave"</button>
        </div>
    }
}
