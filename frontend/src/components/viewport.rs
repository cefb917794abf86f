//! What part of a scrolling element is in view, for lists of which only the rows in view exist.

use std::cell::Cell;
use std::rc::Rc;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, ResizeObserver};

use crate::state::virtual_rows::Viewport;

/// Follows the size of `scroller` and, with `on:scroll=move |_| measure()`, how far it is scrolled.
pub fn use_viewport(scroller: NodeRef<Div>) -> (RwSignal<Viewport>, impl Fn() + Copy + 'static) {
    let viewport = RwSignal::new(Viewport::default());
    let measure = move || {
        let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
        // Nobody sees more than the window, whatever the style sheet says or fails to say.
        let window_px = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(f64::MAX);
        let now = Viewport {
            top_px: f64::from(scroller.scroll_top()),
            height_px: f64::from(scroller.client_height()).min(window_px),
        };
        if viewport.try_get_untracked().is_some_and(|old| old != now) {
            viewport.try_set(now);
        }
    };
    let observing = StoredValue::new_local(None::<Observing>);
    Effect::new(move |_| {
        let Some(element) = scroller.get() else { return };
        measure();
        let element: HtmlElement = element.unchecked_into();
        observing.try_set_value(Observing::start(&element, measure));
    });
    (viewport, measure)
}

/// Follows the width of `scroller` in CSS pixels, without its scroll bar; that of a wide window until it is there.
pub fn use_width(scroller: NodeRef<Div>) -> RwSignal<f64> {
    let width_px = RwSignal::new(f64::INFINITY);
    let observing = StoredValue::new_local(None::<Observing>);
    Effect::new(move |_| {
        let Some(element) = scroller.get() else { return };
        let element: HtmlElement = element.unchecked_into();
        let measured = element.clone();
        let measure = move || {
            let now_px = f64::from(measured.client_width());
            if width_px.try_get_untracked().is_some_and(|old_px| old_px.total_cmp(&now_px).is_ne()) {
                width_px.try_set(now_px);
            }
        };
        measure();
        observing.try_set_value(Observing::start(&element, measure));
    });
    width_px
}

/// Watches an element's size until it is dropped.
struct Observing {
    observer: ResizeObserver,
    is_live: Rc<Cell<bool>>,
    _closure: Closure<dyn FnMut()>,
}

impl Observing {
    fn start(element: &HtmlElement, measure: impl Fn() + 'static) -> Option<Self> {
        let is_live = Rc::new(Cell::new(true));
        let is_still_live = is_live.clone();
        let closure = Closure::<dyn FnMut()>::new(move || {
            if is_still_live.get() {
                measure();
            }
        });
        let observer = ResizeObserver::new(closure.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, is_live, _closure: closure })
    }
}

impl Drop for Observing {
    fn drop(&mut self) {
        self.is_live.set(false);
        self.observer.disconnect();
    }
}
