//! Every series that the page holds, agents by metrics, within stated bounds, and a count of all that did not fit.
//!
//! Plain state: no clock, no DOM. [`super::store_handle`] shares it with the page.

use std::collections::BTreeMap;

use signalbox_shared::Sample;
use signalbox_shared::feed::{AgentState, MetricsHistory};

use super::css_colors::rgb_from_name;
use super::palette::{N_SLOTS, slot_of};
use super::series::{Pushed, Room, Series};
use crate::state::agents::{AGENTS_MAX, METRICS_MAX};

/// What the store holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreBounds {
    /// Agents.
    pub agents_max: usize,
    /// Metrics of one agent.
    pub metrics_max: usize,
    /// Points of one series.
    pub points_max: usize,
    /// Points of all series together, room that has been made included; 20 bytes each.
    pub points_total_max: usize,
}

impl Default for StoreBounds {
    /// As many agents and metrics as the table has, so that what has a row has a line; 4,096 points each (over an hour at
    /// one a second), and 80 MiB of memory in all.
    fn default() -> Self {
        Self {
            agents_max: AGENTS_MAX,
            metrics_max: METRICS_MAX,
            points_max: 4_096,
            points_total_max: 4 * 1_024 * 1_024,
        }
    }
}

/// What became of all points ever offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreAccount {
    /// Points offered: one per numeric field of a sample.
    pub offered: u64,
    /// Became the newest point of their series, or were put in their place.
    pub taken: u64,
    /// Replaced a point with the same timestamp.
    pub replaced: u64,
    /// Too late for their place.
    pub late: u64,
    /// Of an agent or metric beyond the bounds.
    pub refused: u64,
}

/// One agent of the store.
#[derive(Clone, Debug)]
pub struct Agent {
    id: u64,
    slot: usize,
    state: AgentState,
    series: BTreeMap<String, Series>,
}

impl Agent {
    /// Distinguishes it from an earlier agent of the same name.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its place in the palette.
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// What the relay last said of it.
    #[must_use]
    pub fn state(&self) -> AgentState {
        self.state
    }

    /// Its series of `metric`.
    #[must_use]
    pub fn series(&self, metric: &str) -> Option<&Series> {
        self.series.get(metric)
    }

    /// Its metrics, in the order of their names.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, &Series)> {
        self.series.iter().map(|(metric, series)| (metric.as_str(), series))
    }
}

/// All series.
#[derive(Clone, Debug)]
pub struct SeriesStore {
    bounds: StoreBounds,
    room: Room,
    agents: BTreeMap<String, Agent>,
    account: StoreAccount,
    next_id: u64,
    revision: u64,
}

impl Default for SeriesStore {
    fn default() -> Self {
        Self::new(StoreBounds::default())
    }
}

impl SeriesStore {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: StoreBounds) -> Self {
        Self {
            bounds,
            room: Room::new(bounds.points_total_max),
            agents: BTreeMap::new(),
            account: StoreAccount::default(),
            next_id: 0,
            revision: 0,
        }
    }

    /// Grows with every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What became of all points ever offered: `offered = taken + replaced + late + refused`.
    #[must_use]
    pub fn account(&self) -> StoreAccount {
        self.account
    }

    /// The agents, in the order of their names.
    pub fn agents(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.agents.iter().map(|(name, agent)| (name.as_str(), agent))
    }

    /// One agent.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// Every agent's series of `metric`, in the order of the agents' names.
    pub fn series_of<'a>(
        &'a self,
        metric: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Agent, &'a Series)> {
        self.agents
            .iter()
            .filter_map(move |(name, agent)| Some((name.as_str(), agent, agent.series.get(metric)?)))
    }

    /// Every metric that any agent has sent: `cpu` and `mem` first, the others by name.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let mut metrics: Vec<&str> =
            self.agents.values().flat_map(|agent| agent.series.keys().map(String::as_str)).collect();
        metrics.sort_unstable_by_key(|metric| (*metric != "cpu", *metric != "mem", *metric));
        metrics.dedup();
        metrics.into_iter().map(str::to_owned).collect()
    }

    /// Takes in every numeric field of a sample.
    pub fn push(&mut self, sample: &Sample) {
        self.push_point(&sample.color, sample.timestamp_ms as f64, sample.metrics());
    }

    /// Takes in one reading of the agent `name`: its time in milliseconds since the Unix epoch, and its metrics.
    pub fn push_point<'a>(
        &mut self,
        name: &str,
        timestamp_ms: f64,
        metrics: impl Iterator<Item = (&'a str, f64)>,
    ) {
        self.revision += 1;
        let Self { bounds, room, agents, account, next_id, .. } = self;
        let Some(agent) = agent_entry(agents, next_id, *bounds, name) else {
            let n = metrics.count() as u64;
            account.offered += n;
            account.refused += n;
            return;
        };
        agent.state = AgentState::Joined;
        for (metric, value) in metrics {
            account.offered += 1;
            let Some(series) = series_entry(&mut agent.series, *bounds, metric) else {
                account.refused += 1;
                continue;
            };
            match series.push(timestamp_ms, value, room) {
                Pushed::Appended | Pushed::Inserted | Pushed::Rewound => account.taken += 1,
                Pushed::Replaced => account.replaced += 1,
                Pushed::Late => account.late += 1,
            }
        }
    }

    /// Puts the relay's history under what is held. Agents that it does not name are kept as they are.
    pub fn load_history(&mut self, history: &MetricsHistory) {
        self.revision += 1;
        for past in &history.agents {
            let Some(agent) = agent_entry(&mut self.agents, &mut self.next_id, self.bounds, &past.color)
            else {
                self.account.offered += past.timestamps_ms.len() as u64;
                self.account.refused += past.timestamps_ms.len() as u64;
                continue;
            };
            agent.state = past.state;
            // A history in steps has no points between them to miss.
            let step_ms = f64::from(history.step_secs) * 1e3;
            let interval_ms = past.interval_ms.map(|ms| f64::from(ms).max(step_ms));
            for (metric, values) in &past.metrics {
                let points = past.timestamps_ms.iter().zip(values);
                let points = points.filter_map(|(t, value)| Some((*t as f64, (*value)?)));
                match series_entry(&mut agent.series, self.bounds, metric) {
                    Some(series) => series.load(points, interval_ms, &mut self.room),
                    None => {
                        self.account.offered += values.len() as u64;
                        self.account.refused += values.len() as u64;
                    }
                }
            }
        }
    }

    /// Notes what the relay says of an agent. One that is gone keeps its lines until [`Self::forget`].
    pub fn set_state(&mut self, name: &str, state: AgentState) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.state = state;
            self.revision += 1;
        }
    }

    /// Gives an agent the colour of `slot`, for lines whose colours mean something; it keeps it until it is forgotten.
    pub fn give_slot(&mut self, name: &str, slot: usize) {
        if let Some(agent) = agent_entry(&mut self.agents, &mut self.next_id, self.bounds, name) {
            agent.slot = slot;
            self.revision += 1;
        }
    }

    /// Removes an agent and all its series; says whether there was one.
    pub fn forget(&mut self, name: &str) -> bool {
        let Some(agent) = self.agents.remove(name) else { return false };
        agent.series.values().for_each(|series| self.room.give_back(series));
        self.revision += 1;
        true
    }

    /// Removes the agents that are gone and whose last point is older than `before_ms`, and says how many.
    pub fn forget_gone(&mut self, before_ms: f64) -> usize {
        let is_past = |agent: &Agent| {
            let newest_ms =
                agent.series.values().filter_map(|s| Some(s.last()?.0)).fold(f64::NEG_INFINITY, f64::max);
            agent.state == AgentState::Gone && newest_ms < before_ms
        };
        let names: Vec<String> =
            self.agents.iter().filter(|(_, agent)| is_past(agent)).map(|(name, _)| name.clone()).collect();
        names.iter().filter(|name| self.forget(name)).count()
    }

    /// Removes everything but the account: the relay's history began anew.
    pub fn clear(&mut self) {
        self.agents.clear();
        self.room = Room::new(self.bounds.points_total_max);
        self.revision += 1;
    }
}

fn agent_entry<'a>(
    agents: &'a mut BTreeMap<String, Agent>,
    next_id: &mut u64,
    bounds: StoreBounds,
    name: &str,
) -> Option<&'a mut Agent> {
    if !agents.contains_key(name) {
        if bounds.agents_max <= agents.len() {
            return None;
        }
        *next_id += 1;
        let slot = free_slot(agents, name);
        let agent = Agent { id: *next_id, slot, state: AgentState::Joined, series: BTreeMap::new() };
        agents.insert(name.to_owned(), agent);
    }
    agents.get_mut(name)
}

fn series_entry<'a>(
    series: &'a mut BTreeMap<String, Series>,
    bounds: StoreBounds,
    metric: &str,
) -> Option<&'a mut Series> {
    if !series.contains_key(metric) {
        if bounds.metrics_max <= series.len() {
            return None;
        }
        series.insert(metric.to_owned(), Series::new(bounds.points_max));
    }
    series.get_mut(metric)
}

/// The name's own slot, or the next one that fewer agents share.
fn free_slot(agents: &BTreeMap<String, Agent>, name: &str) -> usize {
    let own = slot_of(name);
    let mut n_users = [0usize; N_SLOTS];
    agents
        .iter()
        .filter(|(name, _)| rgb_from_name(name).is_none())
        .for_each(|(_, agent)| n_users[agent.slot % N_SLOTS] += 1);
    (0..N_SLOTS).map(|n| (own + n) % N_SLOTS).min_by_key(|slot| n_users[*slot]).unwrap_or(own)
}

#[cfg(test)]
mod tests;
