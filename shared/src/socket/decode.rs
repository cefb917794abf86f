//! From a page's text to a [`ClientMessage`], or to an error that names the type or the field at fault.
//!
//! serde decodes; only when it fails does a second look find out which field it was, because serde cannot tell for
//! enums that are tagged from the inside.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{ClientMessage, TailMode};
use crate::id::ERROR_TEXT_CHARS_MAX;
use crate::{ChannelName, EventId, Filter, Payload};

/// Why a text is no [`ClientMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Does not parse.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("a message is a JSON object")]
    NotObject,
    /// No type.
    #[error("field \"type\" is missing or no string")]
    NoType,
    /// A type that this version does not know.
    #[error("unknown type {kind:?}")]
    UnknownType {
        /// The type, cut to [`ERROR_TEXT_CHARS_MAX`].
        kind: String,
    },
    /// A field is missing or wrong.
    #[error("{kind}: field {field:?}: {reason}")]
    BadField {
        /// The message's `id` when that could be read, so that it can be refused by it.
        id: Option<u64>,
        /// The message's type.
        kind: &'static str,
        /// The first bad field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientMessage {
    /// Decodes one text message of a page. Unknown fields are ignored.
    ///
    /// # Errors
    /// Each variant of [`DecodeError`].
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        serde_json::from_str(text).map_err(|error| find_fault(text, &error))
    }
}

type Check = fn(&Value) -> Result<(), String>;

fn is<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    T::deserialize(value).map(drop).map_err(|error| error.to_string())
}

/// The required fields of each type. The optional ones, [`OPTIONAL`], are looked at where they are present.
const FIELDS: &[(&str, &[(&str, Check)])] = &[
    ("subscribe", &[("id", is::<u64>), ("channel", is::<ChannelName>), ("mode", is::<TailMode>)]),
    ("set_filter", &[("id", is::<u64>), ("channel", is::<ChannelName>)]),
    ("unsubscribe", &[("channel", is::<ChannelName>)]),
    ("publish", &[("id", is::<u64>), ("channel", is::<ChannelName>), ("payload", is::<Payload>)]),
    ("purge", &[("id", is::<u64>), ("channel", is::<ChannelName>)]),
    (
        "fetch",
        &[("id", is::<u64>), ("channel", is::<ChannelName>), ("seq", is::<u64>), ("offset", is::<u64>)],
    ),
    ("watch_channels", &[]),
    ("unwatch_channels", &[]),
    ("watch_channel", &[("channel", is::<ChannelName>)]),
    ("unwatch_channel", &[]),
    ("watch_changes", &[]),
    ("unwatch_changes", &[]),
    ("chat_join", &[("id", is::<u64>), ("room", is::<String>), ("name", is::<String>)]),
    ("chat_history", &[("id", is::<u64>), ("room", is::<String>), ("before", is::<EventId>)]),
    ("chat_idle", &[("is_idle", is::<bool>)]),
    ("chat_list", &[("id", is::<u64>)]),
    ("chat_leave", &[("room", is::<String>)]),
    ("chat_say", &[("id", is::<u64>), ("room", is::<String>), ("text", is::<String>), ("key", is::<String>)]),
];

/// Fields that may be missing.
const OPTIONAL: &[(&str, Check)] = &[("since", is::<Option<EventId>>), ("filter", is::<Option<Filter>>)];

fn find_fault(text: &str, error: &serde_json::Error) -> DecodeError {
    let value = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return DecodeError::NotObject,
        Err(error) => return DecodeError::NotJson(error.to_string()),
    };
    let Some(kind) = value.get("type").and_then(Value::as_str) else { return DecodeError::NoType };
    let Some((kind, fields)) = FIELDS.iter().find(|(known, _)| *known == kind) else {
        return DecodeError::UnknownType { kind: kind.chars().take(ERROR_TEXT_CHARS_MAX).collect() };
    };
    let (field, reason) = bad_field(&value, fields).unwrap_or(("type", error.to_string()));
    DecodeError::BadField { id: value.get("id").and_then(Value::as_u64), kind, field, reason }
}

fn bad_field(
    object: &Map<String, Value>,
    fields: &[(&'static str, Check)],
) -> Option<(&'static str, String)> {
    let required = fields.iter().find_map(|(field, check)| match object.get(*field) {
        Some(value) => Some((*field, check(value).err()?)),
        None => Some((*field, "is missing".to_owned())),
    });
    required.or_else(|| {
        OPTIONAL.iter().find_map(|(field, check)| Some((*field, check(object.get(*field)?).err()?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::ServerMessage;

    fn check(text: &str, expected: &str) {
        assert_eq!(ClientMessage::decode(text).unwrap_err().to_string(), expected, "{text}");
    }

    #[test]
    fn an_error_names_the_type_or_the_field() {
        check("[]", "a message is a JSON object");
        check("{}", "field \"type\" is missing or no string");
        check(r#"{"type":7}"#, "field \"type\" is missing or no string");
        check(r#"{"type":"dance","id":1}"#, "unknown type \"dance\"");
        check(r#"{"type":"subscribe","id":1,"mode":"tap"}"#, "subscribe: field \"channel\": is missing");
        check(
            r#"{"type":"subscribe","id":-1,"channel":"/a","mode":"tap"}"#,
            "subscribe: field \"id\": invalid value: integer `-1`, expected u64",
        );
        check(
            r#"{"type":"purge","id":1,"channel":"/a\n"}"#,
            "purge: field \"channel\": channel name contains the control character U+000A",
        );
        check(
            r#"{"type":"chat_join","id":1,"room":"lobby","name":"ada","since":"x"}"#,
            "chat_join: field \"since\": \"x\" is not an event id of the form <epoch>-<seq>, two decimal numbers",
        );
        assert!(matches!(ClientMessage::decode("{"), Err(DecodeError::NotJson(_))));
        assert!(matches!(ClientMessage::decode(&"[".repeat(60_000)), Err(DecodeError::NotJson(_))));
    }

    #[test]
    fn every_type_is_known_to_the_second_look() {
        for (kind, fields) in FIELDS {
            let text = format!(r#"{{"type":"{kind}"}}"#);
            match ClientMessage::decode(&text) {
                Ok(_) => assert!(fields.is_empty(), "{kind} needs fields"),
                Err(DecodeError::BadField { field, .. }) => assert_eq!(field, fields[0].0),
                Err(other) => panic!("{kind}: {other}"),
            }
        }
        let known = serde_json::from_str::<ClientMessage>(r#"{"type":"?"}"#).unwrap_err().to_string();
        for (kind, _) in FIELDS {
            assert!(known.contains(&format!("`{kind}`")), "{kind} is no variant: {known}");
        }
        assert_eq!(known.matches('`').count(), 2 * (FIELDS.len() + 1), "{known}");
    }

    #[test]
    fn an_unknown_type_is_repeated_only_in_part() {
        let text = format!(r#"{{"type":"{}"}}"#, "x".repeat(60_000));
        assert!(ClientMessage::decode(&text).unwrap_err().to_string().len() < 100);
    }

    #[test]
    fn the_vectors_of_the_reference_decode_and_encode() {
        let vectors: Value = serde_json::from_str(include_str!("../../../docs/vectors/socket.json")).unwrap();
        for vector in vectors["client"].as_array().unwrap() {
            let message = ClientMessage::decode(&vector.to_string()).unwrap();
            assert_eq!(serde_json::to_value(&message).unwrap(), *vector);
            let mut grown = vector.clone();
            grown["of_a_later_version"] = Value::Null;
            assert_eq!(ClientMessage::decode(&grown.to_string()).as_ref(), Ok(&message));
        }
        for vector in vectors["server"].as_array().unwrap() {
            let message: ServerMessage = serde_json::from_value(vector.clone()).unwrap();
            assert_eq!(serde_json::to_value(&message).unwrap(), *vector);
        }
        for vector in vectors["client_errors"].as_array().unwrap() {
            let error = ClientMessage::decode(vector["text"].as_str().unwrap()).unwrap_err();
            assert_eq!(error.to_string(), vector["error"].as_str().unwrap());
            let id = match error {
                DecodeError::BadField { id, .. } => id,
                _ => None,
            };
            assert_eq!(id, vector["id"].as_u64(), "{vector}");
        }
    }
}
