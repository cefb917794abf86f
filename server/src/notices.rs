//! What the collector and the other services have to say to each other: alerts are said in the chat's lobby and on
//! `/topic/alerts`, and messages on `/topic/marks` become marks. Each service stays free of the others.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use signalbox_shared::ChannelName;
use signalbox_shared::channel::{ALERTS_CHANNEL, MARKS_CHANNEL};
use signalbox_shared::chat::LOBBY;
use signalbox_shared::feed::AlertChange;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::chat::Chat;
use crate::clock::now_ms;
use crate::collector::{CollectorStats, History, alerts, marks};
use crate::engine::{Engine, Mode, Subscription};

/// Alerts of one moment that are said in the chat one by one; of more, a last line says how many.
const LINES_MAX: usize = 5;
/// Alerts handled as of one moment.
const ALERTS_AT_ONCE: usize = 1_024;
/// Shortest time between two such moments, so that a storm of alerts is no flood in the chat.
const ALERTS_EVERY: Duration = Duration::from_secs(1);
/// Messages on `/topic/marks` and their bytes taken at once.
const MARKS_AT_ONCE: (usize, usize) = (256, 1 << 20);
/// Time until a channel that could not be had is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Says alerts and takes marks until `shutdown`. Marks published from now on are taken, whenever the future runs.
pub fn start(
    engine: Engine,
    chat: Arc<Chat>,
    history: Arc<History>,
    stats: Arc<CollectorStats>,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let marks_tap = tap(&engine);
    async move {
        let work = async {
            tokio::join!(
                say_alerts(&engine, &chat, &history, &stats),
                take_marks(&engine, &history, &stats, marks_tap)
            )
        };
        shutdown.run_until_cancelled(work).await;
    }
}

async fn say_alerts(engine: &Engine, chat: &Chat, history: &History, stats: &CollectorStats) {
    let (Some(mut changes), Ok(channel)) = (history.take_alerts(), ALERTS_CHANNEL.parse::<ChannelName>())
    else {
        tracing::error!(
            "alerts are said in the feed only: {ALERTS_CHANNEL} is no channel, or somebody else says them"
        );
        return;
    };
    let mut moment = Vec::new();
    while let Some(first) = next(&mut changes, &mut moment).await {
        say_in_chat(chat, first, &moment);
        for change in &moment {
            // A change is texts and numbers, which always encode.
            let json = serde_json::to_vec(change).unwrap_or_default();
            if let Err(error) = engine.publish(&channel, &json).await {
                stats.count_unsaid(1);
                tracing::warn!(%error, "an alert was not published on {ALERTS_CHANNEL}: {error}");
            }
        }
        moment.clear();
        tokio::time::sleep(ALERTS_EVERY).await;
    }
}

/// Waits for the changes of one moment; gives how many of them are said one by one.
async fn next(changes: &mut mpsc::Receiver<AlertChange>, moment: &mut Vec<AlertChange>) -> Option<usize> {
    let n = changes.recv_many(moment, ALERTS_AT_ONCE).await;
    (0 < n).then_some(n.min(LINES_MAX))
}

fn say_in_chat(chat: &Chat, n_single: usize, moment: &[AlertChange]) {
    for change in &moment[..n_single] {
        announce(chat, &format!("Alert: {}", alerts::line(change)));
    }
    let n_more = moment.len() - n_single;
    if 0 < n_more {
        announce(chat, &format!("Alert: and {n_more} more begin or end: see the metrics"));
    }
}

fn announce(chat: &Chat, text: &str) {
    // The lobby is always there; this would be news to the one who changed that.
    if let Err(error) = chat.announce(LOBBY, text) {
        tracing::warn!(%error, "an alert was not said in the {LOBBY}: {error}");
    }
}

fn tap(engine: &Engine) -> Option<Subscription> {
    let channel: ChannelName = MARKS_CHANNEL.parse().ok()?;
    engine.subscribe(&channel, Mode::Tap).ok()
}

async fn take_marks(
    engine: &Engine,
    history: &History,
    stats: &CollectorStats,
    mut tapped: Option<Subscription>,
) {
    let mut is_told = false;
    loop {
        let Some(subscription) = &mut tapped else {
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!("{MARKS_CHANNEL} cannot be watched: charts get no marks until it can");
            }
            tokio::time::sleep(RETRY_AFTER).await;
            tapped = tap(engine);
            continue;
        };
        let batch = subscription.next_at_most(MARKS_AT_ONCE.0, MARKS_AT_ONCE.1).await;
        for payload in batch.payloads() {
            match marks::from_json(payload, now_ms()) {
                Ok(mark) => {
                    history.mark(mark);
                    stats.count_mark();
                }
                Err(error) => stats.refuse_mark(&error, payload),
            }
        }
        if 0 < batch.n_dropped() {
            stats.lose_marks(batch.n_dropped());
        }
    }
}
