use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Cost {
    /// Time on processors, in microseconds.
    pub cpu_us: u64,
    /// Time that passed, in microseconds, where that was looked at.
    pub wall_us: u64,
    /// The most memory of the process that was seen meanwhile, in bytes.
    pub peak_memory: u64,
    /// Bytes of artifacts that were written.
    pub bytes_written: u64,
    /// Tokens sent to and received from language models.
    pub tokens: u64,
    /// What these were billed at, in millionths of the currency of the price list.
    pub price_micros: u64,
    /// How often.
    pub count: u64,
}

impl Cost {
    /// Time on processors, once.
    pub fn cpu(time: Duration) -> Self {
        Self { cpu_us: microseconds(time), count: 1, ..Self::default() }
    }

    /// Time that passed, once; whose processors worked meanwhile is not known.
    pub fn wall(time: Duration) -> Self {
        Self { count: 1, ..Self::default() }.with_wall(time)
    }

    /// Sets the time that passed.
    #[must_use]
    pub fn with_wall(self, time: Duration) -> Self {
        Self { wall_us: microseconds(time), ..self }
    }

    /// Sets the most memory that was seen.
    #[must_use]
    pub fn with_peak_memory(self, peak_memory: u64) -> Self {
        Self { peak_memory, ..self }
    }

    /// Sets the bytes that were written.
    #[must_use]
    pub fn with_bytes_written(self, bytes_written: u64) -> Self {
        Self { bytes_written, ..self }
    }

    /// Sets the tokens, and their price in millionths.
    #[must_use]
    pub fn with_tokens(self, tokens: u64, price_micros: u64) -> Self {
        Self { tokens, price_micros, ..self }
    }

    fn add(&mut self, other: &Self) {
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
        self.wall_us = self.wall_us.saturating_add(other.wall_us);
        self.peak_memory = self.peak_memory.max(other.peak_memory);
        self.bytes_written = self.bytes_written.saturating_add(other.bytes_written);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.price_micros = self.price_micros.saturating_add(other.price_micros);
        self.count = self.count.saturating_add(other.count);
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What the loop cost, in all and by what caused it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CostSummary {
    /// Everything, counted by cycles.
    pub total: Cost,
    /// The last cycle.
    pub last_cycle: Cost,
    /// By generator; of these only rendering is timed.
    pub generators: BTreeMap<String, Cost>,
    /// By environment, for deployments: the time that passed.
    pub environments: BTreeMap<String, Cost>,
}

/// Adds up costs. Names beyond [`CostLedger::MOST_NAMES`] are added up under `(others)`.
#[derive(Clone, Debug, Default)]
pub struct CostLedger {
    summary: CostSummary,
}

impl CostLedger {
    /// How many generators, and how many environments, are told apart.
    pub const MOST_NAMES: usize = 1_000;

    /// Goes on from an earlier sum.
    pub fn resume(summary: CostSummary) -> Self {
        Self { summary }
    }

    /// A cycle has ended.
    pub fn cycle(&mut self, cost: Cost) {
        self.summary.last_cycle = cost;
        self.summary.total.add(&cost);
    }

    /// A generator did its part of a task.
    pub fn generator(&mut self, name: &str, cost: Cost) {
        add(&mut self.summary.generators, name, &cost);
    }

    /// Something was brought into use in an environment.
    pub fn environment(&mut self, name: &str, cost: Cost) {
        add(&mut self.summary.environments, name, &cost);
    }

    /// The sums.
    pub fn summary(&self) -> CostSummary {
        self.summary.clone()
    }
}

fn add(costs: &mut BTreeMap<String, Cost>, name: &str, cost: &Cost) {
    if let Some(known) = costs.get_mut(name) {
        known.add(cost);
        return;
    }
    let name = if costs.len() < CostLedger::MOST_NAMES { name } else { "(others)" };
    costs.entry(name.to_owned()).or_default().add(cost);
}
