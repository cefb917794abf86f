//! A name in two halves: side by side where there is room, one below the other where there is not, and where even that
//! is too little, the first loses its end and the second its beginning. Names that begin alike, or end alike, then still
//! look different.

/// What a name may be parted behind, so that its parts stay whole.
const SEPARATORS: [char; 6] = ['/', '.', ':', '-', '_', ' '];
/// How far from the middle a separator may stand and still be chosen: in a narrow place lopsided halves lose more than
/// parted words do. A part of the name's length.
const ASIDE_MAX: f64 = 0.25;

/// Parts a name near its middle: behind a slash if there is one, else behind another separator, else anywhere.
#[must_use]
pub fn halves(name: &str) -> (&str, &str) {
    let n_chars = name.chars().count();
    let aside = |place: usize| (place as f64 / n_chars.max(1) as f64 - 0.5).abs();
    // Behind each separator: in characters, in bytes, and which one it is.
    let ends = name.char_indices().enumerate().filter_map(|(place, (at, c))| {
        let which = SEPARATORS.iter().position(|separator| *separator == c)?;
        Some((which != 0, aside(place + 1), at + c.len_utf8()))
    });
    let best = ends.filter(|(_, aside, _)| *aside <= ASIDE_MAX).min_by(|a, b| {
        let is_other = a.0.cmp(&b.0);
        is_other.then(a.1.total_cmp(&b.1))
    });
    let middle = || name.char_indices().nth(n_chars / 2).map_or(0, |(at, _)| at);
    name.split_at(best.map_or_else(middle, |(_, _, at)| at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, first: &str, second: &str) {
        assert_eq!(halves(name), (first, second));
    }

    #[test]
    fn a_name_is_parted_where_it_can_be_read() {
        check("", "", "");
        check("x", "", "x");
        check("/topic/news", "/topic/", "news");
        check("/topic/region-0/station-199/departures", "/topic/region-0/", "station-199/departures");
        check("/queue/orders-created-eu-west-1", "/queue/orders-", "created-eu-west-1");
        check("/queue_of.everything", "/queue_of.", "everything");
        check("abcdefgh", "abcd", "efgh");
        check("żółwżółw", "żółw", "żółw");
        check("a/bcdefghijklmnop", "a/bcdefg", "hijklmnop");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(name in "\\PC{0,300}") {
            let (first, second) = halves(&name);
            prop_assert_eq!(format!("{first}{second}"), name);
        }
    }
}
