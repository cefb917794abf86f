//! What a notification on Signalbox's own channel says. Pure; decoding never panics.

use serde::Deserialize;
use serde_json::Value;
use signalbox_shared::changes::ChangeKind;

use super::snapshot::Xid;

/// One announced change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    pub(super) xid: Xid,
    /// When the trigger ran, in microseconds since the Unix epoch by the database's clock.
    pub(super) at_us: i64,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) key: Value,
    /// The key before, where the update changed it.
    pub(super) key_before: Option<Value>,
    pub(super) kind: ChangeKind,
    pub(super) old: Option<Value>,
    pub(super) new: Option<Value>,
    pub(super) changed: Vec<String>,
    pub(super) is_truncated: bool,
}

#[derive(Deserialize)]
struct Envelope {
    xid: String,
    at_us: i64,
    schema: String,
    #[serde(default)]
    was: Option<Value>,
    change: Change,
}

/// As it stands on the table's own channel too (docs/protocol.md §7).
#[derive(Deserialize)]
struct Change {
    table: String,
    id: Value,
    #[serde(rename = "type")]
    kind: ChangeKind,
    data: Value,
    #[serde(default)]
    truncated: bool,
}

/// Decodes a payload; none when it is not one of ours.
pub(super) fn decode(payload: &str) -> Option<Notice> {
    let Envelope { xid, at_us, schema, was, change } = serde_json::from_str(payload).ok()?;
    let Change { table, id: key, kind, data, truncated } = change;
    let (mut old, mut new, mut changed) = (None, None, Vec::new());
    match (kind, data) {
        (_, Value::Null) => {}
        (ChangeKind::Insert, row) => new = Some(row),
        (ChangeKind::Delete, row) => old = Some(row),
        (ChangeKind::Update, Value::Object(mut parts)) => {
            old = parts.remove("old");
            new = parts.remove("new");
            let diff = parts.remove("diff")?;
            changed = diff.as_object()?.keys().cloned().collect();
        }
        _ => return None,
    }
    let xid = xid.parse().ok()?;
    let is_truncated = truncated;
    Some(Notice { xid, at_us, schema, table, key, key_before: was, kind, old, new, changed, is_truncated })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"xid":"7","at_us":5,"schema":"public","#;

    #[test]
    fn an_update_tells_old_new_and_what_changed() {
        let text = format!(
            r#"{HEAD}"change":{{"table":"t","id":1,"type":"UPDATE","data":{{"old":{{"a":1}},"new":{{"a":2}},"diff":{{"a":2}}}}}}}}"#
        );
        let notice = decode(&text).unwrap();
        assert_eq!(
            (notice.xid, notice.at_us, notice.changed.as_slice()),
            (7, 5, ["a".to_owned()].as_slice())
        );
        assert_eq!(notice.old, Some(serde_json::json!({"a": 1})));
        assert_eq!(notice.new, Some(serde_json::json!({"a": 2})));
    }

    #[test]
    fn what_is_not_ours_is_none() {
        let bad = [
            "",
            "hello",
            "{}",
            r#"{"xid":"x","at_us":5,"schema":"s","change":{"table":"t","id":1,"type":"DELETE","data":null}}"#,
            r#"{"xid":"1","at_us":5,"schema":"s","change":{"table":"t","id":1,"type":"DANCE","data":null}}"#,
            r#"{"xid":"1","at_us":5,"schema":"s","change":{"table":"t","id":1,"type":"UPDATE","data":{"diff":1}}}"#,
            r#"{"xid":"1","at_us":5,"schema":"s","change":{"table":"t","id":1,"type":"UPDATE","data":[]}}"#,
        ];
        for text in bad {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(&"[".repeat(8_000)), None);
        let truncated = format!(
            r#"{HEAD}"change":{{"table":"t","id":1,"type":"INSERT","data":null,"truncated":true}}}}"#
        );
        assert!(decode(&truncated).unwrap().is_truncated);
    }
}
