//! Whether an element is in view: what nobody sees need not be brought up to date as often as what somebody sees.

use leptos::ev;
use leptos::prelude::*;
use web_sys::Element;

use crate::chart::observers::InView;

/// What is nearer to the view than this counts as in it, so that it is right before it is seen.
const MARGIN: &str = "300px";

/// Follows an element until the current owner is gone. In view until the browser says otherwise, and where it has no
/// means to say so; on paper, which `is_printing` tells, everything is.
#[must_use]
pub fn in_view(element: Signal<Option<Element>>, is_printing: Signal<bool>) -> Memo<bool> {
    let (is_on_screen, set_on_screen) = signal(true);
    let watch = StoredValue::new_local(None::<InView>);
    Effect::new(move |_| {
        let tell = move |is_on_screen| {
            set_on_screen.try_set(is_on_screen);
        };
        let new = element.get().and_then(|element| InView::new(&element, MARGIN, tell).ok());
        watch.try_set_value(new);
    });
    Memo::new(move |_| is_printing.get() || is_on_screen.get())
}

/// Whether the page is being printed, until the current owner is gone.
#[must_use]
pub fn printing() -> Signal<bool> {
    let (is_printing, set_printing) = signal(false);
    let listeners = [
        window_event_listener(ev::beforeprint, move |_| {
            set_printing.try_set(true);
        }),
        window_event_listener(ev::afterprint, move |_| {
            set_printing.try_set(false);
        }),
    ];
    on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
    is_printing.into()
}
