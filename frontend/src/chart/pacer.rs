//! When a chart draws: at most once per animation frame, no more often than its data asks for, never while nobody can
//! see it, and not at all while there is nothing to do.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;

use super::beat::{self, steady_ms};

/// When the next drawing is due if nothing asks for one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// In the next animation frame.
    Frame,
    /// After so many milliseconds.
    After(f64),
    /// When something asks for it.
    WhenAsked,
}

/// What a drawing says about the time after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// When the next one is due by itself.
    pub next: Next,
    /// The beat that new data waits for, in milliseconds.
    pub gap_ms: f64,
}

/// Calls a draw function at the right moments; dropping it ends that.
pub struct Pacer {
    inner: Rc<Inner>,
}

struct Inner {
    draw: Box<dyn Fn() -> Pace>,
    on_frame: RefCell<Option<Closure<dyn FnMut()>>>,
    frame: Cell<Option<i32>>,
    timer: RefCell<Option<Timeout>>,
    /// When the timer ends, on the steady clock.
    timer_at_ms: Cell<f64>,
    drawn_at_ms: Cell<f64>,
    gap_ms: Cell<f64>,
    is_shown: Cell<bool>,
}

impl Pacer {
    /// A pacer that is shown, and has not drawn yet.
    #[must_use]
    pub fn new(draw: impl Fn() -> Pace + 'static) -> Self {
        let inner = Rc::new_cyclic(|this: &Weak<Inner>| {
            let this = this.clone();
            let on_frame = Closure::new(move || {
                if let Some(this) = this.upgrade() {
                    this.frame.set(None);
                    this.draw_now();
                }
            });
            Inner {
                draw: Box::new(draw),
                on_frame: RefCell::new(Some(on_frame)),
                frame: Cell::new(None),
                timer: RefCell::new(None),
                timer_at_ms: Cell::new(f64::INFINITY),
                drawn_at_ms: Cell::new(f64::NEG_INFINITY),
                gap_ms: Cell::new(0.0),
                is_shown: Cell::new(true),
            }
        });
        Self { inner }
    }

    /// There is new data: draws it on the next beat.
    pub fn data(&self) {
        let waits_ms = beat::wait_ms(self.inner.drawn_at_ms.get(), steady_ms(), self.inner.gap_ms.get());
        if waits_ms <= 0.0 { self.inner.ask() } else { Inner::wake_after(&self.inner, waits_ms) }
    }

    /// Something else has changed: draws in the next frame.
    pub fn ask(&self) {
        self.inner.ask();
    }

    /// Draws at once when anybody can see it: in a callback that the browser calls just before it paints.
    pub fn now(&self) {
        self.inner.draw_now();
    }

    /// Draws at once, whether or not anybody can see it; when the next drawing is due stays as it is.
    pub fn unseen(&self) {
        (self.inner.draw)();
    }

    /// Whether anybody can see the chart. What was asked for while nobody could is drawn when somebody can.
    pub fn set_shown(&self, is_shown: bool) {
        if self.inner.is_shown.replace(is_shown) == is_shown {
            return;
        }
        if is_shown {
            self.inner.ask();
        } else {
            self.inner.rest();
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.inner.is_shown.set(false);
        self.inner.rest();
        self.inner.on_frame.borrow_mut().take();
    }
}

impl Inner {
    fn ask(&self) {
        if !self.is_shown.get() || self.frame.get().is_some() {
            return;
        }
        let Some(window) = web_sys::window() else { return };
        if let Some(on_frame) = &*self.on_frame.borrow() {
            self.frame.set(window.request_animation_frame(on_frame.as_ref().unchecked_ref()).ok());
        }
    }

    fn rest(&self) {
        if let (Some(frame), Some(window)) = (self.frame.take(), web_sys::window()) {
            // Fails only without a document.
            let _ = window.cancel_animation_frame(frame);
        }
        self.timer.borrow_mut().take();
        self.timer_at_ms.set(f64::INFINITY);
    }

    fn draw_now(self: &Rc<Self>) {
        if !self.is_shown.get() {
            return;
        }
        self.timer.borrow_mut().take();
        self.timer_at_ms.set(f64::INFINITY);
        let pace = (self.draw)();
        self.drawn_at_ms.set(steady_ms());
        self.gap_ms.set(pace.gap_ms);
        match pace.next {
            Next::Frame => self.ask(),
            Next::After(wait_ms) => Self::wake_after(self, wait_ms),
            Next::WhenAsked => {}
        }
    }

    /// Asks for a frame after `wait_ms`, unless one is due before that anyway.
    fn wake_after(self: &Rc<Self>, wait_ms: f64) {
        let at_ms = steady_ms() + wait_ms;
        if !self.is_shown.get() || self.frame.get().is_some() || self.timer_at_ms.get() <= at_ms {
            return;
        }
        let this = Rc::downgrade(self);
        let timer = Timeout::new(wait_ms.ceil().clamp(0.0, 60_000.0) as u32, move || {
            if let Some(this) = this.upgrade() {
                this.timer_at_ms.set(f64::INFINITY);
                this.ask();
            }
        });
        self.timer_at_ms.set(at_ms);
        self.timer.replace(Some(timer));
    }
}
