//! *Chat*: the lobby, shared with everybody on the line protocol.

pub mod composer;
pub mod join_form;
pub mod lines;
pub mod people;

use leptos::prelude::*;

use crate::app::use_control;
use crate::components::empty::Empty;
use crate::state::chat_room::Membership;
use composer::Composer;
use join_form::JoinForm;
use lines::Lines;
use people::People;

/// The page.
#[component]
pub fn ChatPage() -> impl IntoView {
    let chat = use_control().stores.chat;
    // Coming back after a lost connection must not tear the room down.
    let is_in = Memo::new(move |was_in: Option<&bool>| {
        chat.with(|chat| match &chat.membership {
            Membership::Inside(_) => true,
            Membership::Entering(_) => was_in.copied().unwrap_or(false) || chat.rows().next().is_some(),
            Membership::Outside | Membership::Refused { .. } => false,
        })
    });
    view! {
        <div class="page chat">
            {move || {
                if is_in.get() {
                    view! {
                        <section class="panel room" aria-labelledby="chat-title">
                            <RoomHead />
                            <Lines />
                            <Composer />
                        </section>
                        <People />
                    }
                    .into_any()
                } else {
                    view! {
                        <section class="panel room" aria-labelledby="chat-title">
                            <div class="panel-head"><h1 id="chat-title">"Chat"</h1></div>
                            <JoinForm />
                            <Empty
                                title="The lobby is one room for everybody"
                                text="Browsers and terminals meet here under the same names. From a terminal:"
                                commands=vec!["signalbox chat ada".to_owned(), "nc 127.0.0.1 8000".to_owned()]
                            />
                        </section>
                    }
                    .into_any()
                }
            }}
        </div>
    }
}

#[component]
fn RoomHead() -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    let name = Memo::new(move |_| chat.with(|chat| chat.name().unwrap_or_default().to_owned()));
    view! {
        <div class="panel-head">
            <h1 id="chat-title">"Lobby"</h1>
            <p class="summary">"You are " <strong>{name}</strong></p>
            <button class="button quiet" type="button" on:click=move |_| control.leave()>"Leave"</button>
        </div>
    }
}
