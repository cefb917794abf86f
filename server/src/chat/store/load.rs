//! From files to rooms. Whatever stands in the folder, this gives what can be read of it, in order and without a hole.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{FORMAT, Header, Record, SUFFIX, SegmentBounds, Store, boot_id, stopped_path};

/// A room as it was.
pub(in crate::chat) struct Stored {
    pub(in crate::chat) room: String,
    pub(in crate::chat) epoch: u64,
    /// Seq of the line before the first of `records`.
    pub(in crate::chat) before: u64,
    /// Its lines, without a hole.
    pub(in crate::chat) records: Vec<Record>,
    /// Where its further lines go.
    pub(in crate::chat) store: Store,
}

/// What one file holds.
struct Segment {
    path: PathBuf,
    header: Header,
    records: Vec<Record>,
    is_closed: bool,
    /// Bytes at its end, or inside it, that are no line: torn by a crash.
    n_torn_bytes: usize,
}

/// Reads every room that the folder holds, at most `n_rooms_max`, those with the newest lines first, and makes them
/// ready to go on.
///
/// # Errors
/// The file system's. A file that cannot be understood is left as it is, with a warning.
pub(in crate::chat) fn load(
    folder: &Path,
    bounds: SegmentBounds,
    n_rooms_max: usize,
    mut new_epoch: impl FnMut(u64) -> u64,
) -> io::Result<Vec<Stored>> {
    let mut by_room: HashMap<String, BTreeMap<(u64, u64), Segment>> = HashMap::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.extension().is_none_or(|suffix| suffix != SUFFIX) {
            continue;
        }
        match read_segment(&path)? {
            Some(segment) => {
                let place = (segment.header.epoch, segment.header.before);
                by_room.entry(segment.header.room.clone()).or_default().insert(place, segment);
            }
            None => {
                tracing::warn!(path = %path.display(), "chat: {} is no history of this version", path.display());
            }
        }
    }
    let newest_at_ms = |segments: &BTreeMap<_, Segment>| {
        segments.values().flat_map(|segment| segment.records.last()).map(|record| record.line.at_ms).max()
    };
    let mut rooms: Vec<_> = by_room.into_iter().collect();
    rooms.sort_by_key(|(room, segments)| {
        std::cmp::Reverse((room == signalbox_shared::chat::LOBBY, newest_at_ms(segments)))
    });
    if n_rooms_max < rooms.len() {
        let n_left = rooms.len() - n_rooms_max;
        tracing::warn!(
            n_left,
            "chat: {n_left} stored rooms are over the bound (chat_rooms) and stay on disk"
        );
    }
    rooms.truncate(n_rooms_max);
    rooms.into_iter().map(|(room, segments)| revive(folder, bounds, room, segments, &mut new_epoch)).collect()
}

fn revive(
    folder: &Path,
    bounds: SegmentBounds,
    room: String,
    segments: BTreeMap<(u64, u64), Segment>,
    new_epoch: &mut impl FnMut(u64) -> u64,
) -> io::Result<Stored> {
    // Of an epoch that was given up in the middle of a start, the newer one holds everything.
    let epoch = segments.keys().next_back().map_or(0, |(epoch, _)| *epoch);
    let (old, paths): (Vec<_>, Vec<_>) = {
        let paths = segments.values().map(|segment| segment.path.clone()).collect();
        (segments.into_values().filter(|segment| segment.header.epoch == epoch).collect(), paths)
    };
    let stopped = stopped_path(folder, epoch);
    let is_whole =
        old.last().is_some_and(|last| last.is_closed || last.header.boot == boot_id()) && !stopped.exists();
    let n_torn_bytes: usize = old.iter().map(|segment| segment.n_torn_bytes).sum();
    let mut before = old.first().map_or(0, |segment| segment.header.before);
    let mut records: Vec<Record> = Vec::new();
    for segment in old {
        let head = before + records.len() as u64;
        if head < segment.header.before {
            // Lines between two files are gone; what is behind the hole is what can be resumed.
            (before, records) = (segment.header.before, Vec::new());
        }
        for record in segment.records {
            let head = before + records.len() as u64;
            match record.line.id.seq {
                seq if seq <= head => {}
                seq if seq == head + 1 => records.push(record),
                seq => (before, records) = (seq - 1, vec![record]),
            }
        }
    }
    let epoch_now = if is_whole { epoch } else { new_epoch(epoch) };
    for record in &mut records {
        record.line.id.epoch = epoch_now;
    }
    let n_lines = records.len();
    tracing::info!(%room, n_lines, n_torn_bytes, is_whole, "chat room {room}: {n_lines} lines are back, {n_torn_bytes} bytes were torn");
    let store = Store::create(folder, &room, epoch_now, before, &records, bounds)?;
    for path in paths.iter().chain([&stopped]).filter(|path| !store.segments.contains(path) && path.exists())
    {
        fs::remove_file(path)?;
    }
    Ok(Stored { room, epoch: epoch_now, before, records, store })
}

/// None when it is no file of this form. A line that does not decode is torn; what is whole behind it counts.
fn read_segment(path: &Path) -> io::Result<Option<Segment>> {
    let bytes = fs::read(path)?;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let header: Option<Header> = lines.next().and_then(|line| serde_json::from_slice(line).ok());
    let Some(header) = header.filter(|header| header.format == FORMAT) else { return Ok(None) };
    let mut segment =
        Segment { path: path.to_owned(), header, records: Vec::new(), is_closed: false, n_torn_bytes: 0 };
    for line in lines {
        // Without its end a line may be a part of a longer one that happens to decode.
        let record: Option<Record> =
            line.ends_with(b"\n").then(|| serde_json::from_slice(line).ok()).flatten();
        match record {
            Some(record) if record.line.id.epoch == segment.header.epoch => {
                segment.is_closed = false;
                segment.records.push(record);
            }
            _ if line == super::CLOSED => segment.is_closed = true,
            _ => segment.n_torn_bytes += line.len(),
        }
    }
    Ok(Some(segment))
}
