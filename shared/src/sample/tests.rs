//! The vectors of docs/vectors/samples.json, the texts of refusals, and bytes that nobody wrote on purpose.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    taken: Vec<Taken>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Taken {
    name: String,
    input: String,
    color: String,
    timestamp_ms: i64,
    metrics: BTreeMap<String, f64>,
    data: String,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    input: String,
    reason: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../docs/vectors/samples.json")).unwrap()
}

#[test]
fn takes_what_the_vectors_take() {
    for vector in vectors().taken {
        let sample = Sample::from_json(vector.input.as_bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let metrics: BTreeMap<String, f64> =
            sample.metrics().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(sample.color, vector.color, "{}", vector.name);
        assert_eq!(sample.timestamp_ms, vector.timestamp_ms, "{}", vector.name);
        assert_eq!(metrics, vector.metrics, "{}", vector.name);
        assert_eq!(std::str::from_utf8(&sample.json).unwrap(), vector.data, "{}", vector.name);
        let again = Sample::from_json(vector.data.as_bytes()).unwrap();
        assert_eq!((again.color, again.timestamp_ms), (sample.color, sample.timestamp_ms), "{}", vector.name);
    }
}

#[test]
fn refuses_what_the_vectors_refuse() {
    for vector in vectors().refused {
        let error = Sample::from_json(vector.input.as_bytes()).expect_err(&vector.name);
        assert_eq!(error.reason(), vector.reason, "{}: {error}", vector.name);
        assert!(SampleError::REASONS.contains(&error.reason()), "{}", vector.name);
    }
}

fn check(input: &str, expected: &str) {
    let error = Sample::from_json(input.as_bytes()).expect_err(input);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_refusal_says_what_to_do() {
    check(
        r#"{"color": "red", "timestamp": "2026-11-20T12:03:07Z", "cpu": NaN, "mem": 2}"#,
        "NaN at column 62 is no finite number: leave a metric out when it has no value",
    );
    check(
        "{\"color\":\"red\",\n\"cpu\": -Infinity}",
        "Infinity at column 9 is no finite number: leave a metric out when it has no value",
    );
    check(
        r#"{"color":"red","cpu":1e999}"#,
        "a number out of range at column 26 is no finite number: leave a metric out when it has no value",
    );
    check(r#"{"color":"a\u001bb"}"#, "an agent name must not contain the control character U+001B");
    check(
        r#"{"color":"red"}"#,
        "\"timestamp\" is not an ISO 8601 time with offset, such as 2026-11-20T12:03:07+01:00: it is missing",
    );
    check("[1]", "JSON, but not an object");
}

#[test]
fn the_size_is_checked_before_anything_else() {
    let fitting =
        format!(r#"{{"color":"red","timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":2,"x":"{}"}}"#, "");
    let fitting =
        fitting.replace(r#""x":"""#, &format!(r#""x":"{}""#, "y".repeat(SAMPLE_BYTES_MAX - fitting.len())));
    assert_eq!(fitting.len(), SAMPLE_BYTES_MAX);
    assert!(Sample::from_json(fitting.as_bytes()).is_ok());
    let bytes = SAMPLE_BYTES_MAX + 1;
    assert_eq!(Sample::from_json(&vec![b' '; bytes]), Err(SampleError::TooLarge { bytes }));
}

#[test]
fn an_error_repeats_only_the_beginning_of_a_long_text() {
    let timestamp = "x".repeat(60_000);
    let json = format!(r#"{{"color":"red","timestamp":"{timestamp}","cpu":1,"mem":2}}"#);
    let text = Sample::from_json(json.as_bytes()).unwrap_err().to_string();
    assert!(text.len() < 2 * ERROR_TEXT_CHARS_MAX, "{}", text.len());
}

proptest! {
    #[test]
    fn any_bytes_give_a_sample_or_a_counted_reason(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = Sample::from_json(&bytes) {
            prop_assert!(SampleError::REASONS.contains(&error.reason()));
        }
    }

    /// A sample with any one byte changed is either still one, whose encoding is one line, or is refused.
    #[test]
    fn a_changed_byte_never_breaks_the_line(place in 0_usize..90, byte in any::<u8>()) {
        let mut json = br#"{"color":"red","timestamp":"2026-11-20T12:03:07+00:00","cpu":12.5,"mem":48.25,"note":"a\n"}"#.to_vec();
        json[place] = byte;
        if let Ok(sample) = Sample::from_json(&json) {
            prop_assert!(!sample.json.contains(&b'\n') && !sample.json.contains(&b'\r'));
            prop_assert!(sample.metrics().all(|(_, value)| value.is_finite()));
        }
    }
}

/// Fields as an agent might send them, keys repeated and escaped among them, and more than are searched one by one.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let key = prop_oneof![
        Just("color".to_owned()),
        Just("name".to_owned()),
        Just("cpu".to_owned()),
        "[a-d]{1,2}",
        Just("\u{e9}\"\\".to_owned())
    ];
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|is_so| is_so.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (-1e300_f64..1e300).prop_map(|number| format!("{number:e}")),
        ".{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just("{\"a\": [1, {\"b\": 1e3, \"b\": \"\\u00e9\"}] }".to_owned()),
        Just(" [ 1 , [ ] ] ".to_owned()),
    ];
    prop::collection::vec((key, value), 0..40)
}

proptest! {
    /// What the feed carries is what reading the whole object and writing it again would give.
    #[test]
    fn the_line_is_the_object_read_and_written_again(fields in fields()) {
        let mut json = r#"{"color":"red","timestamp":"2026-11-20T12:03:07Z","mem":2,"cpu":1.50"#.to_owned();
        for (key, value) in fields {
            json += &format!(" ,\t{} : {value}", serde_json::to_string(&key).unwrap());
        }
        json += "}";
        let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        let named = ["color", "name"].into_iter().find_map(|key| object.get(key)?.as_str().filter(|name| !name.trim().is_empty()));
        let color = named.map(str::to_owned);
        match Sample::from_json(json.as_bytes()) {
            Ok(sample) => {
                prop_assert_eq!(Some(&sample.color), color.as_ref());
                object.insert("color".to_owned(), sample.color.clone().into());
                prop_assert_eq!(String::from_utf8(sample.json.clone()).unwrap(), serde_json::to_string(&object).unwrap());
                let numbers = object.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_f64()?)));
                prop_assert_eq!(sample.metrics().collect::<Vec<_>>(), numbers.collect::<Vec<_>>());
            }
            Err(SampleError::NoName) => prop_assert_eq!(color, None),
            Err(SampleError::BadMetric { key }) => prop_assert!(!object[&key].is_number()),
            Err(error) => prop_assert!(error.reason() == "bad_name", "{}", error),
        }
    }
}
