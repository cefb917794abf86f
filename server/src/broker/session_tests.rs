//! Whole sessions without a socket: the vectors of docs/protocol.md §1, and any bytes in any pieces.

use proptest::prelude::*;

use super::frame;
use super::fuzzing::play;

fn bytes_from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn the_documented_sessions_mean_what_is_documented() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/vectors/frames.json")).unwrap();
    for case in document["sessions"].as_array().unwrap() {
        let bytes = bytes_from_hex(case["client_hex"].as_str().unwrap());
        let publishes: Vec<(String, Vec<u8>)> = case["publishes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let data = bytes_from_hex(message["data_hex"].as_str().unwrap());
                (message["channel"].as_str().unwrap().to_owned(), data)
            })
            .collect();
        let mut channels: Vec<&str> = publishes.iter().map(|(name, _)| name.as_str()).collect();
        channels.dedup();
        let found = play(&[&bytes], &channels);
        assert_eq!(found.subscribes.as_deref(), case["subscribes"].as_str(), "{}", case["title"]);
        assert_eq!(found.publishes, publishes, "{}", case["title"]);
        assert_eq!(found.closing, case["closing"], "{}", case["title"]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(play(&single, &channels), found, "{}, byte by byte", case["title"]);
    }
}

/// Bytes that are a session, nearly one, or nothing of the sort.
fn session_bytes() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        4 => Just(b"/topic/a".to_vec()),
        2 => Just(b"/queue/b".to_vec()),
        1 => Just(b"/null".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    let data = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => proptest::collection::vec(any::<u8>(), 3_000..4_000),
    ];
    let pairs = proptest::collection::vec((name, data), 0..20);
    (pairs, proptest::option::of((any::<prop::sample::Index>(), any::<u8>())), any::<prop::sample::Index>())
        .prop_map(|(pairs, change, cut)| {
            let mut bytes = Vec::new();
            frame::append(&mut bytes, b"/topic/a");
            for (name, data) in &pairs {
                frame::append(&mut bytes, name);
                frame::append(&mut bytes, data);
            }
            if let Some((place, value)) = change {
                let place = place.index(bytes.len());
                bytes[place] = value;
                bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
            }
            bytes
        })
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_mean_the_same_as_the_whole(
        bytes in session_bytes(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let channels = ["/topic/a", "/queue/b"];
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(play(&pieces, &channels), play(&[&bytes], &channels));
    }
}
