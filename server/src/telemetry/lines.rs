//! How a log line looks to people: time, level, message, fields; always one line, with nothing in it that acts on a
//! terminal. Written for relays that log every request: the general formatter of tracing-subscriber takes five times as long.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

const RESET: &str = "\u{1b}[0m";
const DIM: &str = "\u{1b}[2m";

/// The format.
pub(super) struct Lines {
    /// Whether a terminal reads them.
    pub(super) is_colored: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (word, color) = match *event.metadata().level() {
            Level::ERROR => ("ERROR", "\u{1b}[31m"),
            Level::WARN => (" WARN", "\u{1b}[33m"),
            Level::INFO => (" INFO", "\u{1b}[32m"),
            Level::DEBUG => ("DEBUG", "\u{1b}[34m"),
            Level::TRACE => ("TRACE", "\u{1b}[35m"),
        };
        let mut text = Text(String::with_capacity(160));
        event.record(&mut text);
        let [dim, color, reset] = if self.is_colored { [DIM, color, RESET] } else { [""; 3] };
        for part in [dim, &time(), reset, " ", color, word, reset, " "] {
            out.write_str(part)?;
        }
        write_harmless(&mut out, &text.0)?;
        out.write_char('\n')
    }
}

/// The message, and each field as `name=value`.
struct Text(String);

impl Text {
    fn begin(&mut self, field: &Field) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        if field.name() != "message" {
            self.0.push_str(field.name());
            self.0.push('=');
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.begin(field);
        // A text takes whatever is written.
        let _ = write!(self.0, "{value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.begin(field);
        if field.name() == "message" {
            self.0.push_str(value);
        } else {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// What peers send may stand in a message: controls are shown and not obeyed.
fn write_harmless(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    // 0xC2 begins the controls of U+0080 to U+009F, and a few harmless characters.
    let is_suspect = |byte: u8| byte < 0x20 || byte == 0x7f || byte == 0xc2;
    if !text.bytes().any(is_suspect) {
        return out.write_str(text);
    }
    for c in text.chars() {
        if c.is_control() { write!(out, "{}", c.escape_default())? } else { out.write_char(c)? }
    }
    Ok(())
}

thread_local! {
    /// The second that was last told, in seconds since the Unix epoch, and its text.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Now, as RFC 3339 has it, in UTC and to the microsecond.
fn time() -> String {
    // A clock before 1970 has nothing better to say.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(known, text)| {
        if *known != since.as_secs() {
            *known = since.as_secs();
            let second = i64::try_from(*known).ok().and_then(|secs| jiff::Timestamp::from_second(secs).ok());
            *text = second.map(|second| second.to_string()).unwrap_or_default();
        }
        let mut told = String::with_capacity(32);
        told.push_str(text.trim_end_matches('Z'));
        let digits = [100_000, 10_000, 1_000, 100, 10, 1].map(|unit| {
            let digit = since.subsec_micros() / unit % 10;
            char::from(b'0' + u8::try_from(digit).unwrap_or(0))
        });
        told.push('.');
        told.extend(digits);
        told.push('Z');
        told
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn check(is_colored: bool, log: impl FnOnce(), expected: &str) {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(Lines { is_colored })
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let line = String::from_utf8(kept.0.lock().clone()).unwrap();
        let at = line.find("20").unwrap();
        let (time, rest) = line[at..].split_at(27);
        assert!(time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'), "{line}");
        assert_eq!(format!("{}|{rest}", &line[..at]), expected);
    }

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        check(
            false,
            || tracing::info!(id = 7, found = "hit", "patron {}: hit", 7),
            "|  INFO patron 7: hit id=7 found=\"hit\"\n",
        );
        check(false, || tracing::error!(error = %io::Error::other("no"), "gone"), "| ERROR gone error=no\n");
        check(true, || tracing::warn!("careful"), "\u{1b}[2m|\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m careful\n");
    }

    #[test]
    fn nothing_in_a_line_acts_on_the_terminal_or_begins_another() {
        check(
            false,
            || tracing::info!("a\u{1b}[2Jb\nc\u{9b}d\u{7f} \u{e9}\u{a7}"),
            "|  INFO a\\u{1b}[2Jb\\nc\\u{9b}d\\u{7f} \u{e9}\u{a7}\n",
        );
    }
}
