//! What a chart must know of the page around it: its size in device pixels, whether anybody can see it, the theme, and
//! whether motion is wanted. Every observer is disconnected, and every listener removed, on drop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{
    Element, EventTarget, HtmlElement, IntersectionObserver, IntersectionObserverEntry,
    IntersectionObserverInit, MutationObserver, MutationObserverInit, ResizeObserver,
    ResizeObserverBoxOptions, ResizeObserverEntry, ResizeObserverOptions, ResizeObserverSize,
    VisibilityState,
};

use super::paint::Inks;
use super::palette::{Rgb, Theme, luminance};

#[wasm_bindgen(module = "/src/chart/player.js")]
extern "C" {
    /// Red, green and blue of any CSS colour, as `0xRRGGBB`.
    #[wasm_bindgen(js_name = rgbOf)]
    fn rgb_of(color: &str) -> u32;
}

/// A change around the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The host's size in device pixels, and device pixels per CSS pixel.
    Size(i32, i32, f64),
    /// Whether anybody can see the host.
    Shown(bool),
    /// The theme, or what the reader wants of motion, may have changed.
    Look,
}

/// Watches the surroundings of one host element.
pub struct Observers {
    resize: ResizeObserver,
    mutation: MutationObserver,
    _in_view: InView,
    _ratio: Ratio,
    _on_resize: Closure<dyn FnMut(Array)>,
    _on_mutation: Closure<dyn FnMut()>,
    _listeners: Vec<Listener>,
}

impl Observers {
    /// Begins to watch; the first size and visibility come soon after by themselves.
    ///
    /// # Errors
    /// When the browser lacks an observer (all have had them since 2020).
    pub fn new(host: &HtmlElement, on_change: impl Fn(Change) + Clone + 'static) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("no window")?;
        let document = window.document().ok_or("no document")?;
        let root = document.document_element().ok_or("no root element")?;

        let report = on_change.clone();
        let on_resize = Closure::new(move |entries: Array| {
            if let Some((width, height)) = entries.iter().last().map(|entry| size_of(entry.unchecked_ref())) {
                report(Change::Size(width, height, device_pixel_ratio()));
            }
        });
        let resize = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
        observe(&resize, host);
        // Not every browser tells of a size in device pixels.
        let ratio = Ratio::new({
            let (resize, host) = (resize.clone(), host.clone());
            move || {
                resize.unobserve(&host);
                observe(&resize, &host);
            }
        })?;

        let report = on_change.clone();
        let is_in_view = Rc::new(Cell::new(true));
        let seen = is_in_view.clone();
        let in_view = InView::new(host, "0px", move |is_in_view| {
            seen.set(is_in_view);
            report(Change::Shown(is_in_view && is_document_shown()));
        })?;

        let report = on_change.clone();
        let on_mutation = Closure::new(move || report(Change::Look));
        let mutation = MutationObserver::new(on_mutation.as_ref().unchecked_ref())?;
        let options = MutationObserverInit::new();
        options.set_attributes(true);
        mutation.observe_with_options(&root, &options)?;

        let mut listeners = Vec::new();
        let report = on_change.clone();
        listeners.push(Listener::new(document.as_ref(), "visibilitychange", move || {
            report(Change::Shown(is_in_view.get() && is_document_shown()));
        })?);
        for query in ["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "print"] {
            if let Some(media) = window.match_media(query)? {
                let report = on_change.clone();
                listeners.push(Listener::new(media.as_ref(), "change", move || report(Change::Look))?);
            }
        }
        Ok(Self {
            resize,
            mutation,
            _in_view: in_view,
            _ratio: ratio,
            _on_resize: on_resize,
            _on_mutation: on_mutation,
            _listeners: listeners,
        })
    }
}

impl Drop for Observers {
    fn drop(&mut self) {
        self.resize.disconnect();
        self.mutation.disconnect();
    }
}

/// Begins to tell of a size, and tells of it soon in any case.
fn observe(resize: &ResizeObserver, host: &HtmlElement) {
    if has_device_pixels() {
        let options = ResizeObserverOptions::new();
        options.set_box(ResizeObserverBoxOptions::DevicePixelContentBox);
        resize.observe_with_options(host, &options);
    } else {
        resize.observe(host);
    }
}

/// Watches how many device pixels a CSS pixel has: a window may move to another screen, and a person may zoom.
struct Ratio {
    _listener: Rc<RefCell<Option<Listener>>>,
}

impl Ratio {
    fn new(on_change: impl Fn() + Clone + 'static) -> Result<Self, JsValue> {
        let listener = Rc::default();
        Self::listen(&listener, on_change)?;
        Ok(Self { _listener: listener })
    }

    /// A query knows one ratio alone: when that has passed, the next one is asked for.
    fn listen(
        slot: &Rc<RefCell<Option<Listener>>>,
        on_change: impl Fn() + Clone + 'static,
    ) -> Result<(), JsValue> {
        let query = format!("(resolution: {}dppx)", device_pixel_ratio());
        let Some(media) = web_sys::window().map(|window| window.match_media(&query)).transpose()?.flatten()
        else {
            return Ok(());
        };
        let weak = Rc::downgrade(slot);
        let passed = move || {
            on_change();
            // Without a query the size in device pixels still tells.
            let _ = weak.upgrade().map(|slot| Self::listen(&slot, on_change.clone()));
        };
        *slot.borrow_mut() = Some(Listener::new(media.as_ref(), "change", passed)?);
        Ok(())
    }
}

/// Watches whether one element is in view, until it is dropped.
pub struct InView {
    observer: IntersectionObserver,
    _on_entries: Closure<dyn FnMut(Array)>,
}

impl InView {
    /// Begins to watch; what is nearer to the view than `margin`, a length in CSS, counts as in it. `on_change` is told soon,
    /// and whenever it is otherwise.
    ///
    /// # Errors
    /// When the browser lacks the observer, or knows no such margin.
    pub fn new(element: &Element, margin: &str, on_change: impl Fn(bool) + 'static) -> Result<Self, JsValue> {
        let on_entries = Closure::new(move |entries: Array| {
            if let Some(entry) = entries.iter().last() {
                on_change(entry.unchecked_ref::<IntersectionObserverEntry>().is_intersecting());
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(margin);
        let observer = IntersectionObserver::new_with_options(on_entries.as_ref().unchecked_ref(), &options)?;
        observer.observe(element);
        Ok(Self { observer, _on_entries: on_entries })
    }
}

impl Drop for InView {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// The colours that suit the host's text, and its font family.
#[must_use]
pub fn look_of(host: &HtmlElement) -> (Inks, String) {
    let style = web_sys::window().and_then(|window| window.get_computed_style(host).ok().flatten());
    let property = |name: &str| style.as_ref().and_then(|style| style.get_property_value(name).ok());
    let [_, r, g, b] = rgb_of(&property("color").unwrap_or_else(|| "black".to_owned())).to_be_bytes();
    let text = Rgb(r, g, b);
    let theme = if 0.4 < luminance(text) { Theme::Dark } else { Theme::Light };
    let family = property("font-family").filter(|family| !family.is_empty());
    (Inks { text, theme }, family.unwrap_or_else(|| "system-ui, sans-serif".to_owned()))
}

/// Whether the reader has asked for less motion.
#[must_use]
pub fn is_motion_reduced() -> bool {
    let media =
        web_sys::window().and_then(|w| w.match_media("(prefers-reduced-motion: reduce)").ok().flatten());
    media.is_some_and(|media| media.matches())
}

/// Device pixels per CSS pixel.
#[must_use]
pub fn device_pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio())
}

fn is_document_shown() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Safari cannot tell sizes in device pixels, and throws when asked.
fn has_device_pixels() -> bool {
    let entry = Reflect::get(&js_sys::global(), &"ResizeObserverEntry".into());
    let prototype = entry.and_then(|entry| Reflect::get(&entry, &"prototype".into()));
    prototype.and_then(|p| Reflect::has(&p, &"devicePixelContentBoxSize".into())).unwrap_or(false)
}

/// The host's size in device pixels: as the browser tells it, which is exact between two whole pixels too, else
/// reckoned. A browser that emulates another screen, as developer tools do, tells sizes of the real one; then the page's
/// own ratio counts, for text and layout follow it.
fn size_of(entry: &ResizeObserverEntry) -> (i32, i32) {
    let (rect, ratio) = (entry.content_rect(), device_pixel_ratio());
    let reckoned = ((rect.width() * ratio).round() as i32, (rect.height() * ratio).round() as i32);
    let told = has_device_pixels().then(|| entry.device_pixel_content_box_size().get(0));
    let told = told.and_then(|size| size.dyn_into::<ResizeObserverSize>().ok());
    let told = told.map(|size| (size.inline_size().round() as i32, size.block_size().round() as i32));
    let is_near = |told: &(i32, i32)| (told.0 - reckoned.0).abs() <= 1 && (told.1 - reckoned.1).abs() <= 1;
    told.filter(is_near).unwrap_or(reckoned)
}

/// An event listener that is removed on drop.
struct Listener {
    target: EventTarget,
    event: &'static str,
    closure: Closure<dyn FnMut()>,
}

impl Listener {
    fn new(
        target: &EventTarget,
        event: &'static str,
        react: impl FnMut() + 'static,
    ) -> Result<Self, JsValue> {
        let closure = Closure::new(react);
        target.add_event_listener_with_callback(event, Closure::as_ref(&closure).unchecked_ref())?;
        Ok(Self { target: target.clone(), event, closure })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        // Removing what is not there is no error.
        let _ = self.target.remove_event_listener_with_callback(self.event, callback);
    }
}
