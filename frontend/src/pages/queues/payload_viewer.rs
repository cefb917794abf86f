//! How far a payload has been laid out: a piece in each frame, so that no task grows with it.

use leptos::prelude::*;

use crate::control::Control;
use crate::state::json_lines::{Folds, JsonLines};
use crate::state::line_diff::Diff;
use crate::state::payload_form::Form;
use crate::state::text_lines::TextLines;

/// Bytes that are laid out at once, when a message is chosen.
pub(super) const FIRST_BYTES: usize = 4 * 1024;
/// Bytes that are laid out in each frame after that: a few milliseconds.
const SLICE_BYTES: usize = 128 * 1024;
/// The payload as it is laid out so far.
#[derive(Default)]
pub struct Layout {
    /// As JSON.
    pub json: JsonLines,
    /// As text.
    pub text: TextLines,
    /// What of the JSON is folded away.
    pub folds: Folds,
    /// What differs from the message before.
    pub difference: Option<Diff>,
    /// Whether one of the two is longer than what was compared.
    pub is_difference_of_parts: bool,
    is_due: bool,
}

/// What the viewer's parts share.
#[derive(Clone, Copy)]
pub struct Viewer {
    /// The row of the message.
    pub serial: u64,
    /// How it is shown.
    pub form: RwSignal<Form>,
    /// The lines that have been found.
    pub layout: StoredValue<Layout, LocalStorage>,
    /// Changes when the layout has.
    pub revision: RwSignal<u64>,
}

impl Viewer {
    /// Lays out a piece, and goes on in the next frame while there is more.
    pub(super) fn advance(self, control: &Control, budget_bytes: usize) {
        let Some(form) = self.form.try_get_untracked() else { return };
        let has_more = control.stores.whole.peek(|whole| {
            let whole = whole.as_ref().filter(|whole| whole.serial == self.serial)?;
            let (bytes, is_end) = (&whole.bytes, whole.is_complete());
            self.layout.try_update_value(|layout| match form {
                Form::Json => {
                    layout.json.advance(bytes, budget_bytes, is_end);
                    !layout.json.is_caught_up(bytes, is_end)
                }
                Form::Text => {
                    layout.text.advance(bytes, budget_bytes, is_end);
                    !layout.text.is_caught_up(bytes, is_end)
                }
                _ => false,
            })
        });
        let Some(has_more) = has_more else { return };
        self.revision.try_update(|revision| *revision += 1);
        let is_due = self.layout.try_update_value(|layout| {
            let was_due = layout.is_due;
            layout.is_due |= has_more;
            has_more && !was_due
        });
        if is_due == Some(true) {
            let control = control.clone();
            request_animation_frame(move || {
                self.layout.try_update_value(|layout| layout.is_due = false);
                self.advance(&control, SLICE_BYTES);
            });
        }
    }
}
