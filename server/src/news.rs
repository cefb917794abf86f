//! Headlines of many sites (docs/protocol.md §8): all fetched at the same time, each with a deadline of its own, and only
//! while somebody looks. Knows no HTTP server and no page.

mod fetch;
mod gateway;
pub mod guard;
mod headlines;
pub mod render;
mod source;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::Url;
use signalbox_shared::news::{Headline, News as NewsAnswer, NewsFailure, NewsSource as NewsRow};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::now_ms;
use crate::limits::Limits;

pub use headlines::Matcher;
pub use source::NewsSource;

use fetch::{Answer, Body, Fetcher, Validators};
use guard::Reach;
use headlines::Found;

/// Shortest time until a source that failed is tried again, however short its interval is.
const RETRY_MIN: Duration = Duration::from_secs(5);

/// What the settings say about news, besides the sources.
#[derive(Clone, Debug, Default)]
pub struct NewsOptions {
    /// A service that runs a page's scripts.
    pub renderer: Option<Url>,
    /// Addresses that may be asked.
    pub reach: Reach,
}

/// The sources, and what they last brought.
pub struct News {
    sources: Vec<Arc<Source>>,
    fetcher: Fetcher,
    /// Rises with each change; whoever waits watches it.
    revision: watch::Sender<u64>,
    connections: Semaphore,
    page_bytes_max: u64,
    headlines_max: usize,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

struct Source {
    rule: NewsSource,
    is_fetching: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    headlines: Vec<Headline>,
    n_left_out: u64,
    validators: Validators,
    fetched_at_ms: Option<i64>,
    took: Option<Duration>,
    failure: Option<NewsFailure>,
    /// When the last try ended.
    tried_at: Option<Instant>,
}

impl News {
    /// One that has fetched nothing yet.
    ///
    /// # Errors
    /// When the system gives no TLS configuration.
    pub fn new(
        sources: &[NewsSource],
        options: NewsOptions,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Arc<Self>> {
        let source = |rule: &NewsSource| {
            Arc::new(Source {
                rule: rule.clone(),
                is_fetching: AtomicBool::new(false),
                state: Mutex::default(),
            })
        };
        Ok(Arc::new(Self {
            sources: sources.iter().map(source).collect(),
            fetcher: Fetcher::new(options.renderer, options.reach)?,
            page_bytes_max: limits.news_page_bytes,
            revision: watch::Sender::new(0),
            connections: Semaphore::new(
                usize::try_from(limits.news_connections).unwrap_or(Semaphore::MAX_PERMITS),
            ),
            headlines_max: usize::try_from(limits.news_headlines).unwrap_or(usize::MAX),
            tasks: TaskTracker::new(),
            shutdown,
        }))
    }

    /// What there is, once every source has answered or failed for the first time. Each source's own deadline bounds
    /// this.
    pub async fn look_when_whole(self: &Arc<Self>) -> NewsAnswer {
        let mut changes = self.revision.subscribe();
        self.refresh();
        while !self.is_whole() && !self.shutdown.is_cancelled() {
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                () = self.shutdown.cancelled() => break,
            }
        }
        self.answer()
    }

    /// What there is as soon as it is not what `since` was, or after `wait`. Meanwhile whatever gets too old is fetched.
    pub async fn look_for_change(self: &Arc<Self>, since: u64, wait: Duration) -> NewsAnswer {
        let mut changes = self.revision.subscribe();
        let until = tokio::time::Instant::now() + wait;
        while *changes.borrow_and_update() == since {
            self.refresh();
            let due = tokio::time::Instant::now() + self.next_due();
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                () = tokio::time::sleep_until(until) => break,
                () = tokio::time::sleep_until(due) => {}
                () = self.shutdown.cancelled() => break,
            }
        }
        self.answer()
    }

    /// Waits until no fetch is under way; ended by the shutdown that was given at the beginning.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn refresh(self: &Arc<Self>) {
        for source in self.sources.iter().filter(|source| source.due_in().is_zero()) {
            self.begin(source);
        }
    }

    /// Begins a fetch, unless one is under way.
    fn begin(self: &Arc<Self>, source: &Arc<Source>) {
        if source.is_fetching.swap(true, Ordering::AcqRel) {
            return;
        }
        let (this, source) = (self.clone(), source.clone());
        self.tasks.spawn(async move {
            let fetched = tokio::select! {
                fetched = this.fetch(&source) => fetched,
                () = this.shutdown.cancelled() => return,
            };
            source.keep(fetched);
            source.is_fetching.store(false, Ordering::Release);
            this.revision.send_modify(|revision| *revision += 1);
        });
    }

    async fn fetch(&self, source: &Source) -> Result<Fetched, String> {
        let _connection = self.connections.acquire().await.map_err(|error| error.to_string())?;
        let started = Instant::now();
        let deadline = source.rule.deadline;
        let known = source.state.lock().validators.clone();
        let bytes_max = source.rule.bytes_max.unwrap_or(self.page_bytes_max).min(self.page_bytes_max);
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let work = async {
            match self.fetcher.fetch(&source.rule.url, source.rule.render, &known, bytes_max).await {
                Ok(Answer::NotModified) => Ok(None),
                Ok(Answer::Body(body)) => self.find(source, *body).await.map(Some),
                Err(error) => Err(error.to_string()),
            }
        };
        let body = timeout(deadline, work).await.unwrap_or_else(|_| Err(fetch::too_slow(deadline)))?;
        Ok(Fetched { body, took: started.elapsed() })
    }

    /// Looking through a page is work, which must not hold the others up.
    async fn find(&self, source: &Source, body: Body) -> Result<(Found, Validators), String> {
        let (matcher, n_max) = (source.rule.matcher.clone(), self.headlines_max);
        let found = tokio::task::spawn_blocking(move || {
            headlines::find(&matcher, &body.bytes, body.charset.as_deref(), &body.url, n_max)
                .map(|found| (found, body.validators))
        });
        let found = found.await.map_err(|error| error.to_string())?.map_err(|error| format!("{error:#}"))?;
        match &found.0 {
            Found { headlines, n_left_out: 0 } if headlines.is_empty() => {
                Err("nothing on the page matches the selectors; see `signalbox news check`".to_owned())
            }
            _ => Ok(found),
        }
    }

    fn is_whole(&self) -> bool {
        self.sources.iter().all(|source| source.state.lock().tried_at.is_some())
    }

    fn next_due(&self) -> Duration {
        self.sources
            .iter()
            .map(|source| source.due_in())
            .filter(|due| !due.is_zero())
            .min()
            .unwrap_or(RETRY_MIN)
    }

    fn answer(&self) -> NewsAnswer {
        // Read first: what comes in between is told again rather than not at all.
        let revision = *self.revision.borrow();
        NewsAnswer {
            revision,
            now_ms: now_ms(),
            sources: self.sources.iter().map(|source| source.row()).collect(),
        }
    }
}

struct Fetched {
    /// None when the source has nothing new.
    body: Option<(Found, Validators)>,
    took: Duration,
}

impl Source {
    /// How long until it is to be fetched again.
    fn due_in(&self) -> Duration {
        let state = self.state.lock();
        let Some(tried_at) = state.tried_at else { return Duration::ZERO };
        let interval = self.rule.interval;
        let interval =
            if state.failure.is_some() { interval.min(RETRY_MIN.max(interval / 10)) } else { interval };
        interval.saturating_sub(tried_at.elapsed())
    }

    fn keep(&self, fetched: Result<Fetched, String>) {
        let now_ms = now_ms();
        let mut state = self.state.lock();
        state.tried_at = Some(Instant::now());
        match fetched {
            Ok(Fetched { body, took }) => {
                state.failure = None;
                state.fetched_at_ms = Some(now_ms);
                state.took = Some(took);
                let Some((found, validators)) = body else { return };
                let seen: HashMap<String, i64> = state
                    .headlines
                    .drain(..)
                    .map(|headline| (headline.link, headline.first_seen_ms))
                    .collect();
                let headline = |(title, link): (String, String)| {
                    let first_seen_ms = seen.get(&link).copied().unwrap_or(now_ms);
                    Headline { title, link, first_seen_ms }
                };
                state.headlines = found.headlines.into_iter().map(headline).collect();
                state.n_left_out = found.n_left_out;
                state.validators = validators;
            }
            Err(reason) => {
                let name = &self.rule.name;
                if state.failure.as_ref().is_none_or(|failure| failure.reason != reason) {
                    tracing::warn!(source = %name, "no headlines from {name}: {reason}");
                }
                let at_ms = state.failure.as_ref().map_or(now_ms, |failure| failure.at_ms);
                state.failure = Some(NewsFailure { reason, at_ms });
            }
        }
    }

    fn row(&self) -> NewsRow {
        let state = self.state.lock();
        NewsRow {
            name: self.rule.name.clone(),
            url: self.rule.url.to_string(),
            color: self.rule.color.clone(),
            is_fetching: self.is_fetching.load(Ordering::Acquire),
            fetched_at_ms: state.fetched_at_ms,
            took_ms: state.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            failure: state.failure.clone(),
            headlines: state.headlines.clone(),
            n_left_out: state.n_left_out,
        }
    }
}
