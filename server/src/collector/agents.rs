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
use super::tier::Tier;

/// Lengths of the buckets, in seconds, finest first. Source: docs/protocol.md §3, tiers.
pub const TIER_SECS: [u32; 2] = [10, 60];
/// Buckets dropped at a time when they are over their bound, so that the search for the oldest is worth it.
const BUCKETS_AT_ONCE: usize = 64;

/// How much is kept of the buckets.
#[derive(Clone, Copy, Debug)]
pub struct TierBounds {
    /// Age in seconds, for each of [`TIER_SECS`].
    pub keep_secs: [u64; 2],
    /// Bytes of all of them.
    pub bytes: u64,
}

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
    tier_bounds: TierBounds,
    lost: Lost,
}

/// Up to which moment something was dropped, in milliseconds since the Unix epoch; what is older is not whole.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    /// Of the samples.
    pub samples_ms: i64,
    /// Of the buckets, for each of [`TIER_SECS`].
    pub tiers_ms: [i64; 2],
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
    /// Its readings in buckets, for each of [`TIER_SECS`].
    pub tiers: [Tier; 2],
}

impl Agent {
    fn is_over(&self) -> bool {
        self.life.state() == AgentState::Gone
            && self.series.n_rows() == 0
            && self.tiers.iter().all(|tier| tier.size().0 == 0)
    }
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
    pub fn new(bounds: Bounds, tier_bounds: TierBounds, agents_max: usize, metrics_max: usize) -> Self {
        let off = tier_bounds.keep_secs.map(|keep_secs| if keep_secs == 0 { i64::MAX } else { i64::MIN });
        Self {
            tier_bounds,
            lost: Lost { samples_ms: i64::MIN, tiers_ms: off },
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
        for tier in &mut agent.tiers {
            tier.push(sample.timestamp_ms, sample.metrics(), self.metrics_max);
        }
        self.order.push_back((admitted.number, now_ms));
        self.evict(now_ms);
        n_left_out
    }

    /// Time passes: gives who has become stale or gone, in the order of their names, and drops rows that are too old.
    pub fn pass(&mut self, now_ms: i64) -> Vec<AgentChange> {
        self.evict(now_ms);
        self.evict_buckets(now_ms);
        let mut is_over = Vec::new();
        let mut changes: Vec<AgentChange> = self
            .agents
            .iter_mut()
            .filter_map(|(&number, agent)| {
                let state = agent.life.pass(now_ms);
                if agent.is_over() {
                    is_over.push(number);
                }
                let state = state?;
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

    /// Up to which moment something was dropped.
    #[must_use]
    pub fn lost(&self) -> Lost {
        self.lost
    }

    /// Bytes of all buckets.
    #[must_use]
    pub fn tiers_bytes(&self) -> u64 {
        self.agents.values().flat_map(|agent| &agent.tiers).map(Tier::bytes).sum()
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
        let [keep10_secs, keep60_secs] = self.tier_bounds.keep_secs;
        let agent = Agent {
            color: color.to_owned(),
            life: Life::begin(now_ms),
            series: Series::default(),
            tiers: [Tier::new(TIER_SECS[0], keep10_secs), Tier::new(TIER_SECS[1], keep60_secs)],
        };
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
            self.lost.samples_ms = self.lost.samples_ms.max(at_ms);
            let Some(agent) = self.agents.get_mut(&number) else { continue };
            let n_bytes_before = agent.series.bytes();
            agent.series.pop();
            self.n_bytes -= n_bytes_before - agent.series.bytes();
            if agent.is_over() {
                self.forget(number);
            }
        }
    }

    fn evict_buckets(&mut self, now_ms: i64) {
        for agent in self.agents.values_mut() {
            for (index, tier) in agent.tiers.iter_mut().enumerate() {
                let keep_ms =
                    i64::try_from(self.tier_bounds.keep_secs[index]).unwrap_or(i64::MAX / 1_000) * 1_000;
                if let Some(until_ms) = tier.evict(now_ms - keep_ms) {
                    // An agent whose clock is wrong says nothing about the others' past.
                    let until_ms = until_ms.min(now_ms - keep_ms);
                    self.lost.tiers_ms[index] = self.lost.tiers_ms[index].max(until_ms);
                }
            }
        }
        while self.tier_bounds.bytes < self.tiers_bytes() {
            let tiers = self.agents.values_mut().flat_map(|agent| agent.tiers.iter_mut().enumerate());
            let oldest = tiers.filter_map(|(index, tier)| Some((tier.oldest_ms()?, index, tier)));
            let Some((_, index, tier)) = oldest.min_by_key(|(oldest_ms, ..)| *oldest_ms) else { break };
            for _ in 0..BUCKETS_AT_ONCE {
                let Some(until_ms) = tier.pop() else { break };
                self.lost.tiers_ms[index] = self.lost.tiers_ms[index].max(until_ms);
            }
            tier.shrink();
        }
    }
}

#[cfg(test)]
mod tests;
