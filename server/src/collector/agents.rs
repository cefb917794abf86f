//! Every agent that is known, with its life and its readings, under one set of bounds.
//!
//! Rows are dropped oldest first, whichever agent they are of. An agent that is gone stays known for its history; when
//! room is needed for a new one, the one that has been silent longest goes, and where all are alive, the new one is refused.

use std::collections::{HashMap, VecDeque};

use signalbox_shared::Sample;
use signalbox_shared::feed::{AgentChange, AgentState};

use super::life::Life;
use super::ring::Bounds;
use super::series::Series;

/// Every agent that is known.
#[derive(Debug)]
pub struct Agents {
    bounds: Bounds,
    agents_max: usize,
    metrics_max: usize,
    /// An agent's number is never given twice, so that rows of a forgotten one are recognised.
    numbers: HashMap<String, u64>,
    agents: HashMap<u64, Agent>,
    next_number: u64,
    /// Whose row came when, oldest first, over all agents.
    order: VecDeque<(u64, i64)>,
    n_bytes: u64,
}

/// One agent.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub color: String,
    /// When its samples arrived.
    pub life: Life,
    /// Its readings.
    pub series: Series,
}

/// A sample's way in: whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    number: u64,
    /// Whether it is the agent's first sample, or the first one after a silence.
    pub has_joined: bool,
}

impl Agents {
    /// Nobody yet.
    #[must_use]
    pub fn new(bounds: Bounds, agents_max: usize, metrics_max: usize) -> Self {
        Self {
            bounds,
            agents_max,
            metrics_max,
            numbers: HashMap::new(),
            agents: HashMap::new(),
            next_number: 0,
            order: VecDeque::new(),
            n_bytes: 0,
        }
    }

    /// A sample of this agent arrives. `None` when there is no room for one more agent.
    pub fn admit(&mut self, color: &str, now_ms: i64) -> Option<Admitted> {
        if let Some(&number) = self.numbers.get(color) {
            let has_joined = self.agents.get_mut(&number).is_some_and(|agent| agent.life.arrive(now_ms));
            return Some(Admitted { number, has_joined });
        }
        if self.agents_max <= self.agents.len() {
            let gone = self.agents.iter().filter(|(_, agent)| agent.life.state() == AgentState::Gone);
            let (&number, _) = gone.min_by_key(|(_, agent)| agent.life.last_at_ms())?;
            self.forget(number);
        }
        Some(Admitted { number: self.add(color, now_ms), has_joined: true })
    }

    /// Keeps the sample that was admitted and whose event has this seq. Gives how many of its metrics got no column.
    pub fn record(&mut self, admitted: Admitted, sample: &Sample, seq: u64, now_ms: i64) -> u64 {
        let Some(agent) = self.agents.get_mut(&admitted.number) else { return 0 };
        let n_bytes_before = agent.series.bytes();
        let n_left_out = agent.series.push(seq, sample.timestamp_ms, sample.metrics(), self.metrics_max);
        self.n_bytes += agent.series.bytes() - n_bytes_before;
        self.order.push_back((admitted.number, now_ms));
        self.evict(now_ms);
        n_left_out
    }

    /// Time passes: gives who has become stale or gone, in the order of their names, and drops rows that are too old.
    pub fn pass(&mut self, now_ms: i64) -> Vec<AgentChange> {
        self.evict(now_ms);
        let mut is_over = Vec::new();
        let mut changes: Vec<AgentChange> = self
            .agents
            .iter_mut()
            .filter_map(|(&number, agent)| {
                let state = agent.life.pass(now_ms)?;
                if state == AgentState::Gone && agent.series.n_rows() == 0 {
                    is_over.push(number);
                }
                Some(AgentChange { color: agent.color.clone(), state, at_ms: now_ms })
            })
            .collect();
        for number in is_over {
            self.forget(number);
        }
        changes.sort_by(|a, b| a.color.cmp(&b.color));
        changes
    }

    /// Every agent in the order of their names.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Agent> {
        let mut agents: Vec<&Agent> = self.agents.values().collect();
        agents.sort_by(|a, b| a.color.cmp(&b.color));
        agents
    }

    /// The agent of this name.
    #[must_use]
    pub fn agent(&self, color: &str) -> Option<&Agent> {
        self.agents.get(self.numbers.get(color)?)
    }

    /// Rows and bytes held.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.order.len() as u64, self.n_bytes)
    }

    fn add(&mut self, color: &str, now_ms: i64) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(color.to_owned(), number);
        let agent = Agent { color: color.to_owned(), life: Life::begin(now_ms), series: Series::default() };
        self.agents.insert(number, agent);
        number
    }

    fn forget(&mut self, number: u64) {
        let Some(agent) = self.agents.remove(&number) else { return };
        self.numbers.remove(&agent.color);
        self.n_bytes -= agent.series.bytes();
        // Its entries in `order` stay and count until they are due: they find nobody then.
    }

    fn evict(&mut self, now_ms: i64) {
        while let Some(&(number, at_ms)) = self.order.front() {
            let is_over = self.bounds.events < self.order.len() as u64
                || self.bounds.bytes < self.n_bytes
                || self.bounds.age_ms < now_ms - at_ms;
            if !is_over {
                break;
            }
            self.order.pop_front();
            let Some(agent) = self.agents.get_mut(&number) else { continue };
            let n_bytes_before = agent.series.bytes();
            agent.series.pop();
            self.n_bytes -= n_bytes_before - agent.series.bytes();
            if agent.series.n_rows() == 0 && agent.life.state() == AgentState::Gone {
                self.forget(number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
