//! An append-only log in a few files of bounded size: what survives a restart. Knows nothing of what it holds.
//!
//! A file is eight bytes of [`MAGIC`] and then records: length and CRC-32 of the payload, four bytes each, little endian,
//! and the payload. A record that is cut off or damaged ends its file for the reader, and every file is read on its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How each file begins: the format's name and version.
const MAGIC: &[u8; 8] = b"SBXLOG\x001";
/// Bytes before each payload.
const HEADER_BYTES: usize = 8;
/// A file holds at most this fraction of the whole log, so that dropping the oldest drops little.
const FILE_FRACTION: u64 = 16;
/// Largest payload, in bytes: far over a chunk of the feed, and a bound on what a damaged length can ask for.
pub(super) const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogBounds {
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// Age of a file's newest record, in milliseconds.
    pub(super) age_ms: i64,
}

/// A log that is written to.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    name: &'static str,
    bounds: LogBounds,
    /// Oldest first; the last one is written to.
    segments: Vec<Segment>,
    file: Option<File>,
    begun_at_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    /// Bytes of whole records.
    bytes: u64,
    newest_at_ms: i64,
}

/// What a log held when it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Whole records.
    pub(super) n_records: u64,
    /// Bytes that belong to no whole record.
    pub(super) damaged_bytes: u64,
}

impl Log {
    /// Opens or begins the log `name` in `dir`, and gives each payload that it holds to `take`, oldest first.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read. Damage is no error.
    pub(super) fn open(
        dir: &Path,
        name: &'static str,
        bounds: LogBounds,
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<(Self, Found)> {
        let mut found = Found::default();
        let mut segments = Vec::new();
        for number in numbers(dir, name)? {
            let path = path(dir, name, number);
            let mut bytes = Vec::new();
            // One byte more than a file of ours can have.
            let file = File::open(&path)?;
            let newest_at_ms = file.metadata()?.modified().map_or(0, ms_from);
            let file_bytes = file.metadata()?.len();
            file.take(bounds.bytes / FILE_FRACTION + PAYLOAD_BYTES_MAX as u64 + 64)
                .read_to_end(&mut bytes)?;
            let whole = records(&bytes, |payload| {
                found.n_records += 1;
                take(payload);
            });
            found.damaged_bytes += file_bytes.saturating_sub(whole);
            segments.push(Segment { number, bytes: whole, newest_at_ms });
        }
        Ok((Self { dir: dir.to_owned(), name, bounds, segments, file: None, begun_at_ms: 0 }, found))
    }

    /// Appends one record. It is the operating system's when this returns, and on the disk after [`Self::sync`].
    ///
    /// # Errors
    /// When the file cannot be written; the record is lost then, and the next one is tried anew.
    pub(super) fn append(&mut self, payload: &[u8], now_ms: i64) -> io::Result<()> {
        if PAYLOAD_BYTES_MAX < payload.len() {
            return Err(io::Error::other(format!("a record of {} bytes is too large", payload.len())));
        }
        let file_bytes_max = self.bounds.bytes / FILE_FRACTION;
        let is_full = self
            .segments
            .last()
            .is_none_or(|segment| file_bytes_max < segment.bytes + (HEADER_BYTES + payload.len()) as u64);
        let is_old = self.bounds.age_ms / (FILE_FRACTION as i64) < now_ms - self.begun_at_ms;
        if self.file.is_none() || is_full || is_old {
            self.begin(now_ms, (HEADER_BYTES + payload.len()) as u64)?;
        }
        let (Some(file), Some(segment)) = (&mut self.file, self.segments.last_mut()) else { return Ok(()) };
        let mut record = Vec::with_capacity(HEADER_BYTES + payload.len());
        // The bound on payloads is far under four gigabytes.
        record.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
        record.extend_from_slice(payload);
        if let Err(error) = file.write_all(&record) {
            // What stands there in part ends that file for a reader; the next record begins another one.
            self.file = None;
            return Err(error);
        }
        segment.bytes += record.len() as u64;
        segment.newest_at_ms = now_ms;
        Ok(())
    }

    /// Puts what was appended onto the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Bytes of all files.
    #[must_use]
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Begins a file, and drops the oldest ones that are over a bound.
    fn begin(&mut self, now_ms: i64, record_bytes: u64) -> io::Result<()> {
        self.begun_at_ms = now_ms;
        let number = self.segments.last().map_or(1, |segment| segment.number + 1);
        let mut file =
            OpenOptions::new().create_new(true).append(true).open(path(&self.dir, self.name, number))?;
        // Known before it is written to, so that a failure here takes another number next time.
        self.segments.push(Segment { number, bytes: MAGIC.len() as u64, newest_at_ms: now_ms });
        file.write_all(MAGIC)?;
        if let Some(before) = self.file.replace(file) {
            before.sync_data()?;
        }
        // Room for the file that begins.
        let bytes_max = self.bounds.bytes.saturating_sub(record_bytes.max(self.bounds.bytes / FILE_FRACTION));
        while let Some(&oldest) = self.segments.first().filter(|_| 1 < self.segments.len()) {
            let is_old = self.bounds.age_ms < now_ms - oldest.newest_at_ms;
            if !is_old && self.bytes() <= bytes_max {
                break;
            }
            fs::remove_file(path(&self.dir, self.name, oldest.number))?;
            self.segments.remove(0);
        }
        Ok(())
    }
}

/// Gives each whole record to `take`, and how many bytes all of them have with the file's head.
fn records(bytes: &[u8], mut take: impl FnMut(&[u8])) -> u64 {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else { return 0 };
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let [a, b, c, d, crc @ ..] = *header;
        let n_bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some(payload) = behind.get(..n_bytes).filter(|payload| payload.len() <= PAYLOAD_BYTES_MAX) else {
            break;
        };
        if crc32fast::hash(payload) != u32::from_le_bytes(crc) {
            break;
        }
        take(payload);
        rest = &behind[n_bytes..];
    }
    (bytes.len() - rest.len()) as u64
}

fn path(dir: &Path, name: &str, number: u64) -> PathBuf {
    dir.join(format!("{name}-{number:08}.log"))
}

/// The numbers of this log's files, ascending.
fn numbers(dir: &Path, name: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file_name = entry?.file_name();
        let number = file_name.to_str().and_then(|text| {
            text.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".log")?.parse::<u64>().ok()
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn ms_from(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
