use std::collections::BTreeMap;
use std::time::Duration;

use crate::scheduler::CycleId;

/// Divides the processor time of the process among the cycles that were open meanwhile, evenly:
/// cycles share threads, so there is no telling whose each microsecond was.
#[derive(Debug, Default)]
pub(super) struct CpuMeter {
    last: Duration,
    open: BTreeMap<CycleId, Duration>,
}

impl CpuMeter {
    pub(super) fn open(&mut self, cycle: CycleId, cpu: Duration) {
        self.pass(cpu);
        self.open.insert(cycle, Duration::ZERO);
    }

    pub(super) fn close(&mut self, cycle: CycleId, cpu: Duration) -> Duration {
        self.pass(cpu);
        self.open.remove(&cycle).unwrap_or_default()
    }

    fn pass(&mut self, cpu: Duration) {
        let passed = cpu.saturating_sub(self.last);
        self.last = cpu;
        let count = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        if count > 0 {
            let share = passed / count;
            self.open.values_mut().for_each(|sum| *sum += share);
        }
    }
}

/// The processor time of this process; nothing where the system does not tell.
#[cfg(unix)]
pub(super) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    // The clock of a process starts at zero.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The processor time of this process; nothing where the system does not tell.
#[cfg(not(unix))]
pub(super) fn cpu_time() -> Duration {
    Duration::ZERO
}
