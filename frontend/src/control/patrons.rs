//! The patrons: a page of rows is fetched, one row is saved or deleted.

use signalbox_shared::changes::{PatronFields, PatronId};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::state::patrons::{Edit, Loaded, ROWS_MAX};
use crate::transport::patrons;

impl Control {
    /// Fetches the page that is chosen; what is shown stays until it comes.
    pub fn load_patrons(&self) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let (load, after) = self.stores.patrons.update(|patrons| (patrons.begin_load(), patrons.after()));
        let this = self.clone();
        spawn_local(async move {
            let answer = patrons::list(&relay, after, ROWS_MAX).await;
            let loaded = this.stores.patrons.update(|patrons| patrons.loaded(load, answer));
            if loaded == Loaded::Overtaken {
                this.load_patrons();
            }
        });
    }

    /// Goes to the next page, or back to the one before.
    pub fn turn_patrons(&self, is_forward: bool) {
        self.stores.patrons.update(|patrons| patrons.turn(is_forward));
        self.load_patrons();
    }

    /// Saves what is edited.
    pub fn save_patron(&self, fields: PatronFields) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let begun = self.stores.patrons.update(|patrons| {
            let edit = patrons.edit.as_mut().filter(|edit| edit.sent.is_none())?;
            edit.sent = Some(fields.clone());
            edit.problem = None;
            Some(edit.id)
        });
        let Some(id) = begun else { return };
        let this = self.clone();
        spawn_local(async move {
            let result = patrons::save(&relay, id, &fields).await;
            let is_new = result.is_ok() && id.is_none();
            this.stores.patrons.update(|patrons| {
                let is_it = patrons.edit.as_ref().is_some_and(|edit| edit.id == id && edit.sent.is_some());
                match (result, &mut patrons.edit) {
                    (Ok(()), edit) if is_it => *edit = None,
                    (Err(why), Some(Edit { sent, problem, .. })) if is_it => {
                        *sent = None;
                        *problem = Some(why);
                    }
                    _ => {}
                }
            });
            if is_new {
                this.load_patrons();
            }
        });
    }

    /// Deletes a row.
    pub fn delete_patron(&self, id: PatronId) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let store = self.stores.patrons.clone();
        spawn_local(async move {
            let result = patrons::delete(&relay, id).await;
            store.update(|patrons| patrons.problem = result.err());
        });
    }
}
