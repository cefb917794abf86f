//! Copies texts for a person to paste elsewhere.

use js_sys::Reflect;
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Copies a text, and says whether the browser allowed it. To be called while a click is handled, for nothing else gives a
/// page the right to.
pub fn copy(text: &str) -> impl Future<Output = bool> + use<> {
    // A page that came over plain HTTP from another host has no clipboard (W3C Clipboard API §7, secure contexts).
    let clipboard = Reflect::get(&window().navigator(), &"clipboard".into());
    let begun = match clipboard {
        Ok(clipboard) if !clipboard.is_undefined() => {
            Ok(clipboard.unchecked_into::<Clipboard>().write_text(text))
        }
        _ => Err(copy_selected(text).unwrap_or(false)),
    };
    async move {
        match begun {
            Ok(promise) => JsFuture::from(promise).await.is_ok(),
            Err(is_done) => is_done,
        }
    }
}

/// The way that such pages have: what is selected is copied.
fn copy_selected(text: &str) -> Result<bool, JsValue> {
    let document = document();
    let focused = document.active_element();
    let field: HtmlTextAreaElement = document.create_element("textarea")?.unchecked_into();
    field.set_value(text);
    field.set_read_only(true);
    field.set_class_name("visually-hidden");
    document.body().ok_or(JsValue::NULL)?.append_child(&field)?;
    field.select();
    let is_done = document.unchecked_ref::<HtmlDocument>().exec_command("copy");
    field.remove();
    if let Some(focused) = focused {
        focused.unchecked_into::<HtmlElement>().focus()?;
    }
    is_done
}
