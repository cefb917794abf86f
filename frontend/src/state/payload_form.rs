//! How a payload is best shown, told from its first bytes.

use super::json_lines::JsonLines;

/// Bytes that are looked at.
pub const PROBE_BYTES: usize = 4 * 1024;

/// A way to show a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, laid out.
    Json,
    /// Text as it stands.
    Text,
    /// Bytes in hexadecimal.
    Hex,
    /// Base64, as it travels in mails and URLs.
    Base64,
    /// A picture.
    Image,
    /// What differs from the message before.
    Difference,
}

impl Form {
    /// Every form, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::Text, Self::Hex, Self::Base64, Self::Image, Self::Difference];

    /// What it is called on its button.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Text => "Text",
            Self::Hex => "Hex",
            Self::Base64 => "Base64",
            Self::Image => "Image",
            Self::Difference => "Difference",
        }
    }

    /// The form that suits `bytes`, of which more may follow when they are not whole.
    #[must_use]
    pub fn of(bytes: &[u8], is_whole: bool) -> Self {
        if image_type(bytes).is_some() {
            return Self::Image;
        }
        let probe = &bytes[..bytes.len().min(PROBE_BYTES)];
        let is_all = is_whole && probe.len() == bytes.len();
        let first = probe.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'[')) {
            let mut lines = JsonLines::default();
            lines.advance(probe, usize::MAX, is_all);
            if lines.error().is_none() {
                return Self::Json;
            }
        }
        if is_text(probe, is_all) { Self::Text } else { Self::Hex }
    }
}

/// The media type of a picture that every browser shows, by its first bytes. Sources: PNG (W3C) §5.2, JPEG (ITU T.81)
/// §B.1.1, GIF89a §17, WebP (RFC 9649) §2.4.
#[must_use]
pub fn image_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn is_text(probe: &[u8], is_all: bool) -> bool {
    let is_utf8 = match std::str::from_utf8(probe) {
        Ok(_) => true,
        // The probe may end inside a character.
        Err(error) => error.error_len().is_none() && !is_all,
    };
    is_utf8 && !probe.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Form) {
        assert_eq!(Form::of(bytes, true), expected, "{:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn the_content_tells_the_form() {
        check(b"", Form::Text);
        check(b"hello", Form::Text);
        check("żółw".as_bytes(), Form::Text);
        check(b" {\"a\":1}", Form::Json);
        check(b"[1,2", Form::Text);
        check(b"[info] started", Form::Text);
        check(b"\xff\x00", Form::Hex);
        check(b"a\0b", Form::Hex);
        check(b"\x89PNG\r\n\x1a\nrest", Form::Image);
        check(b"\xff\xd8\xff\xe0", Form::Image);
        check(b"GIF89a", Form::Image);
        check(b"RIFF\0\0\0\0WEBP", Form::Image);
        check(b"<svg onload=alert(1)>", Form::Text);
        check(format!("[{}1]", "1,".repeat(PROBE_BYTES)).as_bytes(), Form::Json);
        check("é".repeat(PROBE_BYTES).as_bytes(), Form::Text);
        assert_eq!(Form::of(b"[1,2", false), Form::Json, "more may come");
        let odd = format!("x{}", "é".repeat(PROBE_BYTES));
        check(odd.as_bytes(), Form::Text);
    }
}
