//! Answers about the history for charts: a window of time, from the samples or from the buckets that reach back far
//! enough, at a step that keeps the answer within its bound.
//!
//! Copies one agent at a time, so that the lock is held for one agent's columns only; what comes meanwhile is cut off at
//! the answer's own id.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_shared::feed::{AgentHistory, AgentState, MetricRange, MetricsHistory};

use super::agents::{Agent, Lost, TIER_SECS};
use super::event;
use super::history::History;
use super::points::{Cell, Points};
use crate::clock::now_ms;

/// Longest window and step that can be asked for, in seconds: a week, as long as a history can be.
pub const SECS_MAX: u32 = 604_800;
/// Columns of a metric's point beside its mean: minimum, maximum and count.
const RANGE_COLUMNS: u64 = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// How far back, in seconds.
    pub window_secs: u32,
    /// Seconds between points; 0 for the samples themselves.
    pub step_secs: u32,
    /// Where the window ends, in milliseconds since the Unix epoch; none for now.
    pub until_ms: Option<i64>,
}

/// From what an answer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Samples,
    /// By its place in [`TIER_SECS`].
    Tier(usize),
}

impl Source {
    fn secs(self) -> u32 {
        match self {
            Self::Samples => 0,
            Self::Tier(index) => TIER_SECS[index],
        }
    }
}

/// The part of the history that an answer tells.
#[derive(Clone, Copy, Debug)]
struct Part {
    source: Source,
    since_ms: i64,
    until_ms: i64,
    until_seq: u64,
}

impl History {
    /// The window that is asked for, by the agents' clocks. With a step of 0 its points are the samples themselves, else
    /// one per step with mean, minimum and maximum at the time of the last sample in it. The step is widened where
    /// only buckets reach back that far, or where the answer would hold more than `history_answer_values` values.
    ///
    /// The answer is the JSON of a [`MetricsHistory`], made off the runtime's own threads.
    pub async fn answer_json(self: &Arc<Self>, question: Question) -> Vec<u8> {
        // The semaphore is never closed, so there is always a permit at last.
        let _permit = self.answers.acquire().await;
        let history = self.clone();
        let build = move || event::json(&history.answer(question, now_ms()));
        match tokio::task::spawn_blocking(build).await {
            Ok(json) => json,
            // A panic goes on where it is handled; otherwise the runtime is ending, and with it the connection.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Vec::new(),
        }
    }

    /// The same, here and now.
    #[must_use]
    pub fn answer(&self, question: Question, now_ms: i64) -> MetricsHistory {
        let Question { window_secs, step_secs, until_ms } = question;
        // An agent's clock may be ahead: without an end, what it has sent already belongs to the window.
        let since_ms = until_ms.unwrap_or(now_ms).saturating_sub(i64::from(window_secs) * 1_000);
        let (id, source, colors, rows) = self.with(|inner| {
            let (source, step_secs) = source(inner.agents.lost(), since_ms, step_secs);
            let sorted = inner.agents.sorted();
            let rows: Vec<(u64, u64)> = sorted.iter().map(|agent| size(agent, source, step_secs)).collect();
            let colors: Vec<String> = sorted.iter().map(|agent| agent.color.clone()).collect();
            (inner.ring.head(), (source, step_secs), colors, rows)
        });
        let (source, step_secs) = source;
        let step_secs = step_within(&rows, window_secs, (source.secs(), step_secs), self.answer_values_max);
        let part = Part { source, since_ms, until_ms: until_ms.unwrap_or(i64::MAX), until_seq: id.seq };
        let agents = colors.iter().filter_map(|color| {
            let (state, interval_ms, points) = self.with(|inner| {
                let agent = inner.agents.agent(color)?;
                Some((agent.life.state(), agent.life.interval_ms(), part.of(agent)))
            })?;
            // Who has been gone since before the window has nothing to do with it.
            let is_of_it = state != AgentState::Gone || !points.timestamps_ms.is_empty();
            is_of_it.then(|| told(color, state, interval_ms, points, step_secs))
        });
        MetricsHistory { id, now_ms, step_secs, tier_secs: source.secs(), until_ms, agents: agents.collect() }
    }
}

impl Part {
    fn of(&self, agent: &Agent) -> Points {
        let samples = |since_ms, until_ms| agent.series.points(since_ms..=until_ms, self.until_seq);
        let Source::Tier(index) = self.source else { return samples(self.since_ms, self.until_ms) };
        let mut points = agent.tiers[index].points(self.since_ms, self.until_ms);
        // A bucket that holds a sample from behind the answer's id is made anew without it, so that the feed can bring it.
        let step_ms = i64::from(TIER_SECS[index]) * 1_000;
        let mut touched: Vec<i64> =
            agent.series.times_after(self.until_seq).map(|at_ms| at_ms.div_euclid(step_ms)).collect();
        touched.dedup();
        for number in touched {
            let start_ms = number * step_ms;
            let before = samples(start_ms, start_ms + step_ms - 1).stepped(step_ms);
            points.replace(start_ms..start_ms + step_ms, &before);
        }
        points
    }
}

fn told(
    color: &str,
    state: AgentState,
    interval_ms: Option<u32>,
    mut points: Points,
    step_secs: u32,
) -> AgentHistory {
    if 0 < step_secs {
        points = points.stepped(i64::from(step_secs) * 1_000);
    }
    let column = |cells: &[Cell], value: fn(&Cell) -> f64| -> Vec<Option<f64>> {
        cells.iter().map(|cell| (0 < cell.count).then(|| value(cell))).collect()
    };
    let mut metrics = BTreeMap::new();
    let mut ranges = BTreeMap::new();
    for (metric, cells) in points.columns {
        if 0 < step_secs {
            let range = MetricRange {
                min: column(&cells, |cell| cell.min),
                max: column(&cells, |cell| cell.max),
                count: cells.iter().map(|cell| cell.count).collect(),
            };
            ranges.insert(metric.clone(), range);
        }
        metrics.insert(metric, column(&cells, |cell| cell.mean));
    }
    let timestamps_ms = points.timestamps_ms;
    AgentHistory { color: color.to_owned(), state, interval_ms, timestamps_ms, metrics, ranges }
}

/// From what an answer is made, and its step: the coarsest source of which the step is a multiple and that is whole from
/// `since_ms` on; where there is none, the finest tier that is, or the one that reaches back furthest.
fn source(lost: Lost, since_ms: i64, step_secs: u32) -> (Source, u32) {
    let reaches = |index: usize| lost.tiers_ms[index] <= since_ms;
    for index in (0..TIER_SECS.len()).rev() {
        if 0 < step_secs && step_secs.is_multiple_of(TIER_SECS[index]) && reaches(index) {
            return (Source::Tier(index), step_secs);
        }
    }
    if lost.samples_ms <= since_ms {
        return (Source::Samples, step_secs);
    }
    let finest = (0..TIER_SECS.len()).find(|&index| reaches(index));
    let furthest = || (0..TIER_SECS.len()).min_by_key(|&index| (lost.tiers_ms[index], index));
    match finest.or_else(furthest).filter(|&index| lost.tiers_ms[index] < lost.samples_ms) {
        Some(index) => (Source::Tier(index), step_secs.max(1).next_multiple_of(TIER_SECS[index])),
        None => (Source::Samples, step_secs),
    }
}

/// An agent's points and their columns.
fn size(agent: &Agent, source: Source, step_secs: u32) -> (u64, u64) {
    let (n_rows, n_metrics) = match source {
        Source::Samples => (agent.series.n_rows(), agent.series.metrics().count()),
        Source::Tier(index) => agent.tiers[index].size(),
    };
    let columns = if step_secs == 0 { 1 } else { 1 + RANGE_COLUMNS };
    (n_rows as u64, n_metrics as u64 * columns + 1)
}

/// The smallest step from the one asked for on, a multiple of the source's, that keeps the sum of all values within
/// `values_max`. `rows` are each agent's rows and columns.
fn step_within(
    rows: &[(u64, u64)],
    window_secs: u32,
    (source_secs, asked_secs): (u32, u32),
    values_max: u64,
) -> u32 {
    let n_values = |step_secs: u32| -> u64 {
        let points_max = match step_secs {
            0 => u64::MAX,
            step_secs => u64::from(window_secs / step_secs) + 2,
        };
        let widened = if asked_secs == 0 && 0 < step_secs { 1 + RANGE_COLUMNS } else { 1 };
        rows.iter().map(|&(n_rows, n_columns)| n_rows.min(points_max) * n_columns * widened).sum()
    };
    let step_max = window_secs.next_multiple_of(source_secs.max(1));
    let mut step_secs = asked_secs;
    while values_max < n_values(step_secs) && step_secs < step_max {
        step_secs = step_secs.saturating_mul(2).clamp(source_secs.max(1), step_max);
    }
    step_secs
}

#[cfg(test)]
mod tests;
