//! Frames and pairs: bytes in, places of frames out (docs/protocol.md §1).
//!
//! A frame is a 4-byte big-endian length and that many bytes of payload. Nothing here reads, writes, waits or copies,
//! and no input makes it panic. It knows no channel, only the bytes of names.

use std::ops::Range;

use signalbox_shared::channel::CHANNEL_NAME_BYTES_MAX;
use signalbox_shared::{ChannelName, ChannelNameError};
use thiserror::Error;

/// Bytes of a frame's length, before its payload. Source: docs/protocol.md §1.
pub const HEADER_BYTES: usize = 4;

/// Why bytes are no frame where one is due.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Its length is over the limit, whatever follows.
    #[error("frame of {payload_bytes} bytes is over the limit of {limit_bytes} bytes")]
    TooLarge {
        /// What the length says.
        payload_bytes: u64,
        /// The bound in force.
        limit_bytes: u64,
    },
    /// It stands where a channel name is due and is none.
    #[error(transparent)]
    Name(#[from] ChannelNameError),
}

/// What stands at the beginning of some bytes where a channel name is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A whole pair.
    Pair {
        /// Whose it is.
        name: Name<'a>,
        /// Where its data stands, header included, counted from the beginning of the bytes.
        frame: Range<usize>,
    },
    /// The empty frame that ends a session.
    End,
    /// Not all of a pair.
    Partial {
        /// How many bytes it takes to know more, counted like `frame`. More than are there, and no promise that they
        /// suffice.
        needed_bytes: usize,
    },
}

/// The name of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// The same as the one that the caller knew already.
    Known,
    /// Some name, not over the limit in length and not checked further.
    Other(&'a [u8]),
}

/// Which length a frame may have.
pub trait FrameLimits {
    /// Where a channel name is due, in bytes. A name is never longer than 255 bytes, whatever this is.
    fn of_names(&self) -> usize;
    /// Where data for this channel is due, in bytes.
    fn of_data(&self, channel: &[u8]) -> usize;
}

/// The same limit everywhere.
impl FrameLimits for usize {
    fn of_names(&self) -> usize {
        *self
    }

    fn of_data(&self, _channel: &[u8]) -> usize {
        *self
    }
}

/// The channel of the pair before, for the next one most likely names it too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Its name as a whole frame, header included; empty when there was none.
    pub framed_name: &'a [u8],
    /// Limit of data for it, in bytes.
    pub limit_bytes: usize,
}

/// Looks at the pair that begins at `at`. The same name as before is recognised by one comparison.
///
/// # Errors
/// Each variant of [`FrameError`], as soon as the bytes there suffice to know.
#[inline]
pub fn next_pair<'a>(
    bytes: &'a [u8],
    at: usize,
    known: Known<'_>,
    limits: &impl FrameLimits,
) -> Result<Next<'a>, FrameError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let (name, data_at, limit_bytes) = if !known.framed_name.is_empty() && rest.starts_with(known.framed_name)
    {
        (Name::Known, at + known.framed_name.len(), known.limit_bytes)
    } else {
        match name_frame(rest, limits.of_names())? {
            NameFrame::Whole([]) => return Ok(Next::End),
            NameFrame::Whole(name) => {
                (Name::Other(name), at + HEADER_BYTES + name.len(), limits.of_data(name))
            }
            NameFrame::Partial { needed_bytes } => {
                return Ok(Next::Partial { needed_bytes: at + needed_bytes });
            }
        }
    };
    let payload = payload_bytes(bytes, data_at);
    let needed_bytes = data_at + HEADER_BYTES + payload.unwrap_or(0);
    let is_too_large = payload.is_some_and(|n| limit_bytes < n);
    if payload.is_some() && !is_too_large && needed_bytes <= bytes.len() {
        return Ok(Next::Pair { name, frame: data_at..needed_bytes });
    }
    // A wrong name is told before its data came, and before a wrong length of the data, however the bytes are cut.
    if let Name::Other(name) = name {
        ChannelName::from_bytes(name)?;
    }
    if is_too_large {
        return Err(too_large(payload.unwrap_or(0), limit_bytes));
    }
    Ok(Next::Partial { needed_bytes })
}

/// A frame where a name is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameFrame<'a> {
    /// All of it: the name, which may be empty and is not checked further.
    Whole(&'a [u8]),
    /// Not all of it.
    Partial {
        /// How many bytes it takes to know more.
        needed_bytes: usize,
    },
}

/// Looks at the frame at the beginning of `bytes`, where a channel name is due.
///
/// # Errors
/// When its length is over the limit of frames or of names.
pub fn name_frame(bytes: &[u8], limit_bytes: usize) -> Result<NameFrame<'_>, FrameError> {
    let Some(n) = payload_bytes(bytes, 0) else {
        return Ok(NameFrame::Partial { needed_bytes: HEADER_BYTES });
    };
    if limit_bytes < n {
        return Err(too_large(n, limit_bytes));
    }
    if CHANNEL_NAME_BYTES_MAX < n {
        return Err(ChannelNameError::TooLong { bytes: n }.into());
    }
    Ok(match bytes.get(HEADER_BYTES..HEADER_BYTES + n) {
        Some(name) => NameFrame::Whole(name),
        None => NameFrame::Partial { needed_bytes: HEADER_BYTES + n },
    })
}

fn too_large(payload_bytes: usize, limit_bytes: usize) -> FrameError {
    FrameError::TooLarge { payload_bytes: payload_bytes as u64, limit_bytes: limit_bytes as u64 }
}

/// What the length at `at` says, when all of it is there.
#[inline]
fn payload_bytes(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..)?.first_chunk::<HEADER_BYTES>()?;
    Some(u32::from_be_bytes(*header) as usize)
}

/// Appends `payload` as a frame.
///
/// # Panics
/// When the payload is longer than a length can say, 4 GiB; every bound on frames is far below that.
pub fn append(out: &mut Vec<u8>, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a frame is shorter than 4 GiB");
    out.reserve(HEADER_BYTES + payload.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The whole frames at the beginning of `bytes`, one after the other, headers included. What is left over of a frame
/// at the end is not given.
#[must_use]
pub fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes }
}

/// Iterator of [`frames`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
}

impl<'a> Frames<'a> {
    /// What has not been given yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = HEADER_BYTES + payload_bytes(self.bytes, 0)?;
        let (frame, rest) = self.bytes.split_at_checked(end)?;
        self.bytes = rest;
        Some(frame)
    }
}

/// The payload of one whole frame, as [`frames`] gives it.
#[must_use]
pub fn payload(frame: &[u8]) -> &[u8] {
    frame.get(HEADER_BYTES..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 8;

    fn check(bytes: &[u8], known: &[u8], expected: &Result<Next<'_>, FrameError>) {
        let known = Known { framed_name: known, limit_bytes: LIMIT };
        assert_eq!(&next_pair(bytes, 0, known, &LIMIT), expected, "{bytes:?} after {known:?}");
    }

    #[test]
    fn looks_at_one_pair() {
        let known = b"\0\0\0\x01a";
        check(b"", b"", &Ok(Next::Partial { needed_bytes: 4 }));
        check(b"\0\0\0", b"", &Ok(Next::Partial { needed_bytes: 4 }));
        check(b"\0\0\0\x02a", b"", &Ok(Next::Partial { needed_bytes: 6 }));
        check(b"\0\0\0\0", b"", &Ok(Next::End));
        check(b"\0\0\0\0", known, &Ok(Next::End));
        check(b"\0\0\0\x01a", known, &Ok(Next::Partial { needed_bytes: 9 }));
        check(b"\0\0\0\x01a\0\0\0", known, &Ok(Next::Partial { needed_bytes: 9 }));
        check(b"\0\0\0\x01a\0\0\0\x02x", known, &Ok(Next::Partial { needed_bytes: 11 }));
        check(b"\0\0\0\x01a\0\0\0\x02xy", known, &Ok(Next::Pair { name: Name::Known, frame: 5..11 }));
        check(b"\0\0\0\x01a\0\0\0\0", b"", &Ok(Next::Pair { name: Name::Other(b"a"), frame: 5..9 }));
        check(b"\0\0\0\x01b\0\0\0\0", known, &Ok(Next::Pair { name: Name::Other(b"b"), frame: 5..9 }));
    }

    #[test]
    fn tells_what_is_wrong_as_soon_as_it_can_be_known() {
        let too_large = |payload_bytes| FrameError::TooLarge { payload_bytes, limit_bytes: 8 };
        check(b"\xff\xff\xff\xff", b"", &Err(too_large(u64::from(u32::MAX))));
        check(b"\0\0\0\x09", b"", &Err(too_large(9)));
        check(b"\0\0\0\x01a\0\0\0\x09", b"", &Err(too_large(9)));
        check(b"\0\0\0\x01a\0\0\0\x09", b"\0\0\0\x01a", &Err(too_large(9)));
        check(b"\0\0\0\x01\xff", b"", &Err(ChannelNameError::NotUtf8.into()));
        check(b"\0\0\0\x01\xff\0\0\0\x09", b"", &Err(ChannelNameError::NotUtf8.into()));
        check(b"\0\0\0\x01\n\0\0", b"", &Err(ChannelNameError::ControlCharacter { code_point: 10 }.into()));
        assert_eq!(
            name_frame(b"\0\0\x01\0", 1_000),
            Err(FrameError::Name(ChannelNameError::TooLong { bytes: 256 }))
        );
    }

    #[test]
    fn walks_over_whole_frames_only() {
        let mut walk = frames(b"\0\0\0\x01a\0\0\0\0\0\0\0\x02x");
        assert_eq!(walk.next(), Some(&b"\0\0\0\x01a"[..]));
        assert_eq!(walk.next(), Some(&b"\0\0\0\0"[..]));
        assert_eq!(walk.next(), None);
        assert_eq!(walk.rest(), b"\0\0\0\x02x");
        assert_eq!(payload(b"\0\0\0\x01a"), b"a");
        assert_eq!(payload(b""), b"");
    }
}
