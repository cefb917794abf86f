//! Whether an element is in view: what nobody sees need not be brought up to date sixty, or even two, times a second.

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// What is nearer to the view than this counts as in it, so that it is right before it is seen.
const MARGIN: &str = "300px";

/// Follows an element until the current owner is gone. In view until the browser says otherwise, and where it has no
/// means to say so.
#[must_use]
pub fn in_view(element: Signal<Option<Element>>) -> ReadSignal<bool> {
    let (is_in_view, set_in_view) = signal(true);
    let watch = StoredValue::new_local(None::<Watch>);
    Effect::new(move |_| {
        let new = element.get().and_then(|element| Watch::new(&element, set_in_view).ok());
        watch.try_set_value(new);
    });
    is_in_view
}

/// Ends when it is dropped.
struct Watch {
    observer: IntersectionObserver,
    _on_entries: Closure<dyn FnMut(Array)>,
}

impl Watch {
    fn new(element: &Element, is_in_view: WriteSignal<bool>) -> Result<Self, JsValue> {
        let on_entries = Closure::new(move |entries: Array| {
            if let Some(entry) = entries.iter().last() {
                is_in_view.try_set(entry.unchecked_ref::<IntersectionObserverEntry>().is_intersecting());
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        let observer = IntersectionObserver::new_with_options(on_entries.as_ref().unchecked_ref(), &options)?;
        observer.observe(element);
        Ok(Self { observer, _on_entries: on_entries })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
