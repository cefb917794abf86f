//! *Changes*: rows of the database as they change, the table of patrons, and the cache between.

pub mod cache_panel;
pub mod event_list;
pub mod patron_table;

use leptos::prelude::*;
use signalbox_shared::changes::{ChangesInfo, LinkState, TableState, WatchedTable};

use crate::components::empty::Empty;
use crate::control::use_control;
use crate::state::units;
use cache_panel::CachePanel;
use event_list::EventList;
use patron_table::PatronTable;

/// The page.
#[component]
pub fn ChangesPage() -> impl IntoView {
    let changes = use_control().stores.changes;
    let is_on = Memo::new(move |_| {
        changes.with(|changes| changes.info.as_ref().map(|info| info.link != LinkState::Off))
    });
    view! {
        <div class="page changes">
            {move || match is_on.get() {
                Some(true) => view! {
                    <Standing />
                    <EventList />
                    <PatronTable />
                    <CachePanel />
                }
                .into_any(),
                None => view! {
                    <section class="panel" aria-labelledby="changes-title">
                        <div class="panel-head"><h1 id="changes-title">"Changes"</h1></div>
                        <p class="quiet-note">"Waiting for the relay …"</p>
                    </section>
                }
                .into_any(),
                Some(false) => view! { <NotConfigured /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn NotConfigured() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="changes-title">
            <div class="panel-head"><h1 id="changes-title">"Changes"</h1></div>
            <Empty
                title="No database is configured"
                text="Rows of PostgreSQL show here as they change. Start the relay with the option --database-url; further tables are named in signalbox.toml:"
                commands=vec![
                    "signalbox serve --database-url postgresql://USER@127.0.0.1/NAME".to_owned(),
                    "[[watch]]\ntable = \"public.orders\"\nkey = \"id\"".to_owned(),
                ]
            />
        </section>
    }
}

/// How the database and its tables stand.
#[component]
fn Standing() -> impl IntoView {
    let changes = use_control().stores.changes;
    let info = Memo::new(move |_| changes.with(|changes| changes.info.clone().unwrap_or_default()));
    let tables = move || info.get().tables.into_iter().map(table_line).collect_view();
    view! {
        <section class="panel changes-standing" aria-labelledby="database-title">
            <div class="panel-head">
                <h1 id="database-title">"Changes"</h1>
                <p class="summary" data-link=move || link_word(&info.get())>{move || sentence(&info.get())}</p>
            </div>
            <Show when=move || info.with(|info| info.link != LinkState::Up)>
                <p class="notice warn" role="status">{move || trouble(&info.get())}</p>
            </Show>
            <ul class="watched" aria-label="Watched tables">{tables}</ul>
        </section>
    }
}

fn link_word(info: &ChangesInfo) -> &'static str {
    match info.link {
        LinkState::Off => "off",
        LinkState::Connecting => "connecting",
        LinkState::Up => "up",
        LinkState::Lost => "lost",
    }
}

fn sentence(info: &ChangesInfo) -> String {
    let database = info.database.as_deref().unwrap_or("the database");
    let again = match info.reconnects {
        0 => String::new(),
        n => format!(", connected again {}", units::counted(n, "time", "times")),
    };
    match info.link {
        LinkState::Up => format!("Listening to {database}{again}"),
        LinkState::Lost => format!("Lost {database}{again}"),
        LinkState::Off | LinkState::Connecting => format!("Connecting to {database}"),
    }
}

fn trouble(info: &ChangesInfo) -> String {
    let reason = info.reason.as_deref().unwrap_or("no answer yet");
    match info.link {
        LinkState::Lost => {
            format!(
                "The listening connection is lost ({reason}). It is tried again by itself; until then reads ask the database, and cached rows are marked when it does not answer."
            )
        }
        _ => format!("Not connected yet: {reason}. It is tried again by itself."),
    }
}

fn table_line(table: WatchedTable) -> impl IntoView {
    let (word, is_bad) = match table.state {
        TableState::Watched => (units::counted(table.n_changes, "change", "changes"), false),
        TableState::Unknown => ("not looked at yet".to_owned(), false),
        TableState::NotInstalled | TableState::Missing => (table.reason.clone().unwrap_or_default(), true),
    };
    view! {
        <li>
            <code>{table.table}</code>
            <span class="summary" class:bad=is_bad>{word}</span>
        </li>
    }
}
