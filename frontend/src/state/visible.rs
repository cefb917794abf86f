//! Text and bytes as what they are: nothing that a payload holds may hide, turn round or imitate what stands beside it.
//!
//! Control characters, characters that change the direction of writing (Unicode's Trojan Source characters, UAX #9) and
//! those without width are written out as `⟨U+202E⟩`, bytes that are no UTF-8 as `⟨FF⟩`.

use std::fmt::Write as _;

/// Bytes in one line of a hex view where there is room.
pub const HEX_LINE_BYTES: usize = 16;
/// Bytes in one line of a base64 view where there is room: 76 characters, as mail has them (RFC 2045 §6.8).
pub const BASE64_LINE_BYTES: usize = 57;

/// Whether a character would change how the text around it looks, or would not be seen at all: what Unicode calls default
/// ignorable (UAX #44), without the joiners and variants that scripts and emoji are written with, and what breaks lines
/// or annotates.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Adds `text` with all that hides written out; a tab is an arrow, a line's end a pilcrow.
pub fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => out.push('¶'),
            '\t' => out.push('→'),
            c if is_hidden(c) => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// The bytes as text, with all that hides and all that is no UTF-8 written out.
#[must_use]
pub fn line(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        push_text(&mut out, chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "⟨{byte:02X}⟩");
        }
    }
    out
}

/// A text with all that hides written out, of which the middle is left out where it has more than `chars_max` characters.
#[must_use]
pub fn ends(text: &str, chars_max: usize) -> String {
    let n_chars = text.chars().count();
    if n_chars <= chars_max {
        return line(text.as_bytes());
    }
    let at = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
    let (first, last) = (&text[..at(chars_max / 2)], &text[at(n_chars - chars_max / 2)..]);
    format!("{} … {}", line(first.as_bytes()), line(last.as_bytes()))
}

/// How many bytes stand in one line of a view, so that it fits a place `chars` wide if it can at all.
#[must_use]
pub fn hex_line_bytes(chars: usize, n_bytes: usize) -> usize {
    let fits = |row_bytes: &usize| hex_line(&[], 0, *row_bytes, n_bytes).chars().count() + row_bytes <= chars;
    [HEX_LINE_BYTES, HEX_LINE_BYTES / 2].into_iter().find(fits).unwrap_or(HEX_LINE_BYTES / 4)
}

/// The same for base64: whole groups of four characters, which stand for three bytes.
#[must_use]
pub fn base64_line_bytes(chars: usize) -> usize {
    (chars / 4 * 3).clamp(3, BASE64_LINE_BYTES)
}

/// Line `n` of a hex view of `row_bytes` in a line: where, the bytes, and those that are printable ASCII as such. Short
/// lines are as narrow as they can be, and tell the place with no more digits than `n_bytes` need.
#[must_use]
pub fn hex_line(bytes: &[u8], n: usize, row_bytes: usize, n_bytes: usize) -> String {
    let from = (n * row_bytes).min(bytes.len());
    let row = &bytes[from..bytes.len().min(from + row_bytes)];
    let is_wide = HEX_LINE_BYTES <= row_bytes;
    let n_digits = n_bytes.checked_ilog(16).map_or(4, |digits| (digits as usize + 1).max(4));
    let mut out = if is_wide { format!("{from:08x}  ") } else { format!("{from:0n_digits$x} ") };
    for place in 0..row_bytes {
        let _ = match row.get(place) {
            Some(byte) => write!(out, "{byte:02x} "),
            None => write!(out, "   "),
        };
        if is_wide && place + 1 == row_bytes / 2 {
            out.push(' ');
        }
    }
    out.push_str(if is_wide { " |" } else { "|" });
    out.extend(row.iter().map(|&b| if (0x20..0x7f).contains(&b) { char::from(b) } else { '.' }));
    out.push('|');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(line(bytes), expected);
    }

    #[test]
    fn what_hides_is_written_out() {
        check(b"plain", "plain");
        check("żółw 🚂".as_bytes(), "żółw 🚂");
        check(b"a\tb\nc\r", "a→b¶c⟨U+000D⟩");
        check("admin\u{202e}txt.exe".as_bytes(), "admin⟨U+202E⟩txt.exe");
        check("a\u{200b}b\u{feff}".as_bytes(), "a⟨U+200B⟩b⟨U+FEFF⟩");
        check("a\u{3164}b\u{e0101}\u{e0041}".as_bytes(), "a⟨U+3164⟩b⟨U+E0101⟩⟨U+E0041⟩");
        check("❤\u{fe0f}".as_bytes(), "❤\u{fe0f}");
        check(b"\x1b[2J\0", "⟨U+001B⟩[2J⟨U+0000⟩");
        check(b"ok\xff\xfe!", "ok⟨FF⟩⟨FE⟩!");
        check("<script>".as_bytes(), "<script>");
    }

    #[test]
    fn scripts_that_join_their_letters_stay_whole() {
        check("می\u{200c}خواهم".as_bytes(), "می\u{200c}خواهم");
    }

    #[test]
    fn of_a_long_text_both_ends_are_seen() {
        assert_eq!(ends("$.a\u{200b}", 4), "$.a⟨U+200B⟩");
        assert_eq!(ends("żółw-in-the-middle", 8), "żółw … ddle");
    }

    #[test]
    fn hex_lines_stand_in_columns() {
        let bytes: Vec<u8> = (0x3a..0x4c).collect();
        let check = |n: usize, row_bytes: usize, expected: &str| {
            assert_eq!(hex_line(&bytes, n, row_bytes, bytes.len()), expected);
        };
        check(0, 16, "00000000  3a 3b 3c 3d 3e 3f 40 41  42 43 44 45 46 47 48 49  |:;<=>?@ABCDEFGHI|");
        check(1, 16, &format!("00000010  4a 4b {}  |JK|", "   ".repeat(14)));
        check(9, 16, &format!("00000012  {}  ||", "   ".repeat(16)));
        check(1, 8, "0008 42 43 44 45 46 47 48 49 |BCDEFGHI|");
        check(4, 4, "0010 4a 4b       |JK|");
    }

    #[test]
    fn a_line_has_as_many_bytes_as_fit() {
        let check = |chars: usize, n_bytes: usize, expected: usize| {
            assert_eq!(hex_line_bytes(chars, n_bytes), expected, "{chars} {n_bytes}");
        };
        check(200, 1, 16);
        check(78, 1, 16);
        check(77, 1, 8);
        check(41, 16 * 1024 * 1024, 4);
        check(42, 16 * 1024 * 1024, 8);
        check(0, 1, 4);
        assert_eq!([0, 43, 76, 200].map(base64_line_bytes), [3, 30, 57, 57]);
    }
}
