//! Who is in the room, and how they take part.

use leptos::prelude::*;
use signalbox_shared::chat::ChatVia;

use crate::app::use_control;
use crate::state::units;

/// Most names shown; the count says how many there are.
const SHOWN_MAX: usize = 500;

/// The people.
#[component]
pub fn People() -> impl IntoView {
    let chat = use_control().stores.chat;
    let users = Memo::new(move |_| {
        chat.with(|chat| {
            let mut users: Vec<_> = chat.users.iter().map(|user| (user.name.clone(), user.via)).collect();
            users.sort_by_key(|(name, _)| name.to_lowercase());
            users
        })
    });
    let via = |via| match via {
        ChatVia::Line => ("line", "terminal"),
        ChatVia::Browser => ("browser", "browser"),
    };
    view! {
        <aside class="panel people" aria-labelledby="people-title">
            <h2 id="people-title">
                {move || units::counted(users.with(Vec::len) as u64, "person", "people")} " here"
            </h2>
            <ul>
                <For
                    each=move || users.get().into_iter().take(SHOWN_MAX)
                    key=|(name, how)| (name.clone(), *how == ChatVia::Line)
                    let:((name, how))
                >
                    <li>
                        <span class="ellipsis">{name}</span>
                        <span class="via" data-via=via(how).0>{via(how).1}</span>
                    </li>
                </For>
            </ul>
        </aside>
    }
}
