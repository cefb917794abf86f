//! Which rooms this page is in, what is new there, and a way into others.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::chat::{LOBBY, ROOM_CHARS_MAX, check_room};

use crate::control::use_control;
use crate::state::route::View;
use crate::state::units;

/// A room in the list: name, lines unread, mentions among them.
type Row = (String, u64, u64);

/// The list.
#[component]
pub fn Rooms(
    /// Which room is shown.
    room: Memo<String>,
) -> impl IntoView {
    let control = use_control();
    let (chat, known) = (control.stores.chat.clone(), control.stores.rooms.clone());
    let wanted = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let rows = Memo::new(move |_| {
        chat.with(|chat| {
            let row = |room: &crate::state::chat_room::ChatRoom| {
                (room.room().to_owned(), room.n_unread, room.n_mentions)
            };
            chat.all().map(row).collect::<Vec<Row>>()
        })
    });
    let open = {
        let control = control.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            match check_room(wanted.get_untracked().trim()) {
                Ok(name) => {
                    control.go_to((name != LOBBY).then(|| name.to_owned()));
                    error.set(None);
                    wanted.set(String::new());
                }
                Err(why) => error.set(Some(why.to_string())),
            }
        }
    };
    let options = move || {
        known.with(|known| {
            let option = |room: &signalbox_shared::chat::ChatRoomRow| {
                let people = units::counted(room.n_users, "person", "people");
                view! { <option value=room.name.clone()>{people}</option> }
            };
            known.iter().map(option).collect_view()
        })
    };
    view! {
        <nav class="panel rooms" aria-labelledby="rooms-title">
            <h2 id="rooms-title">"Rooms"</h2>
            <ul>
                <For each=move || rows.get() key=Clone::clone let:((name, n_unread, n_mentions))>
                    <RoomLink room name n_unread n_mentions />
                </For>
            </ul>
            <form class="open-room" on:submit=open on:focusin=move |_| control.list_rooms()>
                <label class="visually-hidden" for="open-room">"Open a room"</label>
                <input
                    class="field"
                    id="open-room"
                    name="room"
                    list="known-rooms"
                    maxlength=ROOM_CHARS_MAX.to_string()
                    placeholder="Room"
                    autocomplete="off"
                    spellcheck="false"
                    bind:value=wanted
                />
                <datalist id="known-rooms">{options}</datalist>
                <button class="button" type="submit">"Go"</button>
            </form>
            <p class="form-error" role="alert">{move || error.get()}</p>
        </nav>
    }
}

#[component]
fn RoomLink(
    /// Which room is shown.
    room: Memo<String>,
    /// Which room this leads to.
    name: String,
    /// Lines that nobody has looked at.
    n_unread: u64,
    /// Those that speak to who sits here.
    n_mentions: u64,
) -> impl IntoView {
    let href = View::Chat((name != LOBBY).then(|| name.clone())).href();
    let shown = name.clone();
    let is_shown = move || room.with(|room| *room == shown).then_some("page");
    let label = if name == LOBBY { "Lobby".to_owned() } else { name };
    let is_call = n_mentions > 0;
    let badge = (n_unread > 0).then(|| {
        let call = if is_call { "@" } else { "" };
        let spoken = if is_call { " unread, with mentions of you" } else { " unread" };
        view! {
            <span class="badge" class:call=is_call>
                {call} {units::count(n_unread)} <span class="visually-hidden">{spoken}</span>
            </span>
        }
    });
    view! {
        <li>
            <a class="room-link" href=href aria-current=is_shown>
                <span class="ellipsis">{label}</span>
                {badge}
            </a>
        </li>
    }
}
