//! `[[alerts]]`: a threshold on a metric.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::{Layers, duration_text};
use crate::collector::AlertRule;

/// Most rules, in rows: each is looked at for each sample, and a person has to know them all.
const ALERT_RULES_MAX: usize = 256;

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    metric: String,
    above: Option<f64>,
    below: Option<f64>,
    #[serde(rename = "for", default, deserialize_with = "duration_text::deserialize")]
    hold: Duration,
    agent: Option<String>,
}

/// The rules of the settings file.
///
/// # Errors
/// The first row that cannot be used.
pub(super) fn rules_from_layers(layers: &Layers) -> anyhow::Result<Vec<AlertRule>> {
    let rows: Vec<Row> = layers.rows("alerts")?;
    ensure!(
        rows.len() <= ALERT_RULES_MAX,
        "[[alerts]]: {} rows are over the limit of {ALERT_RULES_MAX}",
        rows.len()
    );
    let rule = |(i, row)| rule_from_row(row).with_context(|| format!("[[alerts]] number {}", i + 1));
    rows.into_iter().enumerate().map(rule).collect()
}

fn rule_from_row(row: Row) -> anyhow::Result<AlertRule> {
    let Row { metric, above, below, hold, agent } = row;
    ensure!(above.is_some() || below.is_some(), "say `above` or `below`, or both");
    let is_finite = above.iter().chain(&below).all(|bound| bound.is_finite());
    ensure!(is_finite, "a threshold is a finite number");
    Ok(AlertRule { metric, above, below, hold, agent })
}
