//! Text and bytes as what they are: nothing that a payload holds may hide, turn round or imitate what stands beside it.
//!
//! Control characters, characters that change the direction of writing (Unicode's Trojan Source characters, UAX #9) and
//! those without width are written out as `⟨U+202E⟩`, bytes that are no UTF-8 as `⟨FF⟩`.

use std::fmt::Write as _;

/// Bytes in one line of a hex view.
pub const HEX_LINE_BYTES: usize = 16;
/// Bytes in one line of a base64 view: 76 characters, as mail has them (RFC 2045 §6.8).
pub const BASE64_LINE_BYTES: usize = 57;

/// Whether a character would change how the text around it looks, or would not be seen at all.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'
                ..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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

/// One line of a hex view: where, the bytes, and those that are printable ASCII as such.
#[must_use]
pub fn hex_line(bytes: &[u8], n: usize) -> String {
    let from = (n * HEX_LINE_BYTES).min(bytes.len());
    let row = &bytes[from..bytes.len().min(from + HEX_LINE_BYTES)];
    let mut out = format!("{from:08x}  ");
    for place in 0..HEX_LINE_BYTES {
        let _ = match row.get(place) {
            Some(byte) => write!(out, "{byte:02x} "),
            None => write!(out, "   "),
        };
        if place == HEX_LINE_BYTES / 2 - 1 {
            out.push(' ');
        }
    }
    out.push_str(" |");
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
        check(b"\x1b[2J\0", "⟨U+001B⟩[2J⟨U+0000⟩");
        check(b"ok\xff\xfe!", "ok⟨FF⟩⟨FE⟩!");
        check("<script>".as_bytes(), "<script>");
    }

    #[test]
    fn scripts_that_join_their_letters_stay_whole() {
        check("می\u{200c}خواهم".as_bytes(), "می\u{200c}خواهم");
    }

    #[test]
    fn hex_lines_stand_in_columns() {
        let bytes: Vec<u8> = (0x3a..0x4c).collect();
        assert_eq!(
            hex_line(&bytes, 0),
            "00000000  3a 3b 3c 3d 3e 3f 40 41  42 43 44 45 46 47 48 49  |:;<=>?@ABCDEFGHI|"
        );
        assert_eq!(
            hex_line(&bytes, 1),
            format!("00000010  4a 4b {}  |JK|", "   ".repeat(14)).replace("4a 4b ", "4a 4b ")
        );
        assert_eq!(hex_line(&bytes, 9), format!("00000012  {}  ||", "   ".repeat(16)));
    }
}
