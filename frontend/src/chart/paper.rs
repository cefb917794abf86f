//! A chart on paper. A browser lays the page out anew for printing and prints it in the same breath, without a frame in
//! which a picture could follow its box: so the picture is drawn just before, seen or not, keeps its size, and is made smaller
//! where the paper is narrower.

use gloo_events::EventListener;
use web_sys::{HtmlElement, window};

/// Width that a chart has on a sheet of A4 or Letter between margins and its panel's padding, in CSS pixels.
const PAPER_WIDTH_PX: f64 = 640.0;

/// Watches for printing; dropping it ends that.
pub struct Paper {
    _listeners: Option<[EventListener; 2]>,
}

impl Paper {
    /// Calls `draw` before `host` is printed, and keeps its size until that is done.
    #[must_use]
    pub fn new(host: &HtmlElement, draw: impl Fn() + 'static) -> Self {
        let listeners = window().map(|window| {
            let (before, after) = (host.clone(), host.clone());
            [
                EventListener::new(&window, "beforeprint", move |_| {
                    draw();
                    hold(&before);
                }),
                EventListener::new(&window, "afterprint", move |_| release(&after)),
            ]
        });
        Self { _listeners: listeners }
    }
}

fn hold(host: &HtmlElement) {
    let size = host.get_bounding_client_rect();
    let zoom = (PAPER_WIDTH_PX / size.width().max(1.0)).min(1.0);
    let held = [
        ("min-width", format!("{}px", size.width())),
        ("max-width", format!("{}px", size.width())),
        ("min-height", format!("{}px", size.height())),
        ("zoom", zoom.to_string()),
    ];
    for (name, value) in held {
        // Fails only for a style that is read-only, and an element's own is not.
        let _ = host.style().set_property(name, &value);
    }
}

fn release(host: &HtmlElement) {
    for name in ["min-width", "max-width", "min-height", "zoom"] {
        let _ = host.style().remove_property(name);
    }
}
