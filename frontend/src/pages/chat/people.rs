//! Who is in the room, and how they take part.

use leptos::prelude::*;
use signalbox_shared::chat::ChatVia;

use crate::control::use_control;
use crate::state::units;

/// The people.
#[component]
pub fn People() -> impl IntoView {
    let chat = use_control().stores.chat;
    let n_users = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().n_users)
    });
    let users = Memo::new(move |_| {
        chat.with(|chat| {
            let mut users: Vec<_> =
                chat.shown().users.iter().map(|user| (user.name.clone(), user.via, user.is_idle)).collect();
            users.sort_by_key(|(name, ..)| name.to_lowercase());
            users
        })
    });
    let via = |via| match via {
        ChatVia::Line => ("line", "terminal"),
        ChatVia::Browser => ("browser", "browser"),
    };
    view! {
        <section class="panel people" aria-labelledby="people-title">
            <h2 id="people-title">
                {move || units::counted(n_users.get(), "person", "people")} " here"
            </h2>
            <ul>
                <For
                    each=move || users.get()
                    key=|(name, how, is_idle)| (name.clone(), *how == ChatVia::Line, *is_idle)
                    let:((name, how, is_idle))
                >
                    <li class:idle=is_idle>
                        <span class="ellipsis">{name}</span>
                        <span class="via" data-via=via(how).0>{via(how).1} {is_idle.then_some(", idle")}</span>
                    </li>
                </For>
            </ul>
            {move || {
                let n_further = n_users.get().saturating_sub(users.with(Vec::len) as u64);
                (n_further > 0).then(|| view! { <p class="quiet-note">{units::count(n_further)} " more"</p> })
            }}
        </section>
    }
}
