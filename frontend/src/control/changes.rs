//! The changes of the database: watched while their view is shown.

use leptos::prelude::GetUntracked as _;
use signalbox_shared::changes::{ChangeEvent, ChangesAccounts, ChangesInfo};
use signalbox_shared::socket::ClientMessage;

use super::Control;
use crate::state::route::View;

impl Control {
    /// The address names another view: changes come only while somebody looks at them.
    pub(super) fn changes_view_changed(&self, old: &View, new: &View) {
        let (was_shown, is_shown) = (*old == View::Changes, *new == View::Changes);
        if is_shown && !was_shown {
            self.watch_changes();
        }
        if was_shown && !is_shown {
            let _ = self.send(&ClientMessage::UnwatchChanges);
            self.stores.changes.update(crate::state::changes::Changes::interrupted);
        }
    }

    /// Takes up again what the connection before this one did.
    pub(super) fn resume_changes(&self) {
        if self.stores.view.get_untracked() == View::Changes {
            self.watch_changes();
        }
    }

    pub(super) fn changes_came(&self, events: Vec<ChangeEvent>, accounts: ChangesAccounts) {
        let listening_since_ms =
            self.stores.changes.peek(|changes| changes.info.as_ref().map_or(i64::MIN, |info| info.since_ms));
        self.stores.patrons.update(|patrons| patrons.apply(&events, listening_since_ms));
        self.stores.changes.update(|changes| changes.apply(events, accounts));
    }

    pub(super) fn changes_status(&self, info: ChangesInfo) {
        self.stores.changes.update(|changes| changes.info = Some(info));
    }

    /// Without a connection it is asked for again as soon as there is one.
    fn watch_changes(&self) {
        let since = self.stores.changes.peek(crate::state::changes::Changes::last_id);
        let _ = self.send(&ClientMessage::WatchChanges { since });
    }
}
