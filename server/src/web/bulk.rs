//! Many messages in one request: a JSON array or one JSON value per line, each published on its own, each with its own
//! answer.

use axum::body::Bytes;
use serde::Deserialize as _;
use serde_json::{Value, json};
use signalbox_shared::{ChannelName, Payload};

use super::problem::ApiError;
use crate::engine::{Engine, PublishError};

/// One message, or what is wrong with it.
pub(super) type Item = Result<Vec<u8>, String>;

/// The messages in a body: each a text, or an object `{"text": …}` or `{"base64": …}`.
pub(super) fn items(body: &Bytes, n_max: u64) -> Result<Vec<Item>, ApiError> {
    let too_many = |n: usize| {
        ApiError::too_large(format!("{n} messages are over the {n_max} of one request (http_bulk_messages)"))
    };
    if body.trim_ascii_start().first() == Some(&b'[') {
        let values: Vec<Value> = serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request(format!("the body is no JSON array: {error}")))?;
        if n_max < values.len() as u64 {
            return Err(too_many(values.len()));
        }
        return Ok(values.into_iter().map(item).collect());
    }
    let lines = || body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let n_lines = lines().count();
    if n_max < n_lines as u64 {
        return Err(too_many(n_lines));
    }
    let value = |line| serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"));
    Ok(lines().map(|line| value(line).and_then(item)).collect())
}

fn item(value: Value) -> Item {
    let payload = match value {
        Value::String(text) => return Ok(text.into_bytes()),
        value => Payload::deserialize(value)
            .map_err(|_| "a message is a text, {\"text\": …} or {\"base64\": …}".to_owned())?,
    };
    payload.bytes().map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
}

/// Publishes one after the other and says what became of each. After one that the engine had no room for, the rest is
/// not tried: it would wait as long again, each of it.
pub(super) async fn publish(engine: &Engine, channel: &ChannelName, items: Vec<Item>) -> Value {
    let mut answers = Vec::with_capacity(items.len());
    let (mut n_published, mut stop) = (0_u64, None);
    for item in items {
        let result = match (item, &stop) {
            (Err(error), _) => Err(error),
            (Ok(_), Some(why)) => Err(format!("not tried, after: {why}")),
            (Ok(payload), None) => engine.publish(channel, &payload).await.map_err(|error| {
                if !matches!(error, PublishError::TooLarge { .. }) {
                    stop = Some(error.to_string());
                }
                error.to_string()
            }),
        };
        answers.push(match result {
            Ok(receipt) => {
                n_published += 1;
                json!({ "detail": receipt.detail() })
            }
            Err(error) => json!({ "error": error }),
        });
    }
    let n_refused = answers.len() as u64 - n_published;
    json!({ "channel": channel, "n_published": n_published, "n_refused": n_refused, "items": answers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[Result<&[u8], &str>]) {
        let items = items(&Bytes::copy_from_slice(body.as_bytes()), 3).unwrap();
        let found: Vec<_> = items.iter().map(|item| item.as_deref().map_err(String::as_str)).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn a_bulk_is_an_array_or_lines() {
        const WRONG: &str = "a message is a text, {\"text\": …} or {\"base64\": …}";
        check("", &[]);
        check("[]", &[]);
        check(r#" ["a", {"text":"ż"}, {"base64":"/wA="}]"#, &[Ok(b"a"), Ok("ż".as_bytes()), Ok(b"\xff\0")]);
        check("\"a\"\r\n\n{\"text\":\"\"}\n", &[Ok(b"a"), Ok(b"")]);
        check(
            "\"a\"\n{\n7",
            &[Ok(b"a"), Err("not JSON: EOF while parsing an object at line 1 column 1"), Err(WRONG)],
        );
        check(
            r#"[{"base64":"*"}, null, {"text":"a","base64":""}]"#,
            &[
                Err("payload is not standard base64 with padding: Invalid symbol 42, offset 0."),
                Err(WRONG),
                Err(WRONG),
            ],
        );
    }

    #[test]
    fn what_is_no_array_or_too_much_is_refused_as_a_whole() {
        for body in ["[", "[1,", r#"["a","b","c","d"]"#, "1\n2\n3\n4"] {
            assert!(items(&Bytes::copy_from_slice(body.as_bytes()), 3).is_err(), "{body}");
        }
        assert!(items(&Bytes::from("[".repeat(100_000)), 3).is_err());
    }
}
