//! A page that panics is dead: its closures are gone for good. This says so, and offers to reload.

use std::panic::PanicHookInfo;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Shows the crash card; boot.js has it.
    #[wasm_bindgen(js_name = signalboxCrash, catch)]
    fn signalbox_crash(message: &str) -> Result<(), JsValue>;
}

/// Shows every panic to the person in front of the page, and in the console.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let message = info.to_string();
        leptos::logging::error!("{message}");
        // Without boot.js (in a test page) the console must do.
        let _ = signalbox_crash(&message);
    }));
}
