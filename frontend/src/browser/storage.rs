//! What the browser remembers for this page. Where storage is forbidden nothing is remembered, and nothing fails.

use leptos::prelude::window;
use web_sys::Storage;

/// How the page looks: `light` or `dark`; boot.js reads it too.
pub const THEME: &str = "signalbox.theme";
/// The name used in the chat.
pub const CHAT_NAME: &str = "signalbox.chat.name";
/// Whether this tab was in the chat, so that a reload goes back in.
pub const CHAT_INSIDE: &str = "signalbox.chat.inside";
/// Lines that this tab has not seen said yet, so that a reload still says them. Bounded by the rooms' own bounds: 16 rooms,
/// 50 lines, 4 KiB each, which a tab's storage holds.
pub const CHAT_UNSAID: &str = "signalbox.chat.unsaid";
/// Up to when headlines have been seen, in milliseconds since the Unix epoch by the relay's clock.
pub const NEWS_SEEN: &str = "signalbox.news.seen";
/// How the list of channels is ordered, and whether it is a tree.
pub const CHANNEL_LIST: &str = "signalbox.queues.list";
/// Which columns it has.
pub const CHANNEL_COLUMNS: &str = "signalbox.queues.columns";

/// What is remembered on this computer.
#[must_use]
pub fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Remembers on this computer, or forgets.
pub fn remember(key: &str, value: Option<&str>) {
    set(window().local_storage().ok().flatten(), key, value);
}

/// What is remembered in this tab.
#[must_use]
pub fn remembered_in_tab(key: &str) -> Option<String> {
    window().session_storage().ok()??.get_item(key).ok()?
}

/// Remembers in this tab, or forgets.
pub fn remember_in_tab(key: &str, value: Option<&str>) {
    set(window().session_storage().ok().flatten(), key, value);
}

/// A storage that is full or forbidden costs only the memory.
fn set(storage: Option<Storage>, key: &str, value: Option<&str>) {
    let Some(storage) = storage else { return };
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}
