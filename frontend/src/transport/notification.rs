//! Notifications of the system, where the browser and the person allow them. Source: WHATWG Notifications API.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::{document, location, window};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::page_events;

/// Most characters of a notification's text.
const TEXT_CHARS_MAX: usize = 200;

/// Whether the person may still be asked. Where there are no notifications, as outside a secure context, there is nothing
/// to ask.
#[must_use]
pub fn can_be_asked() -> bool {
    is_there() && Notification::permission() == NotificationPermission::Default
}

/// Asks the person; only a click of theirs may lead here.
pub async fn ask() {
    if let Ok(asking) = Notification::request_permission() {
        // A refusal is an answer too.
        let _ = JsFuture::from(Promise::from(JsValue::from(asking))).await;
    }
}

/// Shows a notification when it is allowed and nobody looks at the page. A click on it shows the page at `address`, its part
/// from the `#` on.
pub fn show(title: &str, text: &str, address: &str) {
    let is_looked_at = !page_events::is_hidden() && document().has_focus().unwrap_or(false);
    if is_looked_at || !is_there() || Notification::permission() != NotificationPermission::Granted {
        return;
    }
    let options = NotificationOptions::new();
    options.set_body(&text.chars().take(TEXT_CHARS_MAX).collect::<String>());
    // One per place, of which the newest is told as the first was.
    options.set_tag(&format!("signalbox {address}"));
    options.set_renotify(true);
    // Where a page may show none by itself, as on some phones, the badge in the title remains.
    let Ok(notification) = Notification::new_with_options(title, &options) else { return };
    let (shown, address) = (notification.clone(), address.to_owned());
    let on_click = Closure::once_into_js(move || {
        shown.close();
        // Where neither can be had (a page in a sandbox), the page stays as it is.
        let _ = window().focus();
        let _ = location().set_hash(&address);
    });
    notification.set_onclick(Some(on_click.unchecked_ref()));
}

fn is_there() -> bool {
    Reflect::get(&window(), &JsValue::from_str("Notification"))
        .is_ok_and(|value| value.dyn_ref::<Function>().is_some())
}
