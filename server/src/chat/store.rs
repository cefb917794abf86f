//! A room's lines on disk, so that a restart of the relay is no break: append-only files of JSON lines, of which the
//! newest two are kept. Knows no room, no user and no clock.
//!
//! A line is written before anybody is told of it. A process that is killed therefore leaves nothing undone: what any
//! page has seen is in the file, and the ids go on where they were. A machine that crashes may lose the last lines; the
//! room then begins a new epoch, so that no id is ever given twice.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signalbox_shared::chat::ChatLine;

mod load;

pub(super) use load::load;

/// Version of the files' form.
const FORMAT: u32 = 1;
/// Files kept per room: one that is written and the one before, so that at least one file's worth of lines is there.
const SEGMENTS: usize = 2;
const SUFFIX: &str = "jsonl";
/// The last line of a room that was closed in order.
const CLOSED: &[u8] = b"{\"closed\":true}\n";

/// When a room goes on in a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentBounds {
    /// Lines of one file.
    pub(super) lines: usize,
    /// Bytes of one file; one line may go over it.
    pub(super) bytes: usize,
}

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    format: u32,
    room: String,
    epoch: u64,
    /// Seq of the line before the first one here.
    before: u64,
    /// Which run of the machine wrote this, where it can be told.
    boot: Option<String>,
}

/// Every further line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What happened.
    #[serde(flatten)]
    pub(super) line: ChatLine,
    /// What makes it recognisable when it is said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

/// The files of one room, open for writing.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    room: String,
    epoch: u64,
    bounds: SegmentBounds,
    /// Oldest first; the last one is written to.
    segments: VecDeque<PathBuf>,
    file: File,
    n_lines: usize,
    n_bytes: usize,
}

impl Store {
    /// Begins a room's files with what is known of it: `records` in order, after the line with the seq `before`.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn create(
        folder: &Path,
        room: &str,
        epoch: u64,
        before: u64,
        records: &[Record],
        bounds: SegmentBounds,
    ) -> io::Result<Self> {
        let path = segment_path(folder, epoch, before);
        // Whole or not at all: until it is renamed, the files before it still hold.
        let unfinished = path.with_extension("new");
        let mut writer = BufWriter::new(File::create(&unfinished)?);
        let mut n_bytes = 0;
        for bytes in std::iter::once(header(room, epoch, before)?).chain(records.iter().map_while(encode)) {
            n_bytes += bytes.len();
            writer.write_all(&bytes)?;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&unfinished, &path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        let (folder, room, n_lines) = (folder.to_owned(), room.to_owned(), records.len());
        Ok(Self { folder, room, epoch, bounds, segments: [path].into(), file, n_lines, n_bytes })
    }

    /// Appends one line.
    ///
    /// # Errors
    /// The file system's. The files are of no use then: call [`Self::give_up`].
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.bounds.lines <= self.n_lines || self.bounds.bytes <= self.n_bytes {
            self.next_segment(record.line.id.seq - 1)?;
        }
        let bytes = encode(record).ok_or(io::ErrorKind::InvalidData)?;
        self.file.write_all(&bytes)?;
        self.n_lines += 1;
        self.n_bytes += bytes.len();
        Ok(())
    }

    fn next_segment(&mut self, before: u64) -> io::Result<()> {
        let path = segment_path(&self.folder, self.epoch, before);
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = header(&self.room, self.epoch, before)?;
        file.write_all(&bytes)?;
        (self.file, self.n_lines, self.n_bytes) = (file, 0, bytes.len());
        self.segments.push_back(path);
        if SEGMENTS < self.segments.len()
            && let Some(oldest) = self.segments.pop_front()
        {
            fs::remove_file(oldest)?;
        }
        Ok(())
    }

    /// Notes that nothing comes after what stands there, and makes sure that it is on the disk.
    ///
    /// # Errors
    /// The file system's; the room then begins a new epoch after a restart of the machine.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.file.write_all(CLOSED)?;
        self.file.sync_all()
    }

    /// Leaves the files as they are, and a note that ids were given after them.
    ///
    /// # Errors
    /// The file system's; the files are removed then, as far as they can be.
    pub(super) fn give_up(self) -> io::Result<()> {
        File::create(stopped_path(&self.folder, self.epoch)).map(drop).inspect_err(|_| self.remove_files())
    }

    /// Removes the files: the room is forgotten.
    pub(super) fn remove(self) {
        self.remove_files();
    }

    fn remove_files(&self) {
        for path in &self.segments {
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(%error, path = %path.display(), "chat: {} cannot be removed: {error}", path.display());
            }
        }
    }
}

fn encode(record: &Record) -> Option<Vec<u8>> {
    // Texts and numbers always encode.
    let mut bytes = serde_json::to_vec(record).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

fn header(room: &str, epoch: u64, before: u64) -> io::Result<Vec<u8>> {
    let header = Header { format: FORMAT, room: room.to_owned(), epoch, before, boot: boot_id() };
    let mut bytes = serde_json::to_vec(&header)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Named by numbers alone: a room's name may differ from another's by case only, or be `..`.
fn segment_path(folder: &Path, epoch: u64, before: u64) -> PathBuf {
    folder.join(format!("{epoch}-{before}.{SUFFIX}"))
}

fn stopped_path(folder: &Path, epoch: u64) -> PathBuf {
    folder.join(format!("{epoch}.stopped"))
}

/// Differs from one start of the machine to the next. Source: Linux, Documentation/admin-guide/sysctl/kernel.rst.
fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests;
