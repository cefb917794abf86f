//! What is new in the chat's rooms: counted while nobody looks, and called out when it speaks to who sits here.

use leptos::prelude::GetUntracked;
use signalbox_shared::chat::ChatLine;

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
            let is_news = room.apply_line(line.clone()) && !is_read;
            if is_news { note_news(room, &line) } else { None }
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
    let me = room.name().unwrap_or_default();
    let text = line.kind.text().filter(|_| line.name != me)?;
    let is_mention = chat_text::mentions(text, me);
    room.note_unread(line.id, is_mention);
    is_mention.then(|| (line.name.clone(), text.to_owned()))
}

/// Tells the person, where that is allowed.
pub(super) fn call_out(room: &str, call: Option<Call>) {
    if let Some((by, text)) = call {
        notification::show(&format!("{by} in {room}"), &text);
    }
}
