//! Compressing once, at build time, as hard as possible, what will be sent many times.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A way to compress that browsers understand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// RFC 7932, quality 11: the smallest.
    Brotli,
    /// RFC 1952, level 9: for the rest.
    Gzip,
}

/// Every form that is kept beside a file.
pub(crate) const FORMS: [Form; 2] = [Form::Brotli, Form::Gzip];

/// Highest quality. Source: RFC 7932's encoder.
const BROTLI_QUALITY: u32 = 11;
/// Window of 4 MiB as a power of two: more than any file of the page.
const BROTLI_WINDOW: u32 = 22;
/// Bytes handed to the encoder at a time.
const BUFFER_BYTES: usize = 64 * 1024;

impl Form {
    /// Where the compressed form of `file` stands: beside it.
    pub(crate) fn path(self, file: &Path) -> PathBuf {
        let mut name = OsString::from(file);
        name.push(match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        });
        name.into()
    }

    /// The compressed form of `content`; the same content always gives the same bytes.
    pub(crate) fn compress(self, content: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let mut writer =
                    brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
                writer.write_all(content).context("brotli")?;
                Ok(writer.into_inner())
            }
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                writer.write_all(content).context("gzip")?;
                writer.finish().context("gzip")
            }
        }
    }
}

/// What whoever hosts the page may edit: a compressed form beside it would go on telling the old.
const EDITABLE: &str = "config.json";

/// Whether a file of this name gets smaller: text and WebAssembly do, pictures and fonts are compressed already.
pub(crate) fn pays_for(file: &Path) -> bool {
    if file == Path::new(EDITABLE) {
        return false;
    }
    const TEXT: [&str; 8] = ["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];
    file.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| TEXT.contains(&extension))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn both_forms_are_smaller_and_come_back_whole() {
        let content = "the same words again and again, ".repeat(1_000);
        for form in FORMS {
            let packed = form.compress(content.as_bytes()).unwrap();
            assert!(packed.len() < content.len() / 10, "{form:?}: {} bytes", packed.len());
            let mut unpacked = String::new();
            match form {
                Form::Brotli => {
                    brotli::Decompressor::new(&*packed, BUFFER_BYTES).read_to_string(&mut unpacked).unwrap()
                }
                Form::Gzip => flate2::read::GzDecoder::new(&*packed).read_to_string(&mut unpacked).unwrap(),
            };
            assert_eq!(unpacked, content);
        }
    }

    #[test]
    fn fonts_pictures_and_what_is_edited_stay_as_they_are() {
        assert!(!pays_for(Path::new("config.json")));
        assert!(pays_for(Path::new("a/page_bg.wasm")));
        assert!(!pays_for(Path::new("a/font.woff2")));
        assert!(!pays_for(Path::new("css")));
        assert_eq!(Form::Brotli.path(Path::new("a/b.js")), Path::new("a/b.js.br"));
    }
}
