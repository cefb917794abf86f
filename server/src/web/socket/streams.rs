//! Several streams under names, of which the next item of any is awaited; none waits behind another.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};

/// Endless streams by name.
pub(super) struct Streams<K, T> {
    entries: Vec<(K, BoxStream<'static, T>)>,
    /// Where to look first, so that a busy stream does not keep the others back.
    first: usize,
}

impl<K: Clone + PartialEq, T> Streams<K, T> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), first: 0 }
    }

    /// Adds a stream, instead of the one of that name if there is one.
    pub(super) fn insert(&mut self, key: K, stream: impl Stream<Item = T> + Send + 'static) {
        self.remove(&key);
        self.entries.push((key, Box::pin(stream)));
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.entries.retain(|(other, _)| other != key);
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.entries.iter().any(|(other, _)| other == key)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Waits for the next item of any stream; for ever when there is none.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> (K, T) {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(K, T)> {
        let n_streams = self.entries.len();
        for offset in 0..n_streams {
            let index = (self.first + offset) % n_streams;
            let (key, stream) = &mut self.entries[index];
            if let Poll::Ready(Some(item)) = stream.poll_next_unpin(cx) {
                self.first = index + 1;
                return Poll::Ready((key.clone(), item));
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn busy_streams_take_turns_and_quiet_ones_wait() {
        let mut streams = Streams::new();
        assert!(streams.next().now_or_never().is_none());
        streams.insert("a", stream::repeat(1));
        streams.insert("quiet", stream::pending());
        streams.insert("b", stream::repeat(2));
        let mut next = || streams.next().now_or_never().unwrap();
        assert_eq!([next(), next(), next(), next()], [("a", 1), ("b", 2), ("a", 1), ("b", 2)]);
        streams.remove(&"a");
        assert_eq!([streams.next().await, streams.next().await], [("b", 2), ("b", 2)]);
        assert!(streams.contains(&"quiet") && streams.len() == 2);
    }
}
