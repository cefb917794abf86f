//! A page in the test's own document, with stores that the test fills; nothing connects.

use gloo_timers::future::TimeoutFuture;
use leptos::mount::mount_to;
use leptos::prelude::{Set, document, view};
use signalbox_frontend::app::{App, rest};
use signalbox_frontend::control::Control;
use signalbox_frontend::control::stores::Stores;
use signalbox_frontend::state::route::View;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

/// How long a condition may take to hold, in milliseconds.
const DEADLINE_MS: i32 = 5_000;

/// A mounted page; dropping it takes it out of the document.
pub(crate) struct Page {
    control: Control,
    root: HtmlElement,
    _mounted: Box<dyn std::any::Any>,
}

impl Page {
    /// Mounts a page that shows `view`.
    pub(crate) fn open(view: View) -> Self {
        let control = Control::new(rest::SOURCE);
        control.stores.view.set(view);
        let root: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&root).unwrap();
        let mounted = mount_to(root.clone(), {
            let control = control.clone();
            move || view! { <App control /> }
        });
        Self { control, root, _mounted: Box::new(mounted) }
    }

    /// What the page watches.
    pub(crate) fn stores(&self) -> &Stores {
        &self.control.stores
    }

    /// What the page does.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Goes to another view.
    pub(crate) fn show(&self, view: View) {
        self.control.stores.view.set(view);
    }

    /// The one element that `selector` finds first.
    pub(crate) fn find(&self, selector: &str) -> Option<Element> {
        self.root.query_selector(selector).unwrap()
    }

    /// How many elements `selector` finds.
    pub(crate) fn count(&self, selector: &str) -> u32 {
        self.root.query_selector_all(selector).unwrap().length()
    }

    /// The text of the first one, white space joined; empty when there is none.
    pub(crate) fn text(&self, selector: &str) -> String {
        joined(&self.find(selector).and_then(|element| element.text_content()).unwrap_or_default())
    }

    /// All text of the page.
    pub(crate) fn all_text(&self) -> String {
        joined(&self.root.text_content().unwrap_or_default())
    }

    /// An attribute of the first one; empty when there is none.
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        self.find(selector).and_then(|element| element.get_attribute(name)).unwrap_or_default()
    }

    /// What stands in a field.
    pub(crate) fn value(&self, selector: &str) -> String {
        self.find(selector)
            .map(|field| field.unchecked_into::<HtmlInputElement>().value())
            .unwrap_or_default()
    }

    /// Clicks the first one.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is not there"));
        element.unchecked_into::<HtmlElement>().click();
    }

    /// Sends the first one an event that does not bubble.
    pub(crate) fn send(&self, selector: &str, event: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is not there"));
        element.dispatch_event(&web_sys::Event::new(event).unwrap()).unwrap();
    }

    /// Lets a pointer come to the first one, or leave it, by the event's name.
    pub(crate) fn point(&self, selector: &str, event: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is not there"));
        element.dispatch_event(&web_sys::PointerEvent::new(event).unwrap()).unwrap();
    }

    /// Presses a key where the first one is.
    pub(crate) fn press(&self, selector: &str, key: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is not there"));
        let init = web_sys::KeyboardEventInit::new();
        init.set_key(key);
        init.set_bubbles(true);
        let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init);
        element.dispatch_event(&event.unwrap()).unwrap();
    }

    /// Types `text` into the first one, as a person would: the page hears of it.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let field = self.find(selector).unwrap_or_else(|| panic!("{selector} is not there"));
        field.unchecked_ref::<HtmlInputElement>().set_value(text);
        let init = web_sys::EventInit::new();
        init.set_bubbles(true);
        field.dispatch_event(&web_sys::Event::new_with_event_init_dict("input", &init).unwrap()).unwrap();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.root.remove();
    }
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let mut waited_ms = 0;
    while !condition() {
        assert!(waited_ms < DEADLINE_MS, "not within {DEADLINE_MS} ms: {what}");
        TimeoutFuture::new(10).await;
        waited_ms += 10;
    }
}

/// What the tab is called.
pub(crate) fn title() -> String {
    document().title()
}

/// The id of the element that has the keyboard.
pub(crate) fn focused_id() -> String {
    document().active_element().map(|element| element.id()).unwrap_or_default()
}

/// The class of the element that has the keyboard.
pub(crate) fn focused_class() -> String {
    document().active_element().map(|element| element.class_name()).unwrap_or_default()
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
