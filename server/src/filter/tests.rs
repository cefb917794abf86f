//! One line per case: words and payloads, faults and their places, and what must not take long.

use super::*;

fn filter(words: &str) -> Filter {
    let Ok(words) = words.parse();
    Filter::new(&words).unwrap_or_else(|error| panic!("{words}: {error}"))
}

fn check(words: &str, shown: &[&str], filtered: &[&str]) {
    let filter = filter(words);
    for payload in shown {
        assert_eq!(filter.judge(payload.as_bytes()), Verdict::Shown, "{words} on {payload}");
    }
    for payload in filtered {
        assert_eq!(filter.judge(payload.as_bytes()), Verdict::Filtered, "{words} on {payload}");
    }
}

fn check_fault(words: &str, position: usize, reason: &str) {
    let Ok(words) = words.parse();
    let error = Filter::new(&words).expect_err(&words.text);
    assert_eq!((error.position, error.reason.as_str()), (position, reason), "{words}");
}

#[test]
fn a_text_is_found_as_it_stands() {
    check("text:a.b", &["xa.by", "a.b"], &["aXb", "", "A.B"]);
    check("text:żółw", &["ten żółw"], &["zolw"]);
    assert_eq!(filter("text:b").judge(b"\xff\xfeb\x00"), Verdict::Shown);
    let mut large = vec![b'x'; 3 * JUDGED_BYTES_MAX];
    large.push(b'y');
    assert_eq!(filter("text:xy").judge(&large), Verdict::Shown, "a text is looked for in all of it");
}

#[test]
fn numbers_texts_and_the_rest_are_compared() {
    let json = r#"{"user":{"id":5,"name":"ada","tags":["a",1],"on":true,"none":null},"rows":[{"x":1.5}]}"#;
    for words in [
        "$.user.id == 5",
        "$.user.id == 5.0",
        "$.user.id != 6",
        "$.user.id>=5",
        "$.user.id <= 5",
        "$.user.id < 5.5",
        "$.user.id > -1e3",
        "$.user.name == \"ada\"",
        "$.user.name == 'ada'",
        "$.user.name contains \"d\"",
        "$.user.name > \"Ada\"",
        "$.user.tags contains \"a\"",
        "$.user.tags contains 1.0",
        "$.user contains 'on'",
        "$.user.on == true",
        "$.user.none == null",
        "$.user.name != 5",
        "$.rows[0].x == 1.5",
        "$[\"user\"]['id'] == 5",
        "$.user.id",
        "$.user.id == 5 && $.user.on == true",
        "json:  $.user.id  ==  5  ",
        "json:$",
    ] {
        check(words, &[json], &[]);
    }
    for words in [
        "$.user.id == 4",
        "$.user.id == \"5\"",
        "$.user.id < \"9\"",
        "$.user.name < 5",
        "$.user.none",
        "$.user.none != null",
        "$.missing != 5",
        "$.user.id.deeper != 5",
        "$.rows[1].x != 5",
        "$.rows.x != 5",
        "$.user[0] != 5",
        "$.user.id == 5 && $.user.on == false",
        "$.user.on contains true",
    ] {
        check(words, &[], &[json]);
    }
    check(
        "$.a == 18446744073709551615",
        &[r#"{"a":18446744073709551615}"#],
        &[r#"{"a":18446744073709551614}"#],
    );
    check("$.a == 2", &[r#"{"a":1,"a":2}"#], &[r#"{"a":2,"a":1}"#]);
    check("$[2] == 3", &["[1,2,3]", "[1,2,3,4]"], &["[1,2]", "[]", "3"]);
    check("$.\u{17c} == 1", &["{\"\u{17c}\":1}", r#"{"\u017c":1}"#], &[]);
}

#[test]
fn what_is_no_json_is_kept_back() {
    check(
        "$.a == 1",
        &[r#" {"a":1} "#],
        &["", "{", r#"{"a":1"#, r#"{"a":1} x"#, r#"{"a":1}{"a":1}"#, "hello"],
    );
    assert_eq!(filter("$.a == 1").judge(b"{\"a\":1,\"b\":\"\xff\"}"), Verdict::Filtered);
}

#[test]
fn expressions_match_anywhere_and_over_any_bytes() {
    check("regex:^a+$", &["aaa"], &["baaa", ""]);
    check("regex:(?i)ERROR", &["an error"], &["fine"]);
    assert_eq!(filter(r"regex:(?-u)\xff").judge(b"a\xff"), Verdict::Shown);
}

#[test]
fn a_fault_is_named_with_its_place() {
    check_fault("text:", 0, "the filter is empty");
    check_fault("json:user.id == 5", 0, "a path begins with $, such as $.user.id");
    check_fault("$.user.id = 5", 10, "one of == != < <= > >= contains is wanted here: equal is ==");
    check_fault("$.user.id ~ 5", 10, "one of == != < <= > >= contains is wanted here");
    check_fault(
        "$.user. == 5",
        7,
        "a name is wanted here; one with other characters is written [\"like this\"]",
    );
    check_fault("$.a == running", 7, "a number, a text in quotes, true, false or null is wanted here");
    check_fault("$.a == [1]", 7, "a number, a text in quotes, true, false or null is wanted here");
    check_fault("$.ż ==", 6, "a number, a text in quotes, true, false or null is wanted here");
    check_fault("$.a == 'x", 7, "the quote is not closed");
    check_fault("$[x] == 1", 2, "a place from 0 or a name in quotes is wanted in brackets");
    check_fault(
        "$[99999999999999999999] == 1",
        2,
        "a place from 0 or a name in quotes is wanted in brackets",
    );
    check_fault("$[1 == 1", 3, "the bracket is not closed");
    check_fault("$.a == 1 or $.b == 2", 9, "nothing can follow here but && and a further comparison");
    check_fault("$.a == 1 &&", 11, "a path begins with $, such as $.user.id");
    check_fault("$.a < true", 10, "only numbers and texts have an order");
    check_fault(&["$.a"; 9].join("&&"), 40, "at most 8 comparisons can be joined");
    check_fault("regex:ż(a", 1, "unclosed group");
    check_fault("regex:*", 0, "repetition operator missing expression");
    check_fault(&"x".repeat(1_025), 1_024, "the filter has 1025 bytes, of which 1024 are allowed");
}

#[test]
fn hostile_words_are_refused_before_they_cost() {
    for pattern in ["(a{1000}){1000}", "((((a{100}){100}){100}){100})", r"\pL{9999}"] {
        check_fault(
            &format!("regex:{pattern}"),
            0,
            "the expression is too large once its repetitions are written out",
        );
    }
    let nested = format!("regex:{}{}", "(".repeat(400), ")".repeat(400));
    let Ok(words) = nested.parse();
    assert!(Filter::new(&words).unwrap_err().reason.contains("nest"));
}

#[test]
fn hostile_payloads_are_judged_without_harm() {
    // What ruins a matcher that tracks back, and what overflows the stack of a parser that calls itself.
    let expression = filter("regex:^(a+)+$");
    let mut payload = vec![b'a'; JUDGED_BYTES_MAX - 1];
    payload.push(b'b');
    assert_eq!(expression.judge(&payload), Verdict::Filtered);
    payload.push(b'b');
    assert_eq!(expression.judge(&payload), Verdict::Unjudged, "one byte over the bound");

    let deep = format!("{}{}", "[".repeat(JUDGED_BYTES_MAX / 2), "]".repeat(JUDGED_BYTES_MAX / 2));
    for words in ["$.a == 1", "$ == 1", "$[0][0] == 1", "$[0]"] {
        assert_eq!(filter(words).judge(deep.as_bytes()), Verdict::Filtered, "{words}");
    }
    let path = format!("${} == 1", "[0]".repeat(300));
    assert_eq!(filter(&path).judge(deep.as_bytes()), Verdict::Filtered);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(filter("$.a.a == 1").judge(objects.as_bytes()), Verdict::Filtered);
    assert_eq!(filter("$.a == 1").judge(&vec![0xff; 16 * 1024 * 1024]), Verdict::Unjudged);
}
