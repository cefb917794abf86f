//! What an alert is told to watch.

use std::time::Duration;

/// A threshold on a metric. At least one of `above` and `below` is given.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    /// The metric's key in the samples.
    pub metric: String,
    /// Values above this are beyond the threshold, in the metric's own unit.
    pub above: Option<f64>,
    /// Values below this are beyond the threshold, in the metric's own unit.
    pub below: Option<f64>,
    /// How long the metric must stay beyond the threshold before the alert begins.
    pub hold: Duration,
    /// The only agent it is for; none for every agent.
    pub agent: Option<String>,
}
