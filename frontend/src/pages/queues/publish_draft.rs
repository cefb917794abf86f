//! What the form to publish holds.

use std::sync::Arc;

use leptos::prelude::*;
use signalbox_shared::ChannelName;

use crate::state::publish_draft::{DraftKind, LineEnd, bytes_of, draft_of};

/// Largest payload that is put into the form to be edited, in bytes: what the socket takes as a message.
pub(super) const EDIT_BYTES_MAX: usize = 64 * 1024;

/// A file that was chosen: its name and bytes.
pub(crate) type ChosenFile = (String, Arc<[u8]>);

/// All of it; it outlives the form.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// Where to.
    pub channel: RwSignal<String>,
    /// How the text is meant.
    pub kind: RwSignal<DraftKind>,
    /// The text.
    pub text: RwSignal<String>,
    /// How its lines end when it is sent.
    pub line_end: RwSignal<LineEnd>,
    /// The file.
    pub file: RwSignal<Option<ChosenFile>>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            channel: RwSignal::new(String::new()),
            kind: RwSignal::new(DraftKind::Text),
            text: RwSignal::new(String::new()),
            line_end: RwSignal::new(LineEnd::Lf),
            file: RwSignal::new(None),
        }
    }
}

impl Draft {
    /// Where to and what, when both are as they should be.
    pub(crate) fn read(self) -> Result<(ChannelName, Arc<[u8]>), String> {
        let channel = self.channel.get_untracked();
        let channel = channel.trim().parse::<ChannelName>().map_err(|why| why.to_string())?;
        let bytes = match (self.kind.get_untracked(), self.file.get_untracked()) {
            (DraftKind::File, Some((_, bytes))) => bytes,
            (kind, _) => {
                let line_end = self.line_end.get_untracked();
                self.text.with_untracked(|text| bytes_of(kind, text, line_end))?.into()
            }
        };
        Ok((channel, bytes))
    }

    /// Holds what was sent, to be sent again; what is too long to be changed by hand stands there as a file.
    pub(crate) fn hold_again(self, bytes: &Arc<[u8]>) {
        if bytes.len() <= EDIT_BYTES_MAX {
            return self.hold(bytes);
        }
        self.kind.set(DraftKind::File);
        self.file.set(Some(("What was sent before".to_owned(), bytes.clone())));
    }

    /// Holds a message, to be changed and sent again. As a text field shows it, whatever it was.
    pub(crate) fn hold(self, bytes: &[u8]) {
        let (kind, text, line_end) = draft_of(bytes);
        self.kind.set(kind);
        self.text.set(text);
        self.line_end.set(line_end);
    }
}
