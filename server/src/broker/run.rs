//! A run: consecutive messages of one channel, as they stand in the buffer that they were read into.
//!
//! Runs are what the broker routes. Knows no channel and no subscriber.

use std::task::Waker;

use super::frame::{self, Frames};

/// Scratch space over this many bytes is given back after use instead of kept.
const SCRATCH_KEEP_BYTES: usize = 1024 * 1024;

/// A place of one or more whole frames in a run's source. 32 bits suffice: a read is at most one frame of 1 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    fn of(self, source: &[u8]) -> &[u8] {
        &source[self.start as usize..self.end as usize]
    }
}

/// Consecutive messages of one channel, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    place: Place<'a>,
    n_messages: u64,
    n_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Spread { source: &'a [u8], spans: &'a [Span] },
    Whole(&'a [u8]),
}

impl<'a> Run<'a> {
    /// Messages that stand spread over `source`, one per span; `n_bytes` is the sum of the spans' lengths.
    pub(crate) fn spread(source: &'a [u8], spans: &'a [Span], n_bytes: usize) -> Self {
        match spans {
            [one] => Self { place: Place::Whole(one.of(source)), n_messages: 1, n_bytes },
            _ => Self { place: Place::Spread { source, spans }, n_messages: spans.len() as u64, n_bytes },
        }
    }

    /// `n_messages` frames that follow each other without a gap.
    pub(crate) fn whole(frames: &'a [u8], n_messages: u64) -> Self {
        Self { place: Place::Whole(frames), n_messages, n_bytes: frames.len() }
    }

    pub(crate) fn n_messages(&self) -> u64 {
        self.n_messages
    }

    /// Bytes of the frames, headers included.
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Appends every frame to `out`.
    #[inline]
    pub(crate) fn copy_into(&self, out: &mut Vec<u8>) {
        match self.place {
            Place::Whole(frames) => out.extend_from_slice(frames),
            Place::Spread { source, spans } => {
                out.reserve(self.n_bytes);
                for span in spans {
                    out.extend_from_slice(span.of(source));
                }
            }
        }
    }

    /// Its frames one by one.
    pub(crate) fn frames(&self) -> RunFrames<'a> {
        match self.place {
            Place::Whole(bytes) => RunFrames { source: &[], spans: [].iter(), current: frame::frames(bytes) },
            Place::Spread { source, spans } => {
                RunFrames { source, spans: spans.iter(), current: frame::frames(&[]) }
            }
        }
    }

    /// Its first `n_messages`, or all of it.
    pub(crate) fn front(&self, n_messages: u64) -> Run<'a> {
        if self.n_messages <= n_messages {
            return *self;
        }
        let n = usize::try_from(n_messages).unwrap_or(usize::MAX);
        let n_bytes = self.frames().take(n).map(<[u8]>::len).sum();
        match self.place {
            Place::Whole(frames) => Run::whole(&frames[..n_bytes], n_messages),
            Place::Spread { source, spans } => Run::spread(source, &spans[..n], n_bytes),
        }
    }

    /// The same run without gaps: as it is, or gathered in `space`.
    pub(crate) fn gathered<'b>(&self, space: &'b mut Vec<u8>) -> Run<'b>
    where
        'a: 'b,
    {
        match self.place {
            Place::Whole(frames) => Run::whole(frames, self.n_messages),
            Place::Spread { .. } => {
                space.clear();
                self.copy_into(space);
                Run::whole(space, self.n_messages)
            }
        }
    }
}

/// Iterator of [`Run::frames`].
#[derive(Clone, Debug)]
pub(crate) struct RunFrames<'a> {
    source: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
    current: Frames<'a>,
}

impl<'a> Iterator for RunFrames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(frame) = self.current.next() {
            return Some(frame);
        }
        self.spans.next().map(|span| span.of(self.source)) // one message per span
    }
}

/// What one dispatch needs besides its bytes; kept between dispatches so that none of it is allocated anew.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The messages of the run at hand.
    pub(crate) spans: Vec<Span>,
    /// The run at hand without gaps, when more than one receiver takes it.
    pub(crate) gather: Vec<u8>,
    /// Whom to wake when all is queued.
    pub(crate) wakes: Wakes,
}

impl Scratch {
    /// Gives back what an extraordinarily large run made grow.
    pub(crate) fn trim(&mut self) {
        if SCRATCH_KEEP_BYTES < self.gather.capacity() {
            self.gather = Vec::new();
        }
        if SCRATCH_KEEP_BYTES < self.spans.capacity() * size_of::<Span>() {
            self.spans = Vec::new();
        }
    }
}

/// Writers to wake, each once, after everything was queued for them.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Waker>);

impl Wakes {
    /// So many at once, so that the first of many subscribers need not wait for the last.
    const AT_MOST: usize = 64;

    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        self.0.push(waker);
    }

    /// Wakes those collected when they are many already. Call it while no lock is held.
    #[inline]
    pub(crate) fn relieve(&mut self) {
        if Self::AT_MOST <= self.0.len() {
            self.wake_all();
        }
    }

    /// Wakes all of them and says whether there were any.
    pub(crate) fn wake_all(&mut self) -> bool {
        let any = !self.0.is_empty();
        self.0.drain(..).for_each(Waker::wake);
        any
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.wake_all(); // whoever was queued for is woken, also when a dispatch panicked
    }
}
