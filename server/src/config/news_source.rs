//! `[[sources]]`: a site or a feed whose headlines are shown.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Url;
use serde::Deserialize;

use super::amount::{Amount, amount_of};
use super::{Layers, SettingError, duration_text, items};
use crate::news::guard::{Network, Reach};
use crate::news::{Matcher, NewsSource};

/// Most sources.
const SOURCES_MAX: usize = 1_000;
/// Longest name of a source, in characters: it stands in a box's head.
const NAME_CHARS_MAX: usize = 60;
/// Shortest interval: whoever asks more often is no guest.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Longest deadline.
const DEADLINE_MAX: Duration = Duration::from_secs(120);

/// What the relay shows when the settings name no source: public sites that offer their headlines to programs.
const DEFAULTS: &str = include_str!("news_defaults.toml");

/// A row as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    url: String,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    headline: Option<String>,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    render: bool,
    #[serde(default = "interval_default", deserialize_with = "duration_text::deserialize")]
    interval: Duration,
    #[serde(default = "deadline_default", deserialize_with = "duration_text::deserialize")]
    deadline: Duration,
    #[serde(default)]
    max_bytes: Option<Amount>,
}

#[derive(Deserialize)]
struct Defaults {
    sources: Vec<Row>,
}

fn interval_default() -> Duration {
    Duration::from_secs(300)
}

fn deadline_default() -> Duration {
    Duration::from_secs(10)
}

/// The sources of the settings file, or the ones that ship.
///
/// # Errors
/// The first row that cannot be used.
pub(super) fn sources_from_layers(layers: &Layers) -> anyhow::Result<Vec<NewsSource>> {
    let mut rows: Vec<Row> = layers.rows("sources")?;
    if rows.is_empty() {
        rows = toml::from_str::<Defaults>(DEFAULTS).context("the sources that ship")?.sources;
    }
    ensure!(rows.len() <= SOURCES_MAX, "[[sources]]: {} of them, at most {SOURCES_MAX}", rows.len());
    let mut names = BTreeSet::new();
    let mut sources = Vec::with_capacity(rows.len());
    for (i, row) in rows.into_iter().enumerate() {
        let (number, name) = (i + 1, row.name.clone());
        let source =
            source_from_row(row, i).with_context(|| format!("[[sources]] number {number} ({name:?})"))?;
        ensure!(names.insert(name.clone()), "[[sources]] number {number}: the name {name:?} is there twice");
        sources.push(source);
    }
    Ok(sources)
}

fn source_from_row(row: Row, i: usize) -> anyhow::Result<NewsSource> {
    let name = row.name.trim().to_owned();
    let chars = name.chars().count();
    ensure!(
        0 < chars && chars <= NAME_CHARS_MAX && !name.chars().any(char::is_control),
        "a name has 1 to {NAME_CHARS_MAX} characters"
    );
    let url = Url::parse(&row.url).with_context(|| format!("{:?} is no address", row.url))?;
    ensure!(
        matches!(url.scheme(), "http" | "https"),
        "an address begins with http:// or https://, not {}:",
        url.scheme()
    );
    let color = row.color.unwrap_or_else(|| COLORS[i % COLORS.len()].to_owned());
    ensure!(is_color(&color), "{color:?} is no colour: write #rrggbb, such as \"#c0392b\"");
    ensure!(INTERVAL_MIN <= row.interval, "the interval is at least {INTERVAL_MIN:?}");
    ensure!(
        !row.deadline.is_zero() && row.deadline <= DEADLINE_MAX,
        "the deadline is over 0 and at most {DEADLINE_MAX:?}"
    );
    let matcher = match row.headline {
        Some(headline) => Matcher::selectors(&headline, row.link.as_deref())?,
        None => {
            ensure!(row.link.is_none(), "`link` needs `headline`; a feed has neither");
            ensure!(!row.render, "a feed is not rendered; `render` needs `headline`");
            Matcher::Feed
        }
    };
    let bytes_max = amount_of("max_bytes", "news_page_bytes", row.max_bytes)?;
    let (render, interval, deadline) = (row.render, row.interval, row.deadline);
    Ok(NewsSource { name, url, color, matcher, render, interval, deadline, bytes_max })
}

/// Which addresses sources may have.
///
/// # Errors
/// What is neither a word nor a network.
pub(super) fn reach_from_layers(layers: &Layers) -> Result<Reach, SettingError> {
    let said = items(layers, "news_private", |text| match text.trim() {
        "refuse" => Ok(None),
        "allow" => Ok(Some(Reach::everything())),
        network => network.parse::<Network>().map(|network| Some(Reach::public_and(vec![network]))),
    })?;
    Ok(said.into_iter().flatten().fold(Reach::default(), Reach::and))
}

/// For sources that name no colour; each can carry white or black text beside it.
const COLORS: [&str; 8] =
    ["#b5482f", "#2f6db5", "#2f8a4e", "#8a5fb0", "#b0832f", "#2f8f96", "#b04f86", "#667a2f"];

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, expected: Result<&str, &str>) {
        let row: Row = toml::from_str(row).unwrap();
        match (source_from_row(row, 0), expected) {
            (Ok(source), Ok(color)) => assert_eq!(source.color, color),
            (Err(error), Err(part)) => assert!(format!("{error:#}").contains(part), "{error:#}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_source_says_what_is_wrong_with_it() {
        let row = |rest: &str| format!("name = 'A'\nurl = 'https://a.example/'\n{rest}");
        check(&row(""), Ok("#b5482f"));
        check(&row("headline = 'h2 a'\ncolor = '#A0b1C2'"), Ok("#A0b1C2"));
        check("name = ''\nurl = 'https://a.example/'", Err("1 to 60 characters"));
        check("name = 'A'\nurl = 'file:///etc/passwd'", Err("not file:"));
        check("name = 'A'\nurl = 'a.example'", Err("no address"));
        check(&row("color = 'red'"), Err("#rrggbb"));
        check(&row("headline = 'h2 ['"), Err("selector"));
        check(&row("link = 'a'"), Err("needs `headline`"));
        check(&row("render = true"), Err("not rendered"));
        check(&row("interval = '1ms'"), Err("interval"));
        check(&row("deadline = '0s'"), Err("deadline"));
        check(&row("max_bytes = '1MiB'"), Ok("#b5482f"));
        check(&row("max_bytes = 2000"), Ok("#b5482f"));
        check(&row("max_bytes = '1 page'"), Err("max_bytes"));
    }

    #[test]
    fn private_addresses_are_refused_allowed_or_named() {
        let check = |text: &str, expected: Option<&Reach>| {
            let mut layers = Layers::default();
            layers.say_variables([("SIGNALBOX_NEWS_PRIVATE".to_owned(), text.to_owned())].into_iter());
            assert_eq!(reach_from_layers(&layers).ok().as_ref(), expected, "{text}");
        };
        let networks =
            |texts: &[&str]| Reach::public_and(texts.iter().map(|text| text.parse().unwrap()).collect());
        check("refuse", Some(&Reach::default()));
        check("allow", Some(&Reach::everything()));
        check("192.168.1.5, fd00::/8", Some(&networks(&["192.168.1.5", "fd00::/8"])));
        check("yes", None);
    }

    #[test]
    fn what_ships_can_be_used() {
        let sources = sources_from_layers(&Layers::default()).unwrap();
        assert!(4 <= sources.len());
        assert!(sources.iter().all(|source| source.url.scheme() == "https"));
    }
}
