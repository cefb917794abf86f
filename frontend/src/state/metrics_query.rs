//! How the metrics view is set, as its address tells it: a pasted link shows the same view.

use std::collections::BTreeMap;

use super::route::Query;
use super::series_choice::SeriesChoice;
use super::time_cursor::TimeCursor;
use super::viewport::{WINDOW_MS_MAX, WINDOW_MS_MIN};

/// What is shown without a word in the address, in seconds.
pub const WINDOW_SECS_DEFAULT: f64 = 300.0;
/// Fixed ranges read from an address at most: as many as charts are shown at most.
pub const RANGES_MAX: usize = 64;
/// The key of the metric whose chart a link leads to.
pub const LINKED_KEY: &str = "chart";
/// Before a metric's name, the key of its fixed range.
const RANGE_KEY: &str = "range.";

/// A fixed range of a chart's values: lowest and highest.
pub type FixedRange = (f64, f64);

/// Everything about the metrics view that stands in its address.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsQuery {
    /// Seconds from the left to the right edge, by thousandths.
    pub window_secs: f64,
    /// The locked moment and the pause.
    pub cursor: TimeCursor,
    /// Which lines are drawn.
    pub choice: SeriesChoice,
    /// Fixed ranges by the metrics' keys.
    pub ranges: BTreeMap<String, FixedRange>,
}

impl MetricsQuery {
    /// Reads an address; what does not make sense is as if it were not there.
    #[must_use]
    pub fn read(query: &Query, now_ms: i64) -> Self {
        let bounds = WINDOW_MS_MIN / 1e3..=WINDOW_MS_MAX / 1e3;
        let window = query.get("window").and_then(|text| text.parse().ok());
        let mut cursor = TimeCursor::default();
        cursor.read(query.get("at"), query.get("paused"), now_ms);
        let ranges = query.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix(RANGE_KEY)?.to_owned(), range_from_text(value)?))
        });
        Self {
            window_secs: window.filter(|secs| bounds.contains(secs)).unwrap_or(WINDOW_SECS_DEFAULT),
            cursor,
            choice: SeriesChoice::read(query.get("hidden"), query.get("only")),
            ranges: ranges.take(RANGES_MAX).collect(),
        }
    }

    /// The keys of an address that this speaks for, each with its value or none. `old` are those it has now.
    #[must_use]
    pub fn write(&self, old: &Query) -> Vec<(String, Option<String>)> {
        let window_secs = (self.window_secs * 1e3).round() / 1e3;
        let window =
            ((window_secs - WINDOW_SECS_DEFAULT).abs() > f64::EPSILON).then(|| window_secs.to_string());
        let [hidden, only] = self.choice.write();
        let mut pairs = vec![
            ("window".to_owned(), window),
            ("at".to_owned(), self.cursor.locked_ms().map(|ms| ms.to_string())),
            ("paused".to_owned(), self.cursor.paused_at_ms().map(|ms| ms.to_string())),
            ("hidden".to_owned(), hidden),
            ("only".to_owned(), only),
        ];
        let is_stale =
            |key: &str| key.strip_prefix(RANGE_KEY).is_some_and(|metric| !self.ranges.contains_key(metric));
        pairs.extend(query_keys(old).filter(|key| is_stale(key)).map(|key| (key.to_owned(), None)));
        pairs.extend(
            self.ranges.iter().map(|(metric, (low, high))| {
                (format!("{RANGE_KEY}{metric}"), Some(format!("{low}..{high}")))
            }),
        );
        pairs
    }
}

fn query_keys(query: &Query) -> impl Iterator<Item = &str> {
    query.iter().map(|(key, _)| key)
}

/// `0..100`: two finite numbers, the lower one first.
fn range_from_text(text: &str) -> Option<FixedRange> {
    let (low, high) = text.split_once("..")?;
    range_from_fields(low, high)
}

/// Two fields of a form: finite numbers, the lower one first.
#[must_use]
pub fn range_from_fields(low: &str, high: &str) -> Option<FixedRange> {
    let number = |text: &str| text.trim().parse().ok().filter(|n: &f64| n.is_finite() && n.abs() < 1e300);
    let (low, high) = (number(low)?, number(high)?);
    (low < high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_212_843_000;

    fn read(hash: &str) -> MetricsQuery {
        MetricsQuery::read(&Query::from_hash(hash), NOW_MS)
    }

    fn written(view: &MetricsQuery, old: &str) -> String {
        let mut query = Query::from_hash(old);
        let pairs = view.write(&query);
        pairs.into_iter().for_each(|(key, value)| query.set(&key, value));
        query.suffix()
    }

    #[test]
    fn a_link_shows_the_same_view() {
        let hash = "#/metrics?at=1795212800000&hidden=blue,red&other=1&paused=1795212843000&range.cpu=0..100&window=12.5";
        let view = read(hash);
        assert_eq!((view.window_secs, view.cursor.locked_ms()), (12.5, Some(1_795_212_800_000)));
        assert_eq!(view.ranges["cpu"], (0.0, 100.0));
        assert!(view.choice.is_hidden("red") && !view.choice.is_hidden("green"));
        let again = written(&view, hash);
        assert!(again.contains("other=1"), "a key of others stays: {again}");
        assert_eq!(read(&format!("#/metrics{again}")), view);
        assert_eq!(written(&read("#/metrics"), "#/metrics?window=60&range.cpu=0..1&only=red"), "");
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let plain = read("#/metrics");
        assert_eq!(plain.window_secs, WINDOW_SECS_DEFAULT);
        for hash in [
            "window=0",
            "window=1e99",
            "window=NaN",
            "at=x",
            "range.cpu=5..1",
            "range.cpu=a..b",
            "range.cpu=0..inf",
        ] {
            assert_eq!(read(&format!("#/metrics?{hash}")), plain, "{hash}");
        }
    }
}
