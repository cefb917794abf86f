//! The bodies of the fuzz targets in `fuzz/`, and their bounded run in every test: the committed corpus, and from it a
//! fixed number of changed inputs, the same each time.

pub use crate::broker::fuzzing::{frames, session};
pub use crate::client::fuzzing::client;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Changed inputs per target: a second or two of work in a debug build.
    const N_CHANGED: usize = 10_000;

    /// Numbers that look random and are the same each time (Marsaglia's xorshift, 64 bits).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap()
        }

        fn below(&mut self, n: usize) -> usize {
            self.next() % n.max(1)
        }
    }

    /// A few changes of the kind that finds trouble in a format of lengths.
    fn changed(input: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
        const LENGTHS: [u32; 8] = [0, 1, 255, 256, 300, 301, 16 << 20, u32::MAX];
        let mut bytes = input.to_vec();
        for _ in 0..=numbers.below(4) {
            let place = numbers.below(bytes.len());
            match numbers.below(6) {
                0 if !bytes.is_empty() => bytes[place] = u8::try_from(numbers.below(256)).unwrap(),
                1 if !bytes.is_empty() => bytes[place] ^= 1 << numbers.below(8),
                2 => bytes.truncate(place),
                3 if place + 4 <= bytes.len() => {
                    bytes[place..place + 4].copy_from_slice(&LENGTHS[numbers.below(8)].to_be_bytes());
                }
                4 => {
                    let from = numbers.below(other.len());
                    let piece = other[from..].iter().copied();
                    drop(bytes.splice(place..place, piece));
                }
                _ => {
                    let end = (place + numbers.below(16)).min(bytes.len());
                    bytes.drain(place..end);
                }
            }
        }
        bytes
    }

    fn check(target: &str, body: fn(&[u8])) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let mut paths: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let corpus: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert!(8 <= corpus.len(), "{} inputs in {}", corpus.len(), dir.display());
        corpus.iter().for_each(|input| body(input));
        let mut numbers = Numbers(0x5167_6e61_6c62_6f78);
        for _ in 0..N_CHANGED {
            let input = &corpus[numbers.below(corpus.len())];
            let other = &corpus[numbers.below(corpus.len())];
            let input = changed(input, other, &mut numbers);
            let told = std::panic::catch_unwind(|| body(&input));
            assert!(told.is_ok(), "{target} fails on {input:02x?}");
        }
    }

    #[test]
    fn frames() {
        check("frames", super::frames);
    }

    #[test]
    fn session() {
        check("session", super::session);
    }

    #[test]
    fn client() {
        check("client", super::client);
    }
}
