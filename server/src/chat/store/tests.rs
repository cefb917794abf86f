//! Whatever a crash leaves in the files, the room goes on with what is whole, and no id is given twice.

use signalbox_shared::EventId;
use signalbox_shared::chat::ChatLineKind;
use tempfile::TempDir;

use super::load::Stored;
use super::*;

const BOUNDS: SegmentBounds = SegmentBounds { lines: 4, bytes: 1 << 20 };

fn record(seq: u64) -> Record {
    let line = ChatLine {
        id: EventId { epoch: 7, seq },
        at_ms: 1_000,
        name: "ada".to_owned(),
        kind: ChatLineKind::Said { text: format!("line {seq}") },
    };
    Record { line, key: Some(format!("k{seq}")) }
}

fn written(n_lines: u64) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path(), "lobby", 7, 0, &[], BOUNDS).unwrap();
    for seq in 1..=n_lines {
        store.append(&record(seq)).unwrap();
    }
    (folder, store)
}

fn reload(folder: &TempDir) -> Vec<Stored> {
    load(folder.path(), BOUNDS, 10, |epoch| epoch + 100).unwrap()
}

fn seqs(stored: &Stored) -> Vec<u64> {
    stored.records.iter().map(|record| record.line.id.seq).collect()
}

fn n_files(folder: &TempDir) -> usize {
    fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn a_killed_process_leaves_everything() {
    let (folder, _store) = written(3);
    let mut rooms = reload(&folder);
    let room = rooms.pop().unwrap();
    assert_eq!((&*room.room, room.epoch, room.before, seqs(&room)), ("lobby", 7, 0, vec![1, 2, 3]));
    assert_eq!(room.records[0], record(1));
}

#[test]
fn two_files_are_kept_and_the_next_start_makes_one_of_them() {
    let (folder, store) = written(11);
    assert_eq!((store.segments.len(), n_files(&folder)), (2, 2));
    let room = reload(&folder).pop().unwrap();
    assert_eq!((room.before, seqs(&room)), (4, (5..=11).collect()));
    assert_eq!(n_files(&folder), 1);
    assert_eq!(seqs(&reload(&folder)[0]), (5..=11).collect::<Vec<_>>());
}

#[test]
fn every_torn_end_gives_the_lines_before_it() {
    let (folder, store) = written(3);
    let path = store.segments[0].clone();
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|&i| whole[i] == b'\n').map(|i| i + 1).collect();
    for n_bytes in ends[0]..=whole.len() {
        fs::write(&path, &whole[..n_bytes]).unwrap();
        let room = reload(&folder).pop().unwrap();
        let n_whole = ends[1..].iter().filter(|&&end| end <= n_bytes).count() as u64;
        assert_eq!(seqs(&room), (1..=n_whole).collect::<Vec<_>>(), "{n_bytes}");
        drop(room);
    }
}

#[test]
fn what_is_behind_a_hole_counts() {
    let (folder, store) = written(3);
    let path = store.segments[0].clone();
    let text = fs::read_to_string(&path).unwrap().replace("line 2", "line \u{7}2");
    fs::write(&path, text).unwrap();
    let room = reload(&folder).pop().unwrap();
    assert_eq!((room.before, seqs(&room)), (2, vec![3]));
}

#[test]
fn files_of_something_else_are_left_alone() {
    let (folder, _store) = written(1);
    fs::write(folder.path().join("note.txt"), "x").unwrap();
    fs::write(folder.path().join("1-0.jsonl"), "{\"format\":9}\n").unwrap();
    fs::write(folder.path().join("2-0.jsonl"), b"\xff\xff").unwrap();
    fs::write(folder.path().join("3-0.jsonl"), "").unwrap();
    assert_eq!(reload(&folder).len(), 1);
    assert_eq!(n_files(&folder), 5);
}

#[test]
fn another_run_of_the_machine_is_another_epoch_unless_all_was_closed() {
    let check = |close: bool, epoch: u64| {
        let (folder, store) = written(2);
        let path = store.segments[0].clone();
        if close {
            store.close().unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let (header, rest) = text.split_once('\n').unwrap();
        let mut header: Header = serde_json::from_str(header).unwrap();
        header.boot = Some("another".to_owned());
        fs::write(&path, format!("{}\n{rest}", serde_json::to_string(&header).unwrap())).unwrap();
        let room = reload(&folder).pop().unwrap();
        assert_eq!((room.epoch, seqs(&room)), (epoch, vec![1, 2]));
        assert_eq!(room.records[1].line.id.epoch, epoch);
        assert_eq!(n_files(&folder), 1);
    };
    check(true, 7);
    check(false, 107);
}

#[test]
fn files_that_were_given_up_begin_a_new_epoch_once() {
    let (folder, store) = written(2);
    store.give_up().unwrap();
    assert_eq!(reload(&folder)[0].epoch, 107);
    assert_eq!(reload(&folder)[0].epoch, 107);
    assert_eq!(n_files(&folder), 1);
}

#[test]
fn a_forgotten_room_leaves_nothing() {
    let (folder, store) = written(9);
    store.remove();
    assert_eq!(n_files(&folder), 0);
}
