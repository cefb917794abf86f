//! The layout of JSON in lines, against the naive way.

use super::*;

fn laid_out(text: &str, budget: usize, grow: usize) -> JsonLines {
    let bytes = text.as_bytes();
    let mut lines = JsonLines::default();
    let mut n = 0usize;
    loop {
        n = bytes.len().min(n.saturating_add(grow));
        let is_end = n == bytes.len();
        lines.advance(&bytes[..n], budget, is_end);
        if is_end && lines.is_caught_up(bytes, true) {
            return lines;
        }
    }
}

fn shown(text: &str, lines: &JsonLines) -> Vec<String> {
    let part = |(start, end): (u32, u32)| &text[start as usize..end as usize];
    (0..lines.len())
        .filter_map(|n| lines.line(n))
        .map(|line| {
            let key = line.key.map(|key| format!("{}: ", part(key))).unwrap_or_default();
            let comma = if line.has_comma { "," } else { "" };
            format!("{}{key}{}{comma}", " ".repeat(line.depth as usize), part(line.value))
        })
        .collect()
}

fn check_lines(text: &str, expected: &[&str]) {
    for (budget, grow) in [(usize::MAX, usize::MAX), (1, 1), (2, 3), (100, 1)] {
        let lines = laid_out(text, budget, grow);
        assert_eq!(lines.error(), None, "{text}");
        assert_eq!(shown(text, &lines), expected, "{budget} {grow}");
    }
}

#[test]
fn each_value_has_its_line_however_the_bytes_come() {
    check_lines("1", &["1"]);
    check_lines(" \"a\\\"\\u00e9\" ", &["\"a\\\"\\u00e9\""]);
    check_lines("[]", &["[]"]);
    check_lines("[ ]", &["[ ]"]);
    check_lines("[1,2]", &["[", " 1,", " 2", "]"]);
    check_lines(
        r#"{"a":{},"b":[true,{"c":-1.5e3}]}"#,
        &["{", " \"a\": {},", " \"b\": [", "  true,", "  {", "   \"c\": -1.5e3", "  }", " ]", "}"],
    );
}

fn check_error(text: &str, what: &str, offset: usize) {
    let error = check(text).unwrap_err();
    assert!(error.what.contains(what), "{text:?}: {error:?}");
    assert_eq!(error.offset, offset, "{text:?}: {error:?}");
    let lines = laid_out(text, 1, 1);
    assert_eq!(lines.error(), Some(&error), "{text:?}: piece by piece");
}

#[test]
fn errors_have_their_place() {
    check_error("", "value is missing", 0);
    check_error("{", "closing bracket", 1);
    check_error("[1,]", "value is expected", 3);
    check_error("{\"a\" 1}", "colon", 5);
    check_error("{a:1}", "key in double quotes", 1);
    check_error("{\"a\":1,}", "key in double quotes", 7);
    check_error("[1}", "] is expected", 2);
    check_error("01", "no number", 0);
    check_error("[1.]", "no number", 1);
    check_error("[nul]", "true, false and null", 1);
    check_error("\"a", "does not end", 2);
    check_error("\"\\x\"", "no such escape", 2);
    check_error("\"\\u12g4\"", "four hexadecimal", 5);
    check_error("\"a\nb\"", "control character", 2);
    check_error("1 2", "nothing more", 2);
    check_error("[1 2]", "comma", 3);
    check_error("żółw", "value is expected", 0);
}

#[test]
fn the_place_is_told_as_editors_do() {
    let text = "{\n  \"żółw\": x}";
    let error = check(text).unwrap_err();
    assert_eq!(error.place(text.as_bytes()), (2, 11));
}

#[test]
fn agrees_with_serde_json_about_what_is_json() {
    for text in [
        "0",
        "-0",
        "-",
        "1e",
        "1e+5",
        ".5",
        "+1",
        "[[]]",
        "[[]",
        "{\"a\":[]}",
        "{}{}",
        "tru",
        "true ",
        "nullx",
    ] {
        let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert_eq!(check(text).is_ok(), is_json, "{text:?}");
    }
}

#[test]
fn depth_and_size_harm_nothing() {
    let deep = "[".repeat(200_000);
    let lines = laid_out(&deep, 4_096, usize::MAX);
    assert_eq!((lines.len(), lines.error().map(|e| e.offset)), (200_000, Some(200_000)));
    assert!(lines.path(deep.as_bytes(), 50_000).unwrap().ends_with("[0][0]"));
    let many = format!("[{}1]", "1,".repeat(LINES_MAX));
    let lines = laid_out(&many, 65_536, usize::MAX);
    assert!(lines.is_full() && lines.len() == LINES_MAX);
}

#[test]
fn paths_lead_back_to_their_values() {
    let text = r#"{"user":{"tags":[{"x":1},[2],3.5],"odd key":4},"0":5}"#;
    let lines = laid_out(text, 7, usize::MAX);
    let root: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut paths = Vec::new();
    for n in 0..lines.len() {
        let line = lines.line(n).unwrap();
        let steps = lines.steps(text.as_bytes(), n).unwrap();
        if line.kind == LineKind::Number {
            let raw = &text[line.value.0 as usize..line.value.1 as usize];
            assert_eq!(number_at(text, &steps), raw.parse().ok());
            paths.push(path_text(&steps));
        }
    }
    assert_eq!(
        paths,
        ["$.user.tags[0].x", "$.user.tags[1][0]", "$.user.tags[2]", "$.user[\"odd key\"]", "$[\"0\"]"]
    );
    assert_eq!(lines.path(text.as_bytes(), lines.len() - 1).as_deref(), Some("$"));
    assert_eq!(number_at("{\"a\":\"1\"}", &[Step::Key("a".into())]), None);
    assert!(root.is_object());
}

#[test]
fn folded_lines_take_one_row() {
    let text = r#"{"a":[1,2,[3]],"b":{"c":4},"d":5}"#;
    // 0 { 1 a[ 2 1 3 2 4 [ 5 3 6 ] 7 ] 8 b{ 9 c 10 } 11 d 12 }
    let lines = laid_out(text, usize::MAX, usize::MAX);
    let mut folds = Folds::default();
    let rows = |folds: &Folds| folds.rows(0, 100, lines.len());
    folds.toggle(&lines, 4);
    assert_eq!(rows(&folds), [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12]);
    folds.toggle(&lines, 1);
    assert_eq!(rows(&folds), [0, 1, 8, 9, 10, 11, 12]);
    folds.toggle(&lines, 8);
    assert_eq!(rows(&folds), [0, 1, 8, 11, 12]);
    assert_eq!(folds.n_rows(lines.len()), 5);
    for first in 0..=5 {
        assert_eq!(folds.rows(first, 2, lines.len()), rows(&folds)[first..5.min(first + 2)]);
    }
    folds.toggle(&lines, 1);
    assert_eq!(rows(&folds), [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12]);
    folds.fold_all(&lines);
    assert_eq!(rows(&folds), [0, 1, 8, 11, 12]);
    folds.toggle(&lines, 0);
    assert_eq!((rows(&folds), folds.n_rows(lines.len())), (vec![0], 1));
    folds.toggle(&lines, 2);
    assert_eq!(rows(&folds), [0], "a number cannot be folded");
}
