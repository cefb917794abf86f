//! Headlines, asked for while their view is shown: the relay answers when there is something new.

use gloo_timers::future::sleep;
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::browser::storage;
use crate::state::route::View;
use crate::transport::backoff::Backoff;
use crate::transport::{history, page_events};

impl Control {
    /// The address names another view: headlines are followed while theirs is shown.
    pub(super) fn news_view_changed(&self, old: &View, new: &View) {
        match (*old == View::News, *new == View::News) {
            (false, true) => self.follow_news(),
            (true, false) => self.leave_news(),
            _ => {}
        }
    }

    /// The tab is seen again, or a person asks for headlines.
    pub fn follow_news(&self) {
        use leptos::prelude::GetUntracked as _;

        if self.stores.view.get_untracked() != View::News || self.inner.is_following_news.replace(true) {
            return;
        }
        let seen = storage::remembered(storage::NEWS_SEEN).and_then(|text| text.parse().ok()).unwrap_or(0);
        self.stores.news.update(|board| {
            if board.seen_until_ms == 0 {
                board.seen_until_ms = seen;
            }
        });
        let this = self.clone();
        spawn_local(async move {
            this.ask_for_news().await;
            this.inner.is_following_news.set(false);
        });
    }

    /// What has been on the screen is not new the next time.
    fn leave_news(&self) {
        let newest = self.stores.news.peek(|board| board.newest_ms());
        if let Some(newest) = newest {
            self.stores.news.update(|board| board.seen_until_ms = newest);
        }
    }

    /// Asks again and again until the view is left or the tab hidden; one request at a time.
    async fn ask_for_news(&self) {
        use leptos::prelude::GetUntracked as _;

        let mut backoff = Backoff::default();
        while self.stores.view.get_untracked() == View::News && !page_events::is_hidden() {
            let Some(relay) = self.inner.relay.borrow().clone() else {
                sleep(backoff.next_wait(js_sys::Math::random())).await;
                continue;
            };
            let since = self.stores.news.peek(|board| board.news.as_ref().map(|news| news.revision));
            match history::news(&relay, since).await {
                Ok(news) => {
                    backoff.reset();
                    self.stores.news.update(|board| {
                        board.failure = None;
                        board.news = Some(news);
                        // To somebody who is here for the first time, new is what comes after every source was seen.
                        if board.seen_until_ms == 0 && board.is_whole() {
                            board.seen_until_ms = board.newest_ms().unwrap_or(0);
                        }
                    });
                    // A tab that is closed says nothing; the next one begins from here.
                    if let Some(newest) = self.stores.news.peek(|board| board.newest_ms()) {
                        storage::remember(storage::NEWS_SEEN, Some(&newest.to_string()));
                    }
                    // Two hundred sources that answer one after the other are not two hundred requests.
                    sleep(std::time::Duration::from_millis(500)).await;
                }
                Err(error) => {
                    self.stores.news.update(|board| board.failure = Some(error.to_string()));
                    sleep(backoff.next_wait(js_sys::Math::random())).await;
                }
            }
        }
    }
}
