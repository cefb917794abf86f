//! What is new in the chat's rooms: counted while nobody looks, and called out when it speaks to who sits here.

use leptos::prelude::GetUntracked;
use signalbox_shared::chat::{ChatLine, LOBBY};

use super::Control;
use crate::state::chat_room::ChatRoom;
use crate::state::chat_text;
use crate::state::route::View;
use crate::transport::{notification, page_events};

impl Control {
    pub(super) fn chat_line(&self, room: &str, line: ChatLine) {
        let is_read = self.is_chat_read(room);
        let call = self.stores.chat.update(|chat| {
            let room = chat.room_mut(room)?;
            if !room.apply_line(line.clone()) {
                return None;
            }
            // What is read may stand beside another window, which has the keyboard.
            if is_read { call_of(room, &line) } else { note_news(room, &line) }
        });
        call_out(room, call);
    }

    /// Somebody looks at the chat now.
    pub(super) fn read_chat(&self) {
        let room =
            self.stores.chat.peek(|chat| (chat.shown().n_unread > 0).then(|| chat.shown().room().to_owned()));
        if room.is_some_and(|room| self.is_chat_read(&room)) {
            self.stores.chat.update(|chat| chat.shown_mut().read());
        }
    }

    pub(super) fn is_chat_read(&self, room: &str) -> bool {
        matches!(self.stores.view.get_untracked(), View::Chat(_))
            && self.stores.chat.peek(|chat| chat.shown().room() == room)
            && !page_events::is_hidden()
    }
}

/// A line that speaks to who sits here: by whom, and what it says.
pub(super) type Call = (String, String);

/// Counts a line that nobody has looked at, and gives it when it is a call.
pub(super) fn note_news(room: &mut ChatRoom, line: &ChatLine) -> Option<Call> {
    line.kind.text().filter(|_| Some(&*line.name) != room.name())?;
    let call = call_of(room, line);
    room.note_unread(line.id, call.is_some());
    call
}

/// The line as a call, when it is one.
fn call_of(room: &ChatRoom, line: &ChatLine) -> Option<Call> {
    let me = room.name().unwrap_or_default();
    let text = line.kind.text().filter(|text| line.name != me && chat_text::mentions(text, me))?;
    Some((line.name.clone(), text.to_owned()))
}

/// Tells the person, where that is allowed and nobody looks; a click leads to the room.
pub(super) fn call_out(room: &str, call: Option<Call>) {
    if let Some((by, text)) = call {
        let address = View::Chat((room != LOBBY).then(|| room.to_owned())).href();
        notification::show(&format!("{by} in {room}"), &text, &address);
    }
}
