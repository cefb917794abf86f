//! The one connection that listens: made again whenever it is lost, LISTEN first, then the cache is cleared.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use signalbox_shared::changes::TableState;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::sync::CancellationToken;

use super::error::{DatabaseError, words};
use super::setup::{self, Look};
use super::{CHANNEL, Shared};
use crate::backoff::Backoff;

/// Shortest pause before the connection is made again, once the first attempt at once has failed.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Time between two looks whether the connection still answers and the tables are still announced.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Time the connection has to answer such a look.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// What the connection is called in `pg_stat_activity`.
const APPLICATION_NAME: &str = "signalbox listener";
/// Notifications taken in at once, so that a flood does not keep the looks back.
const BATCH_MAX: usize = 1_024;

/// Listens until `shutdown`.
pub(super) async fn run(shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
    loop {
        let mut was_up = false;
        let session = session(&shared, &mut was_up);
        let Some(result) = shutdown.run_until_cancelled(session).await else { return };
        let Err(error) = result;
        shared.lost(&error);
        if was_up {
            backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
        } else if shutdown.run_until_cancelled(sleep(backoff.wait())).await.is_none() {
            return;
        }
    }
}

/// One connection's life. Ends with the reason why it did.
async fn session(shared: &Arc<Shared>, was_up: &mut bool) -> anyhow::Result<std::convert::Infallible> {
    let mut config = shared.url.config().clone();
    config.application_name(APPLICATION_NAME);
    let (client, mut connection) =
        config.connect(shared.url.tls()).await.map_err(|error| anyhow::anyhow!(words(&error)))?;
    let mut messages = pin!(stream::poll_fn(move |cx| connection.poll_message(cx)).fuse());
    // LISTEN first, then clear: what changes between the two is announced here and waits in the stream.
    drive(&mut messages, shared, client.batch_execute(&format!("LISTEN {CHANNEL}"))).await??;
    drive(&mut messages, shared, look(shared, true)).await??;
    shared.up();
    *was_up = true;

    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.reset();
    loop {
        tokio::select! {
            message = messages.next() => take(shared, message, &mut messages)?,
            _ = looks.tick() => {
                drive(&mut messages, shared, ping(&client)).await??;
                drive(&mut messages, shared, look(shared, false)).await??;
            }
        }
    }
}

/// Awaits `work` while notifications are taken in.
async fn drive<T>(
    messages: &mut (impl Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Unpin),
    shared: &Shared,
    work: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return Ok(result),
            message = messages.next() => take(shared, message, messages)?,
        }
    }
}

/// Takes in a message and what else has come already.
fn take(
    shared: &Shared,
    first: Option<Result<AsyncMessage, tokio_postgres::Error>>,
    messages: &mut (impl Stream<Item = Result<AsyncMessage, tokio_postgres::Error>> + Unpin),
) -> anyhow::Result<()> {
    let mut payloads = Vec::new();
    let mut next = Some(first);
    let mut end = Ok(());
    while let Some(message) = next {
        match message {
            Some(Ok(AsyncMessage::Notification(notification))) => payloads.push(notification),
            Some(Ok(_)) => {}
            Some(Err(error)) => end = Err(anyhow::anyhow!(words(&error))),
            None => end = Err(anyhow::anyhow!("the database ended the connection")),
        }
        if end.is_err() || BATCH_MAX <= payloads.len() {
            break;
        }
        next = messages.next().now_or_never();
    }
    let ours = payloads.iter().filter(|notification| notification.channel() == CHANNEL);
    shared.take_in(ours.map(tokio_postgres::Notification::payload));
    end
}

async fn ping(client: &Client) -> anyhow::Result<()> {
    let answer = timeout(ANSWER_DEADLINE, client.batch_execute("")).await;
    answer
        .context("the listening connection does not answer")?
        .map_err(|error| anyhow::anyhow!(words(&error)))
}

/// Looks how the watched tables stand, and installs what is missing where that is wanted.
async fn look(shared: &Arc<Shared>, is_first: bool) -> anyhow::Result<()> {
    let targets = &shared.targets;
    let mut looks =
        shared.connections.run(async |client| Ok(setup::look(&***client, targets).await?)).await?;
    let patron_is_absent = looks.first().is_some_and(|look| look.oid.is_none());
    let is_missing = |look: &Look| look.state == TableState::NotInstalled;
    if shared.is_installing && (looks.iter().any(is_missing) || (is_first && patron_is_absent)) {
        let installed =
            shared.connections.run(async |client| setup::install(&mut *client, targets).await).await;
        let problems: HashMap<String, String> = match installed {
            Ok(problems) => problems.into_iter().collect(),
            Err(DatabaseError::Refused(problem)) => {
                targets.iter().map(|target| (target.full_name(), problem.clone())).collect()
            }
            Err(error) => return Err(error.into()),
        };
        looks = shared.connections.run(async |client| Ok(setup::look(&***client, targets).await?)).await?;
        for (target, look) in targets.iter().zip(&mut looks) {
            if let (Some(problem), Some(reason)) = (problems.get(&target.full_name()), &mut look.reason) {
                *reason = format!("{reason}; installing failed: {problem}");
            }
        }
    }
    shared.looked(looks);
    Ok(())
}
