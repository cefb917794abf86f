//! What fingers and mouse on a chart mean: point, select to zoom, pan, pinch, click.
//!
//! Places are parts of the plot's width, 0 at the left. A mouse drags to select and, with Shift, to pan; one finger
//! moves the cursor, two pinch and pan. Source of the events' order: Pointer Events (W3C).

/// A pointer that has moved less than this many CSS pixels since it was pressed has not been dragged.
const SLOP_PX: f64 = 4.0;

/// What a person wants of the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// Point at a place, or at none.
    Point(Option<f64>),
    /// Show what would be zoomed to, from one place to another.
    Selecting(f64, f64),
    /// Zoom to what lies between two places.
    Select(f64, f64),
    /// The selection is given up.
    Unselect,
    /// Move the picture by this part of the width, to the right where it is positive.
    Pan(f64),
    /// Two fingers went from the first places to the second ones.
    Pinch([f64; 2], [f64; 2]),
    /// Click at a place.
    Click(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pointer {
    id: i32,
    place: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Idle,
    Pressed {
        from: f64,
        is_touch: bool,
        is_panning: bool,
    },
    Selecting {
        from: f64,
    },
    Panning,
    Scrubbing,
    Pinching,
}

/// The pointers that are down, two at most, and what they are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gesture {
    pointers: [Option<Pointer>; 2],
    mode: Mode,
}

impl Gesture {
    /// Whether any pointer is down.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.mode != Mode::Idle
    }

    /// A pointer is pressed.
    pub fn down(&mut self, id: i32, place: f64, is_touch: bool, is_panning: bool) -> Act {
        let Some(slot) = self.pointers.iter_mut().find(|slot| slot.is_none_or(|p| p.id == id)) else {
            return Act::Nothing;
        };
        *slot = Some(Pointer { id, place });
        if self.pointers.iter().all(Option::is_some) {
            let was_selecting = matches!(self.mode, Mode::Selecting { .. });
            self.mode = Mode::Pinching;
            return if was_selecting { Act::Unselect } else { Act::Point(None) };
        }
        self.mode = Mode::Pressed { from: place, is_touch, is_panning };
        Act::Nothing
    }

    /// A pointer has moved; `width_px` is the plot's width in CSS pixels.
    pub fn moved(&mut self, id: i32, place: f64, width_px: f64) -> Act {
        if self.mode == Mode::Idle {
            return Act::Point(in_plot(place));
        }
        let Some(index) = self.pointers.iter().position(|slot| slot.is_some_and(|p| p.id == id)) else {
            return Act::Nothing;
        };
        let before = self.pointers;
        self.pointers[index] = Some(Pointer { id, place });
        match self.mode {
            Mode::Pressed { from, .. } if (place - from).abs() * width_px < SLOP_PX => Act::Nothing,
            Mode::Pressed { is_panning: true, from, .. } => {
                self.mode = Mode::Panning;
                Act::Pan(place - from)
            }
            Mode::Pressed { is_touch: true, .. } | Mode::Scrubbing => {
                self.mode = Mode::Scrubbing;
                Act::Point(in_plot(place))
            }
            Mode::Pressed { from, .. } | Mode::Selecting { from } => {
                self.mode = Mode::Selecting { from };
                Act::Selecting(from, place.clamp(0.0, 1.0))
            }
            Mode::Panning => Act::Pan(before[index].map_or(0.0, |p| place - p.place)),
            Mode::Pinching => match (before, self.pointers) {
                ([Some(a), Some(b)], [Some(c), Some(d)]) => {
                    Act::Pinch([a.place, b.place], [c.place, d.place])
                }
                _ => Act::Nothing,
            },
            Mode::Idle => Act::Nothing,
        }
    }

    /// A pointer is let go.
    pub fn up(&mut self, id: i32, place: f64) -> Act {
        if !self.take(id) {
            return Act::Nothing;
        }
        match std::mem::take(&mut self.mode) {
            Mode::Pressed { from, .. } => Act::Click(from),
            Mode::Selecting { from } => Act::Select(from, place.clamp(0.0, 1.0)),
            // The finger that stays does nothing more: it would jump.
            Mode::Pinching if self.pointers.iter().any(Option::is_some) => {
                self.mode = Mode::Pinching;
                Act::Nothing
            }
            _ => Act::Nothing,
        }
    }

    /// The browser has taken a pointer away, or a key gives the gesture up.
    pub fn cancel(&mut self) -> Act {
        *self = Self::default();
        Act::Unselect
    }

    fn take(&mut self, id: i32) -> bool {
        let slot = self.pointers.iter_mut().find(|slot| slot.is_some_and(|p| p.id == id));
        slot.is_some_and(|slot| slot.take().is_some())
    }
}

fn in_plot(place: f64) -> Option<f64> {
    (0.0..=1.0).contains(&place).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: f64 = 1_000.0;

    #[test]
    fn a_mouse_points_clicks_and_selects() {
        let mut gesture = Gesture::default();
        assert_eq!(gesture.moved(1, 0.3, WIDTH), Act::Point(Some(0.3)));
        assert_eq!(gesture.moved(1, -0.1, WIDTH), Act::Point(None), "on the axis");
        assert_eq!(gesture.down(1, 0.3, false, false), Act::Nothing);
        assert_eq!(gesture.moved(1, 0.303, WIDTH), Act::Nothing, "a hand trembles");
        assert_eq!(gesture.up(1, 0.303), Act::Click(0.3));
        gesture.down(1, 0.3, false, false);
        assert_eq!(gesture.moved(1, 0.5, WIDTH), Act::Selecting(0.3, 0.5));
        assert_eq!(gesture.moved(1, 0.3, WIDTH), Act::Selecting(0.3, 0.3), "once dragged it is no click");
        assert_eq!(gesture.up(1, 1.7), Act::Select(0.3, 1.0));
        assert!(!gesture.is_pressed());
    }

    #[test]
    fn with_shift_a_mouse_pans() {
        let mut gesture = Gesture::default();
        gesture.down(1, 0.5, false, true);
        assert_eq!(gesture.moved(1, 0.25, WIDTH), Act::Pan(-0.25));
        assert_eq!(gesture.moved(1, 0.5, WIDTH), Act::Pan(0.25));
        assert_eq!(gesture.up(1, 0.5), Act::Nothing);
    }

    #[test]
    fn one_finger_moves_the_cursor_and_two_pinch() {
        let mut gesture = Gesture::default();
        gesture.down(7, 0.25, true, false);
        assert_eq!(gesture.moved(7, 0.5, WIDTH), Act::Point(Some(0.5)));
        gesture.down(8, 0.75, true, false);
        assert_eq!(gesture.moved(8, 0.875, WIDTH), Act::Pinch([0.5, 0.75], [0.5, 0.875]));
        assert_eq!(gesture.down(9, 0.1, true, false), Act::Nothing, "a third finger");
        assert_eq!(gesture.moved(9, 0.2, WIDTH), Act::Nothing);
        assert_eq!(gesture.up(9, 0.2), Act::Nothing);
        assert_eq!(gesture.up(7, 0.5), Act::Nothing);
        assert_eq!(gesture.moved(8, 0.1, WIDTH), Act::Nothing, "the other stays without effect");
        assert_eq!(gesture.up(8, 0.1), Act::Nothing);
        assert!(!gesture.is_pressed());
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let mut gesture = Gesture::default();
        gesture.down(1, 0.3, false, false);
        gesture.moved(1, 0.5, WIDTH);
        assert_eq!(gesture.cancel(), Act::Unselect);
        assert_eq!(gesture.up(1, 0.5), Act::Nothing);
        assert_eq!(gesture.moved(1, 0.5, WIDTH), Act::Point(Some(0.5)));
    }
}
