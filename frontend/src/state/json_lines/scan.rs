//! The scanner: one byte after the other, its whole state in a few fields and one stack, so that it can stop anywhere.

use super::{JsonError, Line, LineKind, NONE};

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// Inside a token that began at `token`.
    String {
        is_key: bool,
        escape: Escape,
    },
    Number,
    Word,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    No,
    Begun,
    Hex(u8),
}

/// A container that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    is_object: bool,
    line: u32,
    is_empty: bool,
}

/// The scanner's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    at: usize,
    expect: Expect,
    token: usize,
    key: Option<(u32, u32)>,
    stack: Vec<Open>,
    pub(super) error: Option<JsonError>,
}

impl Scan {
    /// Goes on through `bytes` and adds the lines it finds while there are fewer than `lines_max`; with 0 it only
    /// checks.
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        budget_bytes: usize,
        is_end: bool,
        lines: &mut Vec<Line>,
        lines_max: usize,
    ) {
        let until = bytes.len().min(self.at.saturating_add(budget_bytes));
        let is_checking = lines_max == 0;
        while self.at < until && self.error.is_none() && (is_checking || lines.len() < lines_max) {
            let byte = bytes[self.at];
            let result = self.step(byte, bytes, &mut Sink { lines, is_checking });
            match result {
                Ok(is_taken) => self.at += usize::from(is_taken),
                Err(what) => self.error = Some(JsonError { what, offset: self.at }),
            }
        }
        if is_end && self.at == bytes.len() && self.error.is_none() {
            self.finish(bytes, &mut Sink { lines, is_checking });
        }
    }

    pub(super) fn is_caught_up(&self, bytes: &[u8], is_end: bool) -> bool {
        self.at == bytes.len() && (!is_end || self.expect == Expect::Nothing)
    }

    fn finish(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        if matches!(self.expect, Expect::Number | Expect::Word)
            && let Err(what) = self.end_token(bytes, sink)
        {
            self.error = Some(JsonError { what, offset: self.token });
            return;
        }
        if self.expect != Expect::Nothing {
            let what = match self.expect {
                Expect::String { .. } => "the string does not end",
                _ if self.stack.is_empty() => "a value is missing",
                _ => "a closing bracket is missing",
            };
            self.error = Some(JsonError { what, offset: bytes.len() });
        }
    }

    /// One byte; says whether it was taken, for a number ends before the byte that ends it.
    fn step(&mut self, byte: u8, bytes: &[u8], sink: &mut Sink<'_>) -> Result<bool, &'static str> {
        match self.expect {
            Expect::String { is_key, escape } => return self.in_string(byte, is_key, escape, sink),
            Expect::Number | Expect::Word => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
                    return Ok(true);
                }
                let end = self.at;
                if let Err(what) = self.end_token(bytes, sink) {
                    self.at = self.token.min(end);
                    return Err(what);
                }
                return Ok(false);
            }
            _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => return Ok(true),
            _ => {}
        }
        match (self.expect, byte) {
            (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') | (Expect::CommaOrEnd, b']' | b'}') => {
                self.close(byte, sink)?;
            }
            (Expect::Value | Expect::ValueOrEnd, _) => self.begin_value(byte, sink)?,
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                self.token = self.at;
                self.expect = Expect::String { is_key: true, escape: Escape::No };
            }
            (Expect::Key | Expect::KeyOrEnd, _) => return Err("a key in double quotes is expected here"),
            (Expect::Colon, b':') => self.expect = Expect::Value,
            (Expect::Colon, _) => return Err("a colon is expected here"),
            (Expect::CommaOrEnd, b',') => {
                sink.comma();
                let is_object = self.stack.last().is_some_and(|open| open.is_object);
                self.expect = if is_object { Expect::Key } else { Expect::Value };
            }
            (Expect::CommaOrEnd, _) => return Err("a comma or a closing bracket is expected here"),
            _ => return Err("nothing more is expected here"),
        }
        Ok(true)
    }

    fn begin_value(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), &'static str> {
        self.token = self.at;
        self.expect = match byte {
            b'"' => Expect::String { is_key: false, escape: Escape::No },
            b'-' | b'0'..=b'9' => Expect::Number,
            b't' | b'f' | b'n' => Expect::Word,
            b'{' | b'[' => {
                let line = self.push(sink, LineKind::Open, self.at + 1);
                let is_object = byte == b'{';
                self.stack.push(Open { is_object, line, is_empty: true });
                if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd }
            }
            _ => return Err("a value is expected here"),
        };
        Ok(())
    }

    fn in_string(
        &mut self,
        byte: u8,
        is_key: bool,
        escape: Escape,
        sink: &mut Sink<'_>,
    ) -> Result<bool, &'static str> {
        let next = match (escape, byte) {
            (Escape::No, b'"') => {
                let end = self.at + 1;
                if is_key {
                    self.key = Some(span(self.token, end));
                    self.expect = Expect::Colon;
                } else {
                    self.push(sink, LineKind::Text, end);
                    self.after_value();
                }
                return Ok(true);
            }
            (Escape::No, b'\\') => Escape::Begun,
            (Escape::No, 0..=0x1f) => return Err("a control character must be escaped in a string"),
            (Escape::No, _) => Escape::No,
            (Escape::Begun, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::No,
            (Escape::Begun, b'u') => Escape::Hex(4),
            (Escape::Begun, _) => return Err("there is no such escape"),
            (Escape::Hex(n), digit) if digit.is_ascii_hexdigit() => {
                if n == 1 {
                    Escape::No
                } else {
                    Escape::Hex(n - 1)
                }
            }
            (Escape::Hex(_), _) => return Err("\\u is followed by four hexadecimal digits"),
        };
        self.expect = Expect::String { is_key, escape: next };
        Ok(true)
    }

    fn end_token(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), &'static str> {
        let token = &bytes[self.token..self.at];
        let kind = if self.expect == Expect::Number {
            if !is_number(token) {
                return Err("this is no number");
            }
            LineKind::Number
        } else if matches!(token, b"true" | b"false" | b"null") {
            LineKind::Word
        } else {
            return Err("only true, false and null are words");
        };
        self.push(sink, kind, self.at);
        self.after_value();
        Ok(())
    }

    fn close(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), &'static str> {
        let Some(open) = self.stack.pop() else { return Err("nothing is open here") };
        if open.is_object != (byte == b'}') {
            self.stack.push(open);
            return Err(if open.is_object { "} is expected here" } else { "] is expected here" });
        }
        if open.is_empty {
            sink.make_empty(open.line, self.at + 1);
        } else {
            let parent = open.line;
            sink.close(parent, self.stack.len(), span(self.at, self.at + 1));
        }
        self.after_value();
        Ok(())
    }

    fn after_value(&mut self) {
        self.expect = if self.stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    /// Adds a line for the value from the token's beginning to `end`, and gives its number.
    fn push(&mut self, sink: &mut Sink<'_>, kind: LineKind, end: usize) -> u32 {
        let depth = self.stack.len();
        let parent = self.stack.last_mut().map_or(NONE, |open| {
            open.is_empty = false;
            open.line
        });
        let key = self.key.take();
        sink.push(Line {
            kind,
            depth: depth as u32,
            value: span(self.token, end),
            key,
            has_comma: false,
            parent,
            partner: NONE,
        })
    }
}

/// Where lines go; nowhere, when a text is only checked.
struct Sink<'a> {
    lines: &'a mut Vec<Line>,
    is_checking: bool,
}

impl Sink<'_> {
    fn push(&mut self, line: Line) -> u32 {
        if self.is_checking {
            return 0;
        }
        self.lines.push(line);
        (self.lines.len() - 1) as u32
    }

    fn comma(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.has_comma = true;
        }
    }

    fn make_empty(&mut self, n: u32, end: usize) {
        if let Some(line) = self.lines.get_mut(n as usize) {
            line.kind = LineKind::Empty;
            line.value.1 = span(0, end).1;
        }
    }

    fn close(&mut self, opening: u32, depth: usize, value: (u32, u32)) {
        if self.is_checking {
            return;
        }
        let number = self.lines.len() as u32;
        let Some(open) = self.lines.get_mut(opening as usize) else { return };
        open.partner = number;
        let parent = open.parent;
        let kind = LineKind::Close;
        let depth = depth as u32;
        self.lines.push(Line { kind, depth, value, key: None, has_comma: false, parent, partner: opening });
    }
}

fn span(start: usize, end: usize) -> (u32, u32) {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (place(start), place(end))
}

/// Source: RFC 8259 §6.
fn is_number(token: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let n = digits(rest);
    if n == 0 || (1 < n && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[n..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = &fraction[n..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let n = digits(exponent);
        if n == 0 {
            return false;
        }
        rest = &exponent[n..];
    }
    rest.is_empty()
}
