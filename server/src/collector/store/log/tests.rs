//! What a log gives back: everything, or everything before the damage, and never more than its bounds.

use super::*;

const ROOMY: LogBounds = LogBounds { bytes: 64 << 20, age_ms: 1_000_000 };

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("signalbox-log-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self, bounds: LogBounds) -> (Log, Found, Vec<Vec<u8>>) {
        let mut payloads = Vec::new();
        let (log, found) =
            Log::open(&self.0, "feed", bounds, |payload| payloads.push(payload.to_vec())).unwrap();
        (log, found, payloads)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_was_appended_is_there_again_over_several_runs() {
    let folder = Folder::new("again");
    let mut expected = Vec::new();
    for run in 0..3_u8 {
        let (mut log, found, payloads) = folder.open(ROOMY);
        assert_eq!((found.damaged_bytes, payloads), (0, expected.clone()));
        for n in 0..5_u8 {
            let payload = vec![run; usize::from(n) * 100];
            log.append(&payload, 0).unwrap();
            expected.push(payload);
        }
        log.sync().unwrap();
    }
}

/// Whatever is cut off or turned around in the last file: what stands before it comes back, and new records do too.
#[test]
fn damage_costs_what_comes_after_it_in_its_file() {
    for (name, damage) in [
        ("cut", (|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 3)) as fn(&mut Vec<u8>)),
        ("flip", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("length", |bytes| {
            let at = bytes.len() - 10 - HEADER_BYTES;
            bytes[at..at + 4].copy_from_slice(&[255; 4]);
        }),
    ] {
        let folder = Folder::new(name);
        let (mut log, ..) = folder.open(ROOMY);
        for n in 0..4_u8 {
            log.append(&[n; 10], 0).unwrap();
        }
        drop(log);
        let file = path(&folder.0, "feed", 1);
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let (mut log, found, payloads) = folder.open(ROOMY);
        assert_eq!(payloads, [[0; 10], [1; 10], [2; 10]], "{name}");
        assert!(0 < found.damaged_bytes, "{name}");
        log.append(&[9; 10], 0).unwrap();
        assert_eq!(folder.open(ROOMY).2, [[0; 10], [1; 10], [2; 10], [9; 10]], "{name}");
    }
}

#[test]
fn a_file_of_somebody_else_is_damage_and_no_more() {
    let folder = Folder::new("foreign");
    fs::write(path(&folder.0, "feed", 7), b"not a log").unwrap();
    fs::write(folder.0.join("feed-x.log"), b"not ours").unwrap();
    let (mut log, found, payloads) = folder.open(ROOMY);
    assert_eq!((found.damaged_bytes, payloads.len()), (9, 0));
    log.append(b"a", 0).unwrap();
    assert_eq!(folder.open(ROOMY).2, [b"a"]);
}

#[test]
fn the_oldest_files_make_room() {
    let folder = Folder::new("room");
    let bounds = LogBounds { bytes: 16_000, ..ROOMY };
    let (mut log, ..) = folder.open(bounds);
    for n in 0..1_000_u32 {
        log.append(&[n.to_le_bytes().as_slice(), &[0; 60]].concat(), 0).unwrap();
        assert!(log.bytes() <= bounds.bytes, "{}", log.bytes());
    }
    let (_, found, payloads) = folder.open(bounds);
    assert!((100..300).contains(&found.n_records), "{found:?}");
    assert_eq!(payloads.last().unwrap()[..4], 999_u32.to_le_bytes());
}

#[test]
fn old_files_go_but_the_newest_stays() {
    let folder = Folder::new("old");
    let bounds = LogBounds { bytes: 16_000, age_ms: 10 };
    let now_ms = crate::clock::now_ms();
    let (mut log, ..) = folder.open(bounds);
    for n in 0..50 {
        log.append(&[0; 200], now_ms + n * 100).unwrap();
    }
    let (mut log, found, _) = folder.open(bounds);
    assert!(found.n_records <= 8, "{found:?}");
    log.append(b"a", now_ms + 1_000_000).unwrap();
    assert_eq!(folder.open(bounds).2, [b"a"]);
}
