//! Tells the rows of the channel list of new figures: not all of them in one frame, which is the one that would be missed
//! while the list is scrolled, but a part in each of the next few.

use leptos::prelude::*;

use crate::control::live::Live;
use crate::state::channels::Channels;

/// In how many frames all rows are told.
const TURNS: usize = 4;

/// What the rows listen to.
#[derive(Clone, Copy)]
pub struct Turns {
    told: [RwSignal<()>; TURNS],
    state: StoredValue<State>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Telling,
    /// There was news while an earlier one was told.
    Behind,
}

impl Turns {
    /// Begins to tell of the channels' figures.
    pub(super) fn of(channels: &Live<Channels>) -> Self {
        let this = Self { told: [(); TURNS].map(RwSignal::new), state: StoredValue::default() };
        let channels = channels.clone();
        Effect::new(move |_| {
            channels.with(|_| ());
            match this.state.get_value() {
                State::Idle => this.tell(0),
                State::Telling | State::Behind => this.state.set_value(State::Behind),
            }
        });
        this
    }

    /// Runs whoever asks again when the row at `place` is told.
    pub(super) fn track(self, place: usize) {
        self.told[place % TURNS].track();
    }

    fn tell(self, turn: usize) {
        // A list that has gone in the meantime has nobody to tell.
        if self.told[turn].try_set(()).is_some() {
            return;
        }
        if turn == 0 {
            self.state.set_value(State::Telling);
        }
        let next = (turn + 1) % TURNS;
        if next != 0 || self.state.get_value() == State::Behind {
            request_animation_frame(move || self.tell(next));
        } else {
            self.state.set_value(State::Idle);
        }
    }
}
