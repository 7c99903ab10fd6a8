mod gauge;
mod probe;
mod reading;

#[cfg(test)]
mod tests;

pub use self::gauge::{GaugeSettings, Pressure, PressureGauge};
pub use self::probe::{MemoryProbe, ProbeError};
pub use self::reading::{MemoryReading, MemorySource, cgroup_folder, parse_cgroup, parse_meminfo};
