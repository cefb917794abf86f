//! Puts something into a file on the user's computer.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use leptos::prelude::document;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long a browser may take to open the file behind a link, in milliseconds, before the link is withdrawn.
const LINK_MS: u32 = 10_000;

/// Saves bytes.
pub(super) fn bytes(bytes: &[u8], name: &str) {
    let parts = Array::of1(&Uint8Array::from(bytes).into());
    blob(&parts, "application/octet-stream", name);
}

/// Saves texts or bytes one behind the other. Where it is forbidden nothing happens; the browser says why.
pub(super) fn blob(parts: &Array, media_type: &str, name: &str) {
    let _ = try_blob(parts, media_type, name);
}

/// A link to bytes in memory, to be withdrawn with [`Url::revoke_object_url`].
pub(super) fn link(parts: &Array, media_type: &str) -> Result<String, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence_and_options(parts, &options)?)
}

fn try_blob(parts: &Array, media_type: &str, name: &str) -> Result<(), JsValue> {
    let link = link(parts, media_type)?;
    let anchor: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    anchor.set_href(&link);
    anchor.set_download(name);
    anchor.click();
    wasm_bindgen_futures::spawn_local(async move {
        TimeoutFuture::new(LINK_MS).await;
        let _ = Url::revoke_object_url(&link);
    });
    Ok(())
}
