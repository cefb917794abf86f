//! A store that the views can watch: changed at any rate, redrawn at most once per animation frame, or on a beat where
//! people could not read that fast.
//!
//! Lives at the application's level, outside every component's owner, so that a timer or a socket can never meet a
//! disposed signal.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use crate::chart::beat::Telling;
use crate::transport::page_events;

/// How long a hidden tab gathers changes before its views (the tab's title among them) learn of them: it has no
/// animation frames, and browsers let its timers run once a second.
const HIDDEN_PACE: Duration = Duration::from_secs(1);

/// A value whose watchers are told at most once per animation frame or beat, however often it changes.
pub struct Live<T> {
    signal: ArcRwSignal<T>,
    telling: Arc<Telling>,
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self { signal: self.signal.clone(), telling: self.telling.clone() }
    }
}

impl<T: Default + Send + Sync + 'static> Default for Live<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Send + Sync + 'static> Live<T> {
    /// A store with this value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::on_beat(value, 0.0)
    }

    /// A store with this value, of whose changes is told on a beat of so many milliseconds; 0 is every frame.
    #[must_use]
    pub fn on_beat(value: T, beat_ms: f64) -> Self {
        Self { signal: ArcRwSignal::new(value), telling: Arc::new(Telling::every(beat_ms)) }
    }

    /// Changes the value; whoever watches it is told in the next frame, or on the next beat. `change` must not touch this
    /// store again.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.signal.write_untracked());
        self.tell_soon();
        result
    }

    /// Apart from [`Self::update`], of which there is a copy for each change that the page knows.
    #[inline(never)]
    fn tell_soon(&self) {
        if let Some(wait_ms) = self.telling.ask() {
            let this = self.clone();
            let tell = Box::new(move || {
                this.telling.told();
                this.signal.notify();
            });
            call_soon(wait_ms, tell);
        }
    }

    /// Reads the value; the view that asks is run again when it changes.
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.signal.read())
    }

    /// Reads the value once.
    pub fn peek<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.signal.read_untracked())
    }
}

fn call_soon(wait_ms: f64, tell: Box<dyn FnOnce()>) {
    if page_events::is_hidden() {
        set_timeout(tell, HIDDEN_PACE);
    } else if 0.0 < wait_ms {
        set_timeout(move || call_soon(0.0, tell), Duration::from_secs_f64(wait_ms / 1e3));
    } else {
        request_animation_frame(tell);
    }
}

impl<T: PartialEq + Send + Sync + 'static> Live<T> {
    /// Sets the value, and tells nobody when it is the same.
    pub fn set(&self, value: T) {
        if self.peek(|old| *old != value) {
            self.update(|slot| *slot = value);
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Live<T> {
    /// A copy of the value; the view that asks is run again when it changes.
    #[must_use]
    pub fn get(&self) -> T {
        self.with(T::clone)
    }

    /// The value as a signal. Unlike a memo it gives a change at once, not first when those who watch are told.
    #[must_use]
    pub fn signal(&self) -> Signal<T> {
        let this = self.clone();
        Signal::derive(move || this.get())
    }
}
