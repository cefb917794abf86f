//! What is shown of a tail, as lines of a file: NDJSON, or CSV (RFC 4180). Payloads stand in it exactly as they came.

use serde_json::json;
use signalbox_shared::socket::TailMessage;
use signalbox_shared::{ChannelName, Payload};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    Ndjson,
    /// One record per line, with a header.
    Csv,
}

impl Format {
    /// The ending of a file's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv;charset=utf-8",
        }
    }

    /// What stands before the first message.
    #[must_use]
    pub fn head(self) -> &'static str {
        match self {
            Self::Ndjson => "",
            Self::Csv => "seq,at_ms,channel,size_bytes,is_cut,encoding,payload\r\n",
        }
    }

    /// One message, its line end included.
    #[must_use]
    pub fn line(self, channel: &ChannelName, message: &TailMessage) -> String {
        let TailMessage { seq, at_ms, size_bytes, payload, is_cut } = message;
        match self {
            Self::Ndjson => {
                let mut line = json!({
                    "seq": seq, "at_ms": at_ms, "channel": channel, "size_bytes": size_bytes, "payload": payload,
                });
                if *is_cut {
                    line["is_cut"] = true.into();
                }
                format!("{line}\n")
            }
            Self::Csv => {
                let (encoding, text) = match payload {
                    Payload::Text(text) => ("text", text),
                    Payload::Base64(text) => ("base64", text),
                };
                let (channel, text) = (quoted(channel.as_str()), quoted(text));
                format!("{seq},{at_ms},{channel},{size_bytes},{is_cut},{encoding},{text}\r\n")
            }
        }
    }

    /// What a file is called: the channel's name with all but plain letters and digits replaced.
    #[must_use]
    pub fn file_name(self, channel: &ChannelName) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name: String =
            channel.as_str().trim_matches('/').chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let name = if name.is_empty() { "channel" } else { &name };
        format!("{name}.{}", self.ending())
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: Payload, is_cut: bool) -> TailMessage {
        TailMessage { seq: 7, at_ms: 5, size_bytes: 3, payload, is_cut }
    }

    fn check(format: Format, payload: Payload, is_cut: bool, expected: &str) {
        let channel = "/topic/a,\"b\"".parse().unwrap();
        assert_eq!(format.line(&channel, &message(payload, is_cut)), expected);
    }

    #[test]
    fn payloads_stand_as_they_came() {
        let text = Payload::Text("say \"hi\",\nyes".into());
        let csv = "7,5,\"/topic/a,\"\"b\"\"\",3,false,text,\"say \"\"hi\"\",\nyes\"\r\n";
        check(Format::Csv, text.clone(), false, csv);
        let bytes = Payload::Base64("/wA=".into());
        check(Format::Csv, bytes.clone(), true, "7,5,\"/topic/a,\"\"b\"\"\",3,true,base64,\"/wA=\"\r\n");
        for (payload, is_cut) in [(text, false), (bytes, true)] {
            let channel: ChannelName = "/topic/a".parse().unwrap();
            let line = Format::Ndjson.line(&channel, &message(payload.clone(), is_cut));
            assert_eq!(line.matches('\n').count(), 1);
            let back: TailMessage = serde_json::from_str(&line).unwrap();
            assert_eq!(back, message(payload, is_cut));
        }
    }

    #[test]
    fn a_file_has_a_plain_name() {
        let name = |channel: &str| Format::Csv.file_name(&channel.parse().unwrap());
        assert_eq!(name("/topic/../etc/passwd"), "topic----etc-passwd.csv");
        assert_eq!(name("/"), "channel.csv");
    }
}
