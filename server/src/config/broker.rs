//! What is said about the broker beyond its bounds: `[[bounds]]` by channel prefix, and what becomes of a slow subscriber.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use signalbox_shared::channel::CHANNEL_NAME_BYTES_MAX;

use super::amount::{Amount, amount_of};
use super::{Layers, SettingError, duration_text, one};
use crate::broker::{BoundsRule, BrokerOptions, SlowSubscriber};

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    prefix: String,
    backlog_messages: Option<Amount>,
    backlog_bytes: Option<Amount>,
    outbox_messages: Option<Amount>,
    outbox_bytes: Option<Amount>,
    frame_bytes: Option<Amount>,
}

pub(super) fn options_from_layers(layers: &Layers) -> anyhow::Result<BrokerOptions> {
    Ok(BrokerOptions {
        bounds: rules_from_layers(layers)?,
        slow_subscriber: slow_from_layers(layers)?,
        stats_every: one(layers, "broker_stats", interval_from_text)?,
    })
}

fn interval_from_text(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    let interval = duration_text::from_text(text).filter(|interval| Duration::from_secs(1) <= *interval);
    interval
        .map(Some)
        .ok_or_else(|| "allowed are off and a time of a second or more, such as 10s or 5m".to_owned())
}

fn slow_from_layers(layers: &Layers) -> Result<SlowSubscriber, SettingError> {
    one(layers, "slow_subscriber", |text| match text {
        "drop" => Ok(SlowSubscriber::Drop),
        "disconnect" => Ok(SlowSubscriber::Disconnect),
        _ => Err("allowed are drop and disconnect".to_owned()),
    })
}

fn rules_from_layers(layers: &Layers) -> anyhow::Result<Vec<BoundsRule>> {
    let mut rules: Vec<BoundsRule> = Vec::new();
    for (i, row) in layers.rows::<Row>("bounds")?.into_iter().enumerate() {
        let place = format!("[[bounds]] number {}", i + 1);
        let rule = rule_from_row(row).with_context(|| place.clone())?;
        let is_new = rules.iter().all(|other| other.prefix != rule.prefix);
        ensure!(is_new, "{place}: there is another row with the prefix {:?}", rule.prefix);
        rules.push(rule);
    }
    Ok(rules)
}

fn rule_from_row(row: Row) -> anyhow::Result<BoundsRule> {
    let is_name = row.prefix.len() <= CHANNEL_NAME_BYTES_MAX && !row.prefix.contains(char::is_control);
    ensure!(
        !row.prefix.is_empty() && is_name,
        "prefix = {:?}: allowed is how a channel's name may begin, 1 to {CHANNEL_NAME_BYTES_MAX} bytes without control \
         characters; for all channels, set the bounds under [limits]",
        row.prefix
    );
    let rule = BoundsRule {
        backlog_messages: amount("backlog_messages", row.backlog_messages)?,
        backlog_bytes: amount("backlog_bytes", row.backlog_bytes)?,
        outbox_messages: amount("outbox_messages", row.outbox_messages)?,
        outbox_bytes: amount("outbox_bytes", row.outbox_bytes)?,
        frame_bytes: amount("frame_bytes", row.frame_bytes)?,
        prefix: row.prefix,
    };
    let says_something = rule != BoundsRule { prefix: rule.prefix.clone(), ..BoundsRule::default() };
    ensure!(
        says_something,
        "prefix = {:?} alone bounds nothing: give backlog_messages, backlog_bytes, outbox_messages, outbox_bytes or \
         frame_bytes",
        rule.prefix
    );
    Ok(rule)
}

/// In the range that the global bound of that name has.
fn amount(key: &str, given: Option<Amount>) -> anyhow::Result<Option<u64>> {
    amount_of(key, &format!("broker_{key}"), given)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file's name differs by test, for they run at the same time.
    fn rules(test: &str, toml: &str) -> anyhow::Result<Vec<BoundsRule>> {
        let path = std::env::temp_dir().join(format!("signalbox-bounds-{test}-{}.toml", std::process::id()));
        std::fs::write(&path, toml).unwrap();
        let mut layers = Layers::default();
        let said = layers.say_file(&path);
        std::fs::remove_file(&path).unwrap();
        said?;
        rules_from_layers(&layers)
    }

    #[test]
    fn numbers_and_texts_are_bounds() {
        let toml = "[[bounds]]\nprefix = '/queue/video'\nbacklog_bytes = '1GiB'\nframe_bytes = 1000\n";
        let rule = BoundsRule {
            prefix: "/queue/video".to_owned(),
            backlog_bytes: Some(1 << 30),
            frame_bytes: Some(1000),
            ..BoundsRule::default()
        };
        assert_eq!(rules("good", toml).unwrap(), [rule]);
    }

    #[test]
    fn a_wrong_row_says_which_and_what_is_allowed() {
        let check = |toml: &str, told: &str| {
            let error = format!("{:#}", rules("bad", toml).unwrap_err());
            assert!(error.contains(told), "{toml}: {error}");
        };
        check("[[bounds]]\nprefix = ''\nframe_bytes = 1\n", "number 1: prefix = \"\"");
        check("[[bounds]]\nprefix = \"/a\\n\"\nframe_bytes = 1\n", "without control characters");
        check("[[bounds]]\nprefix = '/a'\n", "bounds nothing");
        check(
            "[[bounds]]\nprefix = '/a'\nframe_bytes = 0\n",
            "allowed is a whole number from 1 to 1073741824",
        );
        check("[[bounds]]\nprefix = '/a'\nbacklog_messages = '1KiB'\n", "backlog_messages = \"1KiB\"");
        check("[[bounds]]\nprefix = '/a'\nframe_bytes = -1\n", "whole number, or a text");
        check("[[bounds]]\nprefix = '/a'\nframes = 1\n", "unknown field `frames`");
        let row = "[[bounds]]\nprefix = '/a'\nframe_bytes = 1\n";
        check(&row.repeat(2), "number 2: there is another row with the prefix \"/a\"");
    }
}
