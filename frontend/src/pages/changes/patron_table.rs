//! The patrons: a table to create, edit and delete in, where a change made elsewhere flashes in place.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::changes::{ChangesInfo, LinkState, Patron, PatronFields, PatronId};

use crate::control::use_control;
use crate::state::patrons::{Conflict, Edit, Row};
use crate::state::visible;

/// The panel.
#[component]
pub fn PatronTable() -> impl IntoView {
    let control = use_control();
    let store = control.stores.patrons.clone();
    let changes = control.stores.changes.clone();
    let up_since_ms = Memo::new(move |_| {
        let is_up = |info: &&ChangesInfo| info.link == LinkState::Up;
        changes.with(|changes| changes.info.as_ref().filter(is_up).map(|info| info.since_ms))
    });
    let loader = control.clone();
    // Once for whoever opens the page, and again whenever the relay has begun to listen anew, for what was changed before
    // was not told; a page that was away itself knows that by the time since when the relay listens.
    Effect::new(move |before: Option<Option<i64>>| {
        let now = up_since_ms.get();
        let is_new = now.is_some() && before.flatten() != now;
        if before.is_none() || is_new {
            loader.load_patrons();
        }
        now.or(before.flatten())
    });
    let rows = {
        let store = store.clone();
        move || store.with(|patrons| patrons.rows.clone().unwrap_or_default())
    };
    let state = Memo::new({
        let store = store.clone();
        move |_| {
            store.with(|patrons| {
                let n = patrons.rows.as_ref().map(Vec::len);
                (n, patrons.has_more, !patrons.path.is_empty(), patrons.problem.clone())
            })
        }
    });
    let editing = Memo::new({
        let store = store.clone();
        move |_| store.with(|patrons| patrons.edit.as_ref().map(|edit| edit.id))
    });
    let add = {
        let store = store;
        move |_| store.update(|patrons| patrons.begin_edit(None))
    };
    let turn = |is_forward| {
        let control = control.clone();
        move |_| control.turn_patrons(is_forward)
    };
    let reload = {
        let control = control.clone();
        move |_| control.load_patrons()
    };
    view! {
        <section class="panel patrons" aria-labelledby="patrons-title">
            <div class="panel-head">
                <h2 id="patrons-title">"Patrons"</h2>
                <button class="button" type="button" on:click=add>"Add"</button>
                <button class="button quiet" type="button" on:click=reload>"Load again"</button>
            </div>
            <Show when=move || state.get().3.is_some()>
                <p class="notice bad" role="alert">{move || state.get().3}</p>
            </Show>
            {move || editing.get().map(|id| view! { <Editor id /> })}
            <div class="table-scroll">
                <table class="table" hidden=move || state.get().0.unwrap_or(0) == 0>
                    <caption class="visually-hidden">"Patrons in the order of their keys"</caption>
                    <thead>
                        <tr>
                            <th scope="col" class="number">"Key"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Favourite dish"</th>
                            <th scope="col"><span class="visually-hidden">"What to do"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        // A row that was changed is a new element, so that its flash begins anew.
                        <For each=rows key=|row| (row.patron.id, row.n_changes, row.is_gone, row.patron.clone()) let:row>
                            <PatronRow row />
                        </For>
                    </tbody>
                </table>
                <Show when=move || state.get().0 == Some(0)>
                    <p class="quiet-note">"No patron here. Add one, here or with curl."</p>
                </Show>
            </div>
            <div class="patron-pages" hidden=move || !state.get().1 && !state.get().2>
                <button class="button quiet" type="button" disabled=move || !state.get().2 on:click=turn(false)>"← Before"</button>
                <button class="button quiet" type="button" disabled=move || !state.get().1 on:click=turn(true)>"Further →"</button>
            </div>
        </section>
    }
}

#[component]
fn PatronRow(
    /// The row.
    row: Row,
) -> impl IntoView {
    let control = use_control();
    let Row { patron, n_changes, is_gone } = row;
    let Patron { id, name, fav_dish } = patron;
    let shown = |text: Option<String>| text.map(|text| visible::line(text.as_bytes()));
    let (name, fav_dish) = (shown(name), shown(fav_dish));
    let spoken = name.clone().unwrap_or_else(|| format!("patron {id}"));
    let (edit_label, delete_label) = (format!("Edit {spoken}"), format!("Delete {spoken}"));
    let edit = {
        let store = control.stores.patrons.clone();
        move |_| store.update(|patrons| patrons.begin_edit(Some(id)))
    };
    let delete = move |_| {
        let question = format!("Delete {spoken} (key {id})? This cannot be undone.");
        if window().confirm_with_message(&question).unwrap_or(false) {
            control.delete_patron(id);
        }
    };
    view! {
        <tr data-id=id.to_string() class:flash=n_changes != 0 || is_gone class:gone=is_gone>
            <td class="number">{id}</td>
            <td class="ellipsis">{name.unwrap_or_else(|| "null".to_owned())}</td>
            <td class="ellipsis">{fav_dish.unwrap_or_else(|| "null".to_owned())}</td>
            <td class="patron-actions">
                {if is_gone {
                    view! { <span class="summary">"deleted"</span> }.into_any()
                } else {
                    view! {
                        <button class="button quiet" type="button" aria-label=edit_label on:click=edit>"Edit"</button>
                        <button class="button quiet" type="button" aria-label=delete_label on:click=delete>"Delete"</button>
                    }
                    .into_any()
                }}
            </td>
        </tr>
    }
}

/// The form for one row; what is typed stays whatever happens to the row elsewhere.
#[component]
fn Editor(
    /// The row's key; none for a new one.
    id: Option<PatronId>,
) -> impl IntoView {
    let control = use_control();
    let store = control.stores.patrons.clone();
    let of = |patron: &Patron| {
        (patron.name.clone().unwrap_or_default(), patron.fav_dish.clone().unwrap_or_default())
    };
    let (name, dish) = store.peek(|patrons| {
        let row = patrons.rows.iter().flatten().find(|row| Some(row.patron.id) == id);
        row.map(|row| of(&row.patron)).unwrap_or_default()
    });
    let (name, dish) = (RwSignal::new(name), RwSignal::new(dish));
    let edit = Memo::new({
        let store = store.clone();
        move |_| store.with(|patrons| patrons.edit.clone())
    });
    let submit = {
        let control = control;
        move |event: SubmitEvent| {
            event.prevent_default();
            control.save_patron(PatronFields { name: name.get_untracked(), fav_dish: dish.get_untracked() });
        }
    };
    let cancel = move |_| store.update(|patrons| patrons.edit = None);
    let take_theirs = move |_| {
        if let Some(Edit { conflict: Some(Conflict::Changed(patron)), .. }) = edit.get_untracked() {
            let (theirs, dishes) = of(&patron);
            name.set(theirs);
            dish.set(dishes);
        }
    };
    let conflict = move || edit.get().and_then(|edit| edit.conflict);
    let title = id.map_or_else(|| "New patron".to_owned(), |id| format!("Patron {id}"));
    let is_saving = move || edit.get().is_some_and(|edit| edit.sent.is_some());
    view! {
        <form class="patron-form" aria-label=title on:submit=submit>
            <label><span>"Name"</span><input class="field" name="name" autocomplete="off" bind:value=name /></label>
            <label><span>"Favourite dish"</span><input class="field" name="fav_dish" autocomplete="off" bind:value=dish /></label>
            <button class="button primary" type="submit" disabled=is_saving>"Save"</button>
            <button class="button quiet" type="button" on:click=cancel>"Cancel"</button>
            <p class="form-error" role="alert">{move || edit.get().and_then(|edit| edit.problem)}</p>
            <Show when=move || conflict().is_some()>
                <div class="notice warn conflict" role="alert">
                    <p>{move || conflict().map(|conflict| conflict_sentence(&conflict))}</p>
                    <Show when=move || matches!(conflict(), Some(Conflict::Changed(_)))>
                        <button class="button" type="button" on:click=take_theirs>"Take theirs"</button>
                    </Show>
                </div>
            </Show>
        </form>
    }
}

fn conflict_sentence(conflict: &Conflict) -> String {
    match conflict {
        Conflict::Changed(Patron { name, fav_dish, .. }) => {
            let (name, dish) = (name.as_deref().unwrap_or("null"), fav_dish.as_deref().unwrap_or("null"));
            format!("Changed elsewhere while you edit: it is {name:?}, {dish:?} now. Saving replaces that.")
        }
        Conflict::Unknown => "Changed elsewhere while you edit. Saving replaces that.".to_owned(),
        Conflict::Deleted => {
            "Deleted elsewhere while you edit: there is nothing to save to any more.".to_owned()
        }
    }
}
