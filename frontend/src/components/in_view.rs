//! Whether an element is in view: what nobody sees need not be brought up to date as often as what somebody sees.

use leptos::ev;
use leptos::prelude::*;
use web_sys::Element;

use crate::chart::observers::InView;

/// What is nearer to the view than this counts as in it, so that it is right before it is seen.
const MARGIN: &str = "300px";

/// Follows an element until the current owner is gone. In view until the browser says otherwise, and where it has no
/// means to say so; on paper everything is.
#[must_use]
pub fn in_view(element: Signal<Option<Element>>) -> ReadSignal<bool> {
    let (is_in_view, set_in_view) = signal(true);
    let watch = StoredValue::new_local(None::<InView>);
    let n_printed = RwSignal::new(0_u32);
    let listeners = [
        window_event_listener(ev::beforeprint, move |_| {
            set_in_view.try_set(true);
        }),
        window_event_listener(ev::afterprint, move |_| {
            n_printed.try_update(|n| *n = n.wrapping_add(1));
        }),
    ];
    on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
    Effect::new(move |_| {
        // A new watch begins with what is in view now.
        n_printed.track();
        let tell = move |is_in_view| {
            set_in_view.try_set(is_in_view);
        };
        let new = element.get().and_then(|element| InView::new(&element, MARGIN, tell).ok());
        watch.try_set_value(new);
    });
    is_in_view
}
