//! Answers about the history for charts: a window of time, at a step that keeps the answer within its bound.
//!
//! Copies one agent at a time, so that the lock is held for one agent's columns only; rows that come meanwhile are cut
//! off at the answer's own id.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_shared::feed::{AgentHistory, MetricsHistory};

use super::event;
use super::history::History;
use super::series::Window;
use crate::clock::now_ms;

/// Longest window and step that can be asked for, in seconds: a week, as long as a history can be.
pub const SECS_MAX: u32 = 604_800;

impl History {
    /// The samples of the last `window_secs` by their agents' clocks. With a step of 0 these are the samples
    /// themselves, else one point per step with the mean of each metric at the time of the last sample in it. The
    /// step is widened where the answer would hold more than `history_answer_values` values.
    ///
    /// The answer is the JSON of a [`MetricsHistory`], made off the runtime's own threads.
    pub async fn answer_json(self: &Arc<Self>, window_secs: u32, step_secs: u32) -> Vec<u8> {
        // The semaphore is never closed, so there is always a permit at last.
        let _permit = self.answers.acquire().await;
        let history = self.clone();
        let build = move || event::json(&history.answer(window_secs, step_secs, now_ms()));
        match tokio::task::spawn_blocking(build).await {
            Ok(json) => json,
            // A panic goes on where it is handled; otherwise the runtime is ending, and with it the connection.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Vec::new(),
        }
    }

    /// The same, here and now.
    #[must_use]
    pub fn answer(&self, window_secs: u32, step_secs: u32, now_ms: i64) -> MetricsHistory {
        let since_ms = now_ms - i64::from(window_secs) * 1_000;
        let (id, mut agents, rows) = self.with(|inner| {
            let sorted = inner.agents.sorted();
            let agents: Vec<AgentHistory> = sorted
                .iter()
                .map(|agent| AgentHistory {
                    color: agent.color.clone(),
                    state: agent.life.state(),
                    interval_ms: agent.life.interval_ms(),
                    timestamps_ms: Vec::new(),
                    metrics: BTreeMap::new(),
                    ranges: BTreeMap::new(),
                })
                .collect();
            let rows: Vec<(u64, u64)> = sorted
                .iter()
                .map(|agent| (agent.series.n_rows() as u64, agent.series.metrics().count() as u64 + 1))
                .collect();
            (inner.ring.head(), agents, rows)
        });
        let step_secs = step_within(&rows, window_secs, step_secs, self.answer_values_max);
        for agent in &mut agents {
            let window = self.with(|inner| {
                let known = inner.agents.agent(&agent.color)?;
                Some(known.series.window(since_ms, id.seq))
            });
            let mut window = window.unwrap_or_default();
            if 0 < step_secs {
                window = stepped(&window, i64::from(step_secs) * 1_000);
            }
            agent.timestamps_ms = window.timestamps_ms;
            let present = |value: f64| (!value.is_nan()).then_some(value);
            agent.metrics = window
                .columns
                .into_iter()
                .map(|(metric, values)| (metric, values.into_iter().map(present).collect()))
                .collect();
        }
        MetricsHistory { id, now_ms, step_secs, tier_secs: 0, until_ms: None, agents }
    }
}

/// The smallest step from `step_secs` on that keeps the sum of all values within `values_max`. `rows` are each
/// agent's rows and columns.
fn step_within(rows: &[(u64, u64)], window_secs: u32, step_secs: u32, values_max: u64) -> u32 {
    let n_values = |step_secs: u32| -> u64 {
        let points_max = match step_secs {
            0 => u64::MAX,
            step_secs => u64::from(window_secs / step_secs) + 2,
        };
        rows.iter().map(|&(n_rows, n_columns)| n_rows.min(points_max) * n_columns).sum()
    };
    let mut step_secs = step_secs;
    while values_max < n_values(step_secs) && step_secs < window_secs {
        step_secs = step_secs.saturating_mul(2).clamp(1, window_secs);
    }
    step_secs
}

/// One point per step of `step_ms`, steps counted from the Unix epoch.
fn stepped(window: &Window, step_ms: i64) -> Window {
    let times = &window.timestamps_ms;
    let mut ends: Vec<usize> = Vec::new();
    for (row, time_ms) in times.iter().enumerate() {
        let is_last =
            times.get(row + 1).is_none_or(|next| next.div_euclid(step_ms) != time_ms.div_euclid(step_ms));
        if is_last {
            ends.push(row + 1);
        }
    }
    let columns = window.columns.iter().map(|(metric, values)| {
        let mut start = 0;
        let mean = |&end: &usize| {
            let present = values[start..end].iter().filter(|value| !value.is_nan());
            start = end;
            let (sum, n) = present.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
            // Nothing by nothing is not a number, as it should be.
            sum / n
        };
        (metric.clone(), ends.iter().map(mean).collect())
    });
    Window { columns: columns.collect(), timestamps_ms: ends.iter().map(|&end| times[end - 1]).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_widened_until_the_answer_fits() {
        let hour = [(3_600, 3); 200];
        assert_eq!(step_within(&hour, 3_600, 0, 10_000_000), 0);
        assert_eq!(step_within(&hour, 3_600, 0, 1_000_000), 4);
        assert_eq!(step_within(&hour, 3_600, 10, 1_000_000), 10);
        assert_eq!(step_within(&hour, 3_600, 1, 1), 3_600);
        assert_eq!(step_within(&[], 3_600, 0, 1), 0);
    }

    #[test]
    fn a_point_is_the_mean_of_its_step_at_its_last_sample() {
        let window = Window {
            timestamps_ms: vec![-1, 0, 999, 1_000, 3_500],
            columns: vec![
                ("cpu".into(), vec![9.0, 1.0, 3.0, 5.0, f64::NAN]),
                ("mem".into(), vec![f64::NAN, f64::NAN, 4.0, 6.0, 8.0]),
            ],
        };
        let stepped = stepped(&window, 1_000);
        assert_eq!(stepped.timestamps_ms, [-1, 999, 1_000, 3_500]);
        assert_eq!(stepped.columns[0].1[..3], [9.0, 2.0, 5.0]);
        assert!(stepped.columns[0].1[3].is_nan());
        assert!(stepped.columns[1].1[0].is_nan());
        assert_eq!(stepped.columns[1].1[1..], [4.0, 6.0, 8.0]);
    }
}
