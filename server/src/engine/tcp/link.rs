//! The one connection that publishes: it names `/null`, so that nothing comes back, and its state is the engine's.

use std::future::pending;
use std::io;
use std::time::Duration;

use signalbox_shared::ChannelName;
use signalbox_shared::engine::{EngineInfo, EngineState};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::PUBLISH_WAIT;
use crate::backoff::Backoff;
use crate::client::{self, Listener, Sender};
use crate::clock;

/// One message to publish, and where the answer goes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) channel: ChannelName,
    pub(super) payload: Vec<u8>,
    /// Why it was not sent.
    pub(super) answer: oneshot::Sender<Result<(), String>>,
}

/// Connects again and again, for ever.
pub(super) async fn keep(
    address: String,
    mut inbox: mpsc::Receiver<Request>,
    info: watch::Sender<EngineInfo>,
) {
    let mut backoff = Backoff::default();
    loop {
        let reason = match refusing(&mut inbox, &info, connect(&address)).await {
            Ok(link) => {
                note(&info, EngineState::Ready, None, None);
                tracing::info!(%address, "connected to the broker at {address}");
                backoff = Backoff::default();
                serve(link, &mut inbox).await
            }
            Err(error) => error.to_string(),
        };
        let wait = backoff.wait();
        if info.borrow().state != EngineState::Down {
            tracing::warn!(%address, reason, "the broker at {address} cannot be reached: {reason}; it is tried again");
        }
        note(&info, EngineState::Down, Some(reason), Some(wait));
        refusing(&mut inbox, &info, sleep_until(Instant::now() + wait)).await;
    }
}

async fn connect(address: &str) -> io::Result<(Listener, Sender)> {
    let nothing = "/null".parse().map_err(io::Error::other)?;
    client::connect(address, &nothing).await
}

fn note(
    info: &watch::Sender<EngineInfo>,
    state: EngineState,
    reason: Option<String>,
    wait: Option<Duration>,
) {
    let now_ms = clock::now_ms();
    info.send_modify(|info| {
        if info.state != state {
            (info.state, info.since_ms) = (state, now_ms);
        }
        info.reason = reason;
        info.retry_at_ms = wait
            .map(|wait| now_ms.saturating_add_unsigned(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
    });
}

/// Waits for `work`, and meanwhile refuses every request at once.
async fn refusing<T>(
    inbox: &mut mpsc::Receiver<Request>,
    info: &watch::Sender<EngineInfo>,
    work: impl Future<Output = T>,
) -> T {
    let refuse = async {
        while let Some(request) = inbox.recv().await {
            let reason =
                info.borrow().reason.clone().unwrap_or_else(|| "it is being connected to".to_owned());
            let _ = request.answer.send(Err(reason)); // whoever asked may have gone
        }
        pending::<()>().await;
    };
    tokio::select! {
        done = work => done,
        () = refuse => pending().await,
    }
}

/// Publishes until the connection ends, and says why it did.
async fn serve(
    (mut listener, mut sender): (Listener, Sender),
    inbox: &mut mpsc::Receiver<Request>,
) -> String {
    loop {
        let request = tokio::select! {
            request = inbox.recv() => request,
            end = ended(&mut listener) => return end,
        };
        let Some(request) = request else { return pending().await };
        let mut answers = Vec::new();
        let mut is_enough = sender.queue(&request.channel, &request.payload);
        answers.push(request.answer);
        while !is_enough && let Ok(request) = inbox.try_recv() {
            is_enough = sender.queue(&request.channel, &request.payload);
            answers.push(request.answer);
        }
        let result = match timeout(PUBLISH_WAIT, sender.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(format!("the connection failed while this was sent, and may have taken it: {error}"))
            }
            // What is written in part cannot be taken back; only a new connection is whole again.
            Err(_) => Err(format!("it took nothing for {} s", PUBLISH_WAIT.as_secs())),
        };
        for answer in answers {
            let _ = answer.send(result.clone()); // whoever asked may have gone
        }
        if let Err(reason) = result {
            return reason;
        }
    }
}

/// Waits for the end of a connection on which nothing comes.
async fn ended(listener: &mut Listener) -> String {
    loop {
        match listener.next().await {
            Ok(Some(_)) => {} // a broker that delivers on /null is odd, and harmless
            Ok(None) => return "it ended the connection".to_owned(),
            Err(error) => return error.to_string(),
        }
    }
}
