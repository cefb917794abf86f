//! A connection that leaves HTTP's machinery when the head of its answer is out. A body without end needs no parser, no
//! deadline and no read buffer any more, and they are most of what a connection weighs.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;

use crate::outlet::{Outlet, SharedStream};

/// Writes the rest of a body in the framing that the answer's head has said, and closes the connection by its end.
pub(super) type Rest = Box<dyn FnOnce(SharedStream, Outlet) -> BoxFuture<'static, ()> + Send>;

/// What the listener puts on each request of a connection that can be taken over.
#[derive(Clone, Default)]
pub(super) struct HandOver(Arc<Mutex<Option<Rest>>>);

/// How the HTTP side of a connection has ended.
pub(super) enum Ended<T> {
    /// By itself.
    Closed(T),
    /// The rest is written by this.
    Left(Rest),
}

impl HandOver {
    /// A body that begins with `opening`, is HTTP's up to there and then `rest`'s. Dropped with the body where that is not
    /// wanted, as by a HEAD request.
    pub(super) fn body(&self, opening: Bytes, rest: Rest) -> Body {
        let (slot, mut rest) = (self.0.clone(), Some(rest));
        let opening = stream::once(async { Ok::<_, Infallible>(opening) });
        // Being asked for more is to be told that the opening was taken.
        let offer = stream::poll_fn(move |_| {
            if let Some(rest) = rest.take() {
                *slot.lock() = Some(rest);
            }
            Poll::Pending
        });
        Body::from_stream(opening.chain(offer))
    }

    /// Drives HTTP's side of a connection until it ends, or until somebody may go on without it: everything that it had to
    /// write is with the system then.
    pub(super) async fn drive<F: Future>(&self, mut http: Pin<&mut F>, outlet: &Outlet) -> Ended<F::Output> {
        poll_fn(|cx| self.poll(http.as_mut(), outlet, cx)).await
    }

    fn poll<F: Future>(
        &self,
        http: Pin<&mut F>,
        outlet: &Outlet,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<F::Output>> {
        if let Poll::Ready(output) = http.poll(cx) {
            return Poll::Ready(Ended::Closed(output));
        }
        if outlet.is_held() {
            return Poll::Pending;
        }
        self.0.lock().take().map_or(Poll::Pending, |rest| Poll::Ready(Ended::Left(rest)))
    }
}
