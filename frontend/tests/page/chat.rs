//! The chat view in a real browser.

use crate::support::{Page, eventually, focused_id};
use signalbox_frontend::state::chat_room::Membership;
use signalbox_frontend::state::route::View;
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLine, ChatLineKind, ChatUser, ChatVia};
use wasm_bindgen_test::wasm_bindgen_test;

fn said(seq: u64, name: &str, text: &str) -> ChatLine {
    let id = EventId { epoch: 1, seq };
    ChatLine { id, at_ms: 0, name: name.into(), kind: ChatLineKind::Said { text: text.into() } }
}

fn inside() -> Page {
    let page = Page::open(View::Chat(None));
    let users = vec![ChatUser { name: "ada".into(), via: ChatVia::Browser, since_ms: 0, is_idle: false }];
    page.stores().chat.update(|chat| {
        chat.shown_mut().present(users, 1);
        chat.shown_mut().joined("ada".into(), vec![], None);
    });
    page
}

#[wasm_bindgen_test]
async fn a_name_is_checked_before_it_is_sent() {
    let page = Page::open(View::Chat(None));
    page.type_into(".join [name=name]", "a\u{202e}b");
    page.click(".join [type=submit]");
    eventually("the form says why", || page.text(".form-error").contains("U+202E")).await;
    page.type_into(".join [name=name]", " ada ");
    page.click(".join [type=submit]");
    eventually("it asks to enter", || page.text(".join [type=submit]") == "Joining …").await;
    assert_eq!(
        page.stores().chat.peek(|chat| chat.shown().membership.clone()),
        Membership::Entering("ada".into())
    );
}

#[wasm_bindgen_test]
async fn a_name_in_use_comes_with_a_free_one() {
    let page = Page::open(View::Chat(None));
    page.stores().chat.update(|chat| {
        chat.shown_mut().membership = Membership::Entering("ada".into());
        chat.shown_mut().refused("the name is in use".into(), Some("ada2".into()));
    });
    eventually("the suggestion is a button", || page.text(".join .button:not(.primary)") == "Join as ada2")
        .await;
    assert!(page.text(".form-error").contains("the name is in use"));
    page.click(".join .button:not(.primary)");
    eventually("it asks under the free name", || {
        page.stores().chat.peek(|chat| chat.shown().membership == Membership::Entering("ada2".into()))
    })
    .await;
}

/// Whoever came in by the keyboard writes on with it; whoever came in by a reload is left alone.
#[wasm_bindgen_test]
async fn who_asked_to_come_in_can_write_at_once() {
    let enter = |page: &Page| {
        page.stores().chat.update(|chat| chat.shown_mut().joined("ada".into(), vec![], None));
    };
    let page = Page::open(View::Chat(None));
    enter(&page);
    eventually("the room stands", || page.count(".composer") == 1).await;
    assert_ne!(focused_id(), "say");
    drop(page);
    let page = Page::open(View::Chat(None));
    page.type_into(".join [name=name]", "ada");
    page.click(".join [type=submit]");
    enter(&page);
    eventually("the field has the keyboard", || focused_id() == "say").await;
}

/// Presses a key where one writes, and says whether the page has taken it.
fn is_taken(page: &Page, key: &str) -> bool {
    let init = web_sys::KeyboardEventInit::new();
    init.set_key(key);
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
    !page.find("#say").unwrap().dispatch_event(&event).unwrap()
}

#[wasm_bindgen_test]
async fn what_was_said_comes_back_by_arrow_keys() {
    let page = inside();
    eventually("the room stands", || page.count(".composer") == 1).await;
    assert!(!is_taken(&page, "ArrowUp"));
    for line in ["one", "two"] {
        page.type_into("#say", line);
        page.click(".composer [type=submit]");
    }
    page.type_into("#say", "dra");
    for (key, shown) in [("ArrowUp", "two"), ("ArrowUp", "one"), ("ArrowDown", "two"), ("ArrowDown", "dra")] {
        assert!(is_taken(&page, key));
        eventually(shown, || page.value("#say") == shown).await;
    }
}

#[wasm_bindgen_test]
async fn a_mention_is_completed_by_tab() {
    let page = inside();
    let user =
        |name: &str| ChatUser { name: name.into(), via: ChatVia::Browser, since_ms: 0, is_idle: false };
    page.stores().chat.update(|chat| chat.shown_mut().present(["ada", "bob", "bea"].map(user).into(), 3));
    eventually("the room stands", || page.count(".composer") == 1).await;
    let tab_is_taken = || is_taken(&page, "Tab");
    page.type_into("#say", "hi @b");
    assert!(tab_is_taken());
    eventually("the first that fits", || page.value("#say") == "hi @bob ").await;
    assert!(tab_is_taken());
    eventually("the next one", || page.value("#say") == "hi @bea ").await;
    // One's own name is no mention, and the key goes on to what comes next.
    page.type_into("#say", "hi @a");
    assert!(!tab_is_taken());
    page.type_into("#say", "hi");
    assert!(!tab_is_taken());
}

#[wasm_bindgen_test]
async fn lines_are_text_and_a_log() {
    let page = inside();
    let hostile = "<b>bold</b><script>document.title='owned'</script>";
    page.stores().chat.update(|chat| chat.shown_mut().apply_line(said(1, "<i>bob</i>", hostile)));
    eventually("the line stands", || page.text(".line-text") == hostile).await;
    assert_eq!(page.text(".line-name"), "<i>bob</i>");
    assert_eq!(page.attribute(".lines", "role"), "log");
    assert_eq!(page.count(".lines b") + page.count(".lines i") + page.count("script"), 0);
}

#[wasm_bindgen_test]
async fn what_is_said_without_a_connection_waits_and_is_shown_so() {
    let page = inside();
    eventually("the room stands", || page.count(".composer").eq(&1)).await;
    page.type_into("#say", "hello");
    page.click(".composer [type=submit]");
    eventually("the line waits", || page.text(".unconfirmed").contains("waits for the connection")).await;
    page.stores().chat.update(|chat| {
        let key = chat.shown().pending()[0].key.clone();
        chat.shown_mut().failed(&key, "too long".into());
    });
    eventually("the refusal is shown", || page.text(".unconfirmed").contains("not sent: too long")).await;
    page.click(".unconfirmed .button:last-child");
    eventually("it can be given up", || page.count(".unconfirmed") == 0).await;
}

#[wasm_bindgen_test]
async fn a_lost_connection_does_not_tear_the_room_down() {
    let page = inside();
    page.stores().chat.update(|chat| chat.shown_mut().apply_line(said(1, "bob", "hi")));
    eventually("the line stands", || page.count(".line-text") == 1).await;
    let line = page.find(".line-text");
    page.stores().chat.update(|chat| {
        chat.shown_mut().interrupted();
        chat.shown_mut().n_unread = 1;
    });
    eventually("the page has taken notice", || page.text("nav .badge").starts_with('1')).await;
    assert_eq!(page.find(".line-text"), line, "the same element");
}

#[wasm_bindgen_test]
async fn what_waits_for_a_room_is_told_before_it_is_entered() {
    let page = Page::open(View::Chat(None));
    page.stores().chat.update(|chat| {
        let kept = |key: &str| ("lobby".to_owned(), key.to_owned(), "typed before".to_owned(), None);
        chat.restore(vec![kept("k1"), kept("k2")]);
    });
    eventually("it is told", || page.text(".waiting").starts_with("2 lines of yours wait to be said here"))
        .await;
    page.click(".waiting .button");
    eventually("it can be given up", || page.count(".waiting") == 0).await;
    assert!(page.stores().chat.peek(|chat| chat.unsaid().is_empty()));
}

#[wasm_bindgen_test]
async fn a_line_tells_how_far_it_has_come() {
    let page = inside();
    eventually("the room stands", || page.count(".composer").eq(&1)).await;
    page.type_into("#say", "hello");
    page.click(".composer [type=submit]");
    eventually("it waits", || page.attribute(".unconfirmed", "data-send") == "waiting").await;
    let key =
        page.stores().chat.update(|chat| chat.shown_mut().take_unsent().expect("a line waits to be sent").0);
    eventually("it is on its way", || page.text(".line-state") == "sending \u{2026}").await;
    page.stores().chat.update(|chat| chat.shown_mut().failed(&key, "a reason".into()));
    eventually("it was refused", || page.text(".line-state") == "not sent: a reason").await;
    page.click(".unconfirmed .button:first-of-type");
    eventually("it is tried again", || page.attribute(".unconfirmed", "data-send") == "waiting").await;
    page.stores().chat.update(|chat| {
        let key = chat.shown_mut().take_unsent().expect("a line waits to be sent").0;
        chat.shown_mut().apply_line(said(7, "ada", "hello"));
        chat.shown_mut().confirmed(&key, Some(EventId { epoch: 1, seq: 7 }));
    });
    eventually("it stands in the room, once", || {
        page.count(".unconfirmed") == 0 && page.count("article.line") == 1
    })
    .await;
}

#[wasm_bindgen_test]
async fn days_and_crowds_are_set_apart() {
    const DAY_MS: i64 = 86_400_000;
    let page = inside();
    page.stores().chat.update(|chat| {
        let room = chat.shown_mut();
        for (seq, day) in [(1, 10), (2, 11)] {
            room.apply_line(ChatLine { at_ms: day * DAY_MS + DAY_MS / 2, ..said(seq, "bob", "hi") });
        }
        for (seq, name) in [(3, "cid"), (4, "dan"), (5, "eve")] {
            let kind = ChatLineKind::Joined;
            room.apply_line(ChatLine { at_ms: 11 * DAY_MS + DAY_MS / 2, kind, ..said(seq, name, "") });
        }
    });
    eventually("two days", || page.count(".day") == 2).await;
    assert!(page.text(".day").ends_with("11 January 1970"), "{}", page.text(".day"));
    assert_eq!(page.count(".line.note"), 1);
    assert!(page.text(".line.note").ends_with("cid, dan, eve connected"), "{}", page.text(".line.note"));
    assert_eq!(page.count(".line time[datetime]"), 3);
}
