//! HTTP/1.1 connections: accepted up to a bound, with a deadline for the request's head, ended gracefully.
//!
//! hyper-util stands here instead of `axum::serve`, which bounds neither. Knows no route, but lets one take over its
//! connection ([`hand_over`](super::hand_over)).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::feed::HangUp;
use super::hand_over::{Ended, HandOver, Rest};
use crate::accept::Acceptor;
use crate::limits::Limits;
use crate::outlet::{self, Outlet, SharedStream};

/// Longest request head, in bytes: hyper's smallest buffer is 8 KiB, and cookies of other local pages may come along.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Serves `router` until `shutdown`, and returns when every connection has ended. Open streams must end by
/// themselves on the same token.
pub async fn serve(listener: TcpListener, router: Router, limits: Arc<Limits>, shutdown: CancellationToken) {
    let mut acceptor = Acceptor::new(listener, "http");
    let slots =
        Arc::new(Semaphore::new(usize::try_from(limits.http_connections).unwrap_or(Semaphore::MAX_PERMITS)));
    let connections = TaskTracker::new();
    loop {
        // The slot comes first: a connection over the bound waits in the kernel's queue and is not refused.
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, acceptor.next().await)
        };
        let (slot, (stream, peer)) = tokio::select! {
            () = shutdown.cancelled() => break,
            next = next => next,
        };
        let connection =
            connection(stream, peer, router.clone(), limits.http_header_millis, shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    header_millis: u64,
    shutdown: CancellationToken,
) {
    let (stream, outlet) = outlet::share(stream);
    let http = http(stream.clone(), outlet.clone(), peer, router, header_millis, shutdown);
    // In a box, whose room is free again when the connection goes on without HTTP.
    let rest = Box::pin(http).await;
    if let Some(rest) = rest {
        rest(stream, outlet).await;
    }
}

/// Serves requests until the connection ends, or until the rest of it is somebody else's.
async fn http(
    stream: SharedStream,
    outlet: Outlet,
    peer: SocketAddr,
    router: Router,
    header_millis: u64,
    shutdown: CancellationToken,
) -> Option<Rest> {
    let (hang_up, hand_over) = (CancellationToken::new(), HandOver::default());
    let extensions = (HangUp(hang_up.clone()), hand_over.clone(), outlet.clone());
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        let (hang_up, hand_over, outlet) = extensions.clone();
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(hang_up);
        request.extensions_mut().insert(hand_over);
        request.extensions_mut().insert(outlet);
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(header_millis))
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = hand_over.drive(connection.as_mut(), &outlet) => ended,
        () = hang_up.cancelled() => return None,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = hand_over.drive(connection, &outlet) => ended,
                () = hang_up.cancelled() => return None,
            }
        }
    };
    match ended {
        Ended::Left(rest) => return Some(rest),
        Ended::Closed(Err(error)) => {
            tracing::debug!(%peer, %error, "http connection of {peer} ended: {error}");
        }
        Ended::Closed(Ok(())) => {}
    }
    None
}
