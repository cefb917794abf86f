//! Where the keyboard goes.

use leptos::ev::FocusEvent;
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, Node};

/// Whether the keyboard goes from one of an element's parts to something outside of it.
#[must_use]
pub fn leaves(event: &FocusEvent) -> bool {
    let node = |target: Option<EventTarget>| target.and_then(|target| target.dyn_into::<Node>().ok());
    let (element, to) = (node(event.current_target()), node(event.related_target()));
    !element.is_some_and(|element| to.is_some_and(|to| element.contains(Some(&to))))
}
