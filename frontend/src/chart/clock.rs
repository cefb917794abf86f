//! The moment at the right edge of a chart: the relay's clock, a little behind, and never in a hurry.
//!
//! Clocks are read over a network, so what the page knows of the relay's clock trembles. The edge follows by running
//! a little faster or slower for a while; only a real jump makes it jump.

use crate::state::stream::GATHER_MS;

/// The edge runs at most this much faster or slower than time while it catches up.
const SLEW_MAX: f64 = 0.05;

/// A difference over this, in milliseconds, is a jump and not a tremble.
const JUMP_MS: f64 = 3_000.0;

/// Follows a target that moves with time.
#[derive(Clone, Copy, Debug, Default)]
pub struct EdgeClock {
    last: Option<Reading>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    steady_ms: f64,
    edge_ms: f64,
}

impl EdgeClock {
    /// The edge at `steady_ms` (a clock that never goes back), when it should be at `target_ms`.
    pub fn edge_ms(&mut self, steady_ms: f64, target_ms: f64) -> f64 {
        let edge_ms = match self.last {
            None => target_ms,
            Some(last) => {
                let passed_ms = (steady_ms - last.steady_ms).max(0.0);
                let behind_ms = target_ms - (last.edge_ms + passed_ms);
                if JUMP_MS < behind_ms.abs() {
                    target_ms
                } else {
                    let slew_ms = SLEW_MAX * passed_ms;
                    last.edge_ms + passed_ms + behind_ms.clamp(-slew_ms, slew_ms)
                }
            }
        };
        self.last = Some(Reading { steady_ms, edge_ms });
        edge_ms
    }

    /// Forgets where the edge was: the next reading is taken as it is.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

/// What a point takes on its way beside being gathered, in milliseconds, with room.
const WAY_MS: f64 = 50.0;

/// How far the edge stays behind the clock, in milliseconds, so that a new point enters from the right: a quarter more
/// than the usual time between points, and no less than it may take until one is here, within what people still call live.
#[must_use]
pub fn delay_ms(interval_ms: Option<f64>) -> f64 {
    let interval_ms = interval_ms.unwrap_or(1_000.0);
    (interval_ms * 1.25).max(interval_ms + f64::from(GATHER_MS) + WAY_MS).min(2_500.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tremble_is_followed_slowly_and_a_jump_at_once() {
        let mut clock = EdgeClock::default();
        assert_eq!(clock.edge_ms(0.0, 1_000.0), 1_000.0);
        assert_eq!(clock.edge_ms(100.0, 1_200.0), 1_105.0);
        assert_eq!(clock.edge_ms(200.0, 1_000.0), 1_200.0);
        assert_eq!(clock.edge_ms(300.0, 90_000.0), 90_000.0);
        assert_eq!(clock.edge_ms(400.0, 2_000.0), 2_000.0);
    }

    #[test]
    fn the_edge_waits_for_what_is_gathered() {
        for (interval_ms, expected) in
            [(None, 1_250.0), (Some(10.0), 260.0), (Some(100.0), 350.0), (Some(2_000.0), 2_500.0)]
        {
            assert_eq!(delay_ms(interval_ms), expected, "{interval_ms:?}");
        }
    }

    proptest! {
        #[test]
        fn never_runs_back_while_the_clock_only_trembles(
            steps in prop::collection::vec((0.0..200.0f64, -900.0..900.0f64), 1..100)
        ) {
            let mut clock = EdgeClock::default();
            let (mut steady_ms, mut last) = (0.0, clock.edge_ms(0.0, 5_000.0));
            for (passed_ms, tremble_ms) in steps {
                steady_ms += passed_ms;
                let edge_ms = clock.edge_ms(steady_ms, 5_000.0 + steady_ms + tremble_ms);
                prop_assert!(last <= edge_ms);
                last = edge_ms;
            }
        }
    }
}
