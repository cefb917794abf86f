//! What happens to the tab and its network: shown, hidden, network lost and back.

use std::rc::Rc;

use gloo_events::EventListener;
use leptos::prelude::{document, window};
use web_sys::VisibilityState;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEvent {
    /// The tab is shown.
    Shown,
    /// The tab is hidden.
    Hidden,
    /// The browser believes to have a network again.
    Online,
    /// The browser believes to have lost its network.
    Offline,
}

/// Listens as long as it lives.
#[derive(Debug)]
pub struct PageEvents {
    _listeners: [EventListener; 3],
}

impl PageEvents {
    /// Begins to listen.
    #[must_use]
    pub fn listen(on_event: impl Fn(PageEvent) + 'static) -> Self {
        let on_event = Rc::new(on_event);
        let (on_online, on_offline) = (on_event.clone(), on_event.clone());
        Self {
            _listeners: [
                EventListener::new(&document(), "visibilitychange", move |_| {
                    on_event(if is_hidden() { PageEvent::Hidden } else { PageEvent::Shown });
                }),
                EventListener::new(&window(), "online", move |_| on_online(PageEvent::Online)),
                EventListener::new(&window(), "offline", move |_| on_offline(PageEvent::Offline)),
            ],
        }
    }
}

/// Whether the tab is hidden.
#[must_use]
pub fn is_hidden() -> bool {
    document().visibility_state() == VisibilityState::Hidden
}

/// Whether the browser believes to have a network.
#[must_use]
pub fn has_network() -> bool {
    window().navigator().on_line()
}
