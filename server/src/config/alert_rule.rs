//! `[[alerts]]`: a threshold on a metric.

use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;

use super::{Layers, duration_text};

/// Most rules, in rows: each is looked at for each sample, and a person has to know them all.
const ALERT_RULES_MAX: usize = 256;

/// A threshold on a metric. At least one of `above` and `below` is given.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// The metric's key in the samples.
    pub metric: String,
    /// Values above this are beyond the threshold, in the metric's own unit.
    pub above: Option<f64>,
    /// Values below this are beyond the threshold, in the metric's own unit.
    pub below: Option<f64>,
    /// How long the metric must stay beyond the threshold before the alert begins.
    #[serde(rename = "for", default, deserialize_with = "duration_text::deserialize")]
    pub hold: Duration,
    /// The only agent it is for; none for every agent.
    pub agent: Option<String>,
}

/// The rules of the settings file.
///
/// # Errors
/// The first row that cannot be used.
pub(super) fn rules_from_layers(layers: &Layers) -> anyhow::Result<Vec<AlertRule>> {
    let rules: Vec<AlertRule> = layers.rows("alerts")?;
    ensure!(
        rules.len() <= ALERT_RULES_MAX,
        "[[alerts]]: {} rows are over the limit of {ALERT_RULES_MAX}",
        rules.len()
    );
    for (i, rule) in rules.iter().enumerate() {
        let number = i + 1;
        let bounds = || rule.above.iter().chain(rule.below.iter());
        ensure!(bounds().next().is_some(), "[[alerts]] number {number}: say `above` or `below`, or both");
        ensure!(
            bounds().all(|bound| bound.is_finite()),
            "[[alerts]] number {number}: a threshold is a finite number"
        );
    }
    Ok(rules)
}
