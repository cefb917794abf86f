//! Text of the wire to the shared types. Pure, and never panics, whatever comes.

use serde::de::DeserializeOwned;
use signalbox_shared::api::Problem;
use signalbox_shared::feed::{
    AgentChange, AlertChange, EVENT_AGENT, EVENT_ALERT, EVENT_GAP, EVENT_MARK, EVENT_PING, EVENT_SAMPLES,
    Gap, Mark, Ping,
};
use signalbox_shared::{EventId, Sample};

/// Name of the default event, which carries a sample. Source: WHATWG HTML, server-sent events.
pub const EVENT_SAMPLE: &str = "message";
/// Every event that a feed may carry and this page understands.
pub const EVENTS: [&str; 7] =
    [EVENT_SAMPLE, EVENT_SAMPLES, EVENT_GAP, EVENT_AGENT, EVENT_ALERT, EVENT_MARK, EVENT_PING];
/// How much of an error a log repeats, in characters.
const ERROR_CHARS_MAX: usize = 200;

/// One decoded event of the feed.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedEvent {
    /// A sample.
    Sample(Sample),
    /// Events are missing.
    Gap(Gap),
    /// An agent came, went, or fell silent.
    Agent(AgentChange),
    /// An alert begins or ends.
    Alert(AlertChange),
    /// Something happened that is worth a line in the charts.
    Mark(Mark),
    /// Still there.
    Ping(Ping),
}

/// The samples that an event carries, one on each line, each with the id that it has by its place.
pub fn samples(id: Option<EventId>, data: &str) -> impl Iterator<Item = (Option<EventId>, &str)> {
    let n_lines = data.split('\n').count() as u64;
    let ids = (0..n_lines)
        .rev()
        .map(move |n_behind| id.and_then(|id| Some(EventId { seq: id.seq.checked_sub(n_behind)?, ..id })));
    ids.zip(data.split('\n'))
}

/// Decodes one event of the feed; of several samples [`samples`] makes single ones.
///
/// # Errors
/// What does not decode, as a short text for the log.
pub fn feed_event(name: &str, data: &str) -> Result<FeedEvent, String> {
    match name {
        EVENT_SAMPLE => {
            Sample::from_json(data.as_bytes()).map(FeedEvent::Sample).map_err(|e| short(&e.to_string()))
        }
        EVENT_GAP => json(data).map(FeedEvent::Gap),
        EVENT_AGENT => json(data).map(FeedEvent::Agent),
        EVENT_ALERT => json(data).map(FeedEvent::Alert),
        EVENT_MARK => json(data).map(FeedEvent::Mark),
        EVENT_PING => json(data).map(FeedEvent::Ping),
        _ => Err(short(&format!("unknown event {name:?}"))),
    }
}

/// Decodes JSON to any shared type.
///
/// # Errors
/// What does not decode, as a short text for the log.
pub fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|e| short(&e.to_string()))
}

/// Why the relay did not do what it was asked for, for a person to read: from its answer to a request over HTTP.
#[must_use]
pub fn refusal(status: u16, text: &str) -> String {
    let problem = json::<Problem>(text).ok();
    problem.and_then(|problem| problem.detail).unwrap_or_else(|| format!("answered with status {status}"))
}

/// What an event's id says about whether to take the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It comes after everything taken so far, or cannot be told.
    Next,
    /// It has been taken before.
    Seen,
}

/// Compares an event's id with the last one taken, so that an overlap after a resume shows nothing twice.
#[must_use]
pub fn place(last: Option<EventId>, id: Option<EventId>) -> Place {
    match (last, id) {
        (Some(last), Some(id)) if last.epoch == id.epoch && id.seq <= last.seq => Place::Seen,
        _ => Place::Next,
    }
}

/// Whether a history is another one than that which `before` is an id of. A relay that goes on with what an earlier run
/// of it has kept has another epoch, too, but its numbers go on.
#[must_use]
pub fn is_anew(before: Option<EventId>, now: EventId) -> bool {
    before.is_some_and(|before| before.epoch != now.epoch && now.seq < before.seq)
}

fn short(text: &str) -> String {
    text.chars().take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signalbox_shared::feed::GapReason;

    use super::*;

    #[test]
    fn each_event_becomes_its_type() {
        let sample = r#"{"color":"red","timestamp":"2026-01-01T00:00:00Z","cpu":1,"mem":2}"#;
        assert!(matches!(feed_event("message", sample), Ok(FeedEvent::Sample(s)) if s.color == "red"));
        let gap = r#"{"since":"1-2","resumed_at":"3-4","n_lost":null,"reason":"new_epoch"}"#;
        assert!(matches!(feed_event("gap", gap), Ok(FeedEvent::Gap(g)) if g.reason == GapReason::NewEpoch));
        assert_eq!(feed_event("ping", r#"{"now_ms":5}"#), Ok(FeedEvent::Ping(Ping { now_ms: 5 })));
        assert!(feed_event("agent", "{}").is_err());
        assert!(feed_event("news", "{}").unwrap_err().contains("news"));
    }

    #[test]
    fn a_refusal_has_a_reason_whatever_the_answer_is() {
        let problem =
            r#"{"type":"about:blank","title":"Not found","status":404,"detail":"there is no such channel"}"#;
        assert_eq!(refusal(404, problem), "there is no such channel");
        let unknown = "answered with status 502";
        for text in ["", "<h1>Bad gateway</h1>", "null", r#"{"title":"Bad gateway","status":502}"#] {
            assert_eq!(refusal(502, text), unknown, "{text}");
        }
    }

    #[test]
    fn samples_in_one_event_have_their_ids_by_their_places() {
        let id = |seq| Some(EventId { epoch: 7, seq });
        let check = |at, data, expected: &[(Option<EventId>, &str)]| {
            assert_eq!(samples(at, data).collect::<Vec<_>>(), expected, "{data:?}");
        };
        check(id(5), "a", &[(id(5), "a")]);
        check(id(5), "a\nb\nc", &[(id(3), "a"), (id(4), "b"), (id(5), "c")]);
        check(None, "a\nb", &[(None, "a"), (None, "b")]);
        check(id(0), "a\nb", &[(None, "a"), (id(0), "b")]);
    }

    #[test]
    fn an_overlap_is_not_taken_twice() {
        let id = |epoch, seq| Some(EventId { epoch, seq });
        assert_eq!(place(id(1, 5), id(1, 5)), Place::Seen);
        assert_eq!(place(id(1, 5), id(1, 6)), Place::Next);
        assert_eq!(place(id(1, 5), id(2, 1)), Place::Next);
        assert_eq!(place(None, id(1, 1)), Place::Next);
        assert_eq!(place(id(1, 5), None), Place::Next);
    }

    #[test]
    fn a_history_that_begins_anew_is_noticed() {
        let check = |before: Option<(u64, u64)>, now: (u64, u64), expected: bool| {
            let id = |(epoch, seq)| EventId { epoch, seq };
            assert_eq!(is_anew(before.map(id), id(now)), expected, "{before:?} {now:?}");
        };
        check(None, (1, 0), false);
        check(Some((1, 50)), (1, 50), false);
        check(Some((1, 50)), (2, 3), true);
        check(Some((1, 50)), (2, 50), false);
        check(Some((1, 50)), (2, 70), false);
    }

    #[test]
    fn the_vectors_of_the_protocol_are_understood() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/vectors/feed.json")).unwrap();
        let events = vectors["events"].as_array().unwrap();
        assert!(!events.is_empty());
        for event in events {
            let text = |key: &str| event[key].as_str().unwrap();
            assert!(feed_event(text("event"), text("data")).is_ok(), "{}", event["name"]);
            assert!(event["id"].as_str().is_none_or(|id| id.parse::<EventId>().is_ok()), "{}", event["name"]);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_error_is_long(name in ".{0,300}", data in ".{0,300}") {
            for name in EVENTS.into_iter().chain([name.as_str()]) {
                if let Err(text) = feed_event(name, &data) {
                    prop_assert!(text.chars().count() <= ERROR_CHARS_MAX);
                }
            }
        }
    }
}
