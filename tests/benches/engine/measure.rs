//! Times, taken in turns.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timing {
    /// On the clock on the wall.
    pub(crate) wall: Duration,
    /// On all processors, for work in this process.
    pub(crate) cpu: Duration,
}

/// Rounds of our work and of a baseline's, taken in turns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) ours: Vec<Timing>,
    pub(crate) baseline: Vec<Timing>,
}

fn cpu_clock() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    // The clock of a process starts at zero.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Times one piece of work.
pub(crate) fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Timing)> {
    let (wall, cpu) = (Instant::now(), cpu_clock());
    let result = work()?;
    let timing = Timing { wall: wall.elapsed(), cpu: cpu_clock().saturating_sub(cpu) };
    Ok((result, timing))
}

/// Does both kinds of work once unmeasured, then in turns, with every second turn the
/// other way round.
pub(crate) fn in_turns(
    rounds: usize,
    mut ours: impl FnMut() -> Result<Timing>,
    mut baseline: impl FnMut() -> Result<Timing>,
) -> Result<Pair> {
    ours()?;
    baseline()?;
    let mut pair = Pair::default();
    for round in 0..rounds {
        if round % 2 == 0 {
            pair.ours.push(ours()?);
            pair.baseline.push(baseline()?);
        } else {
            pair.baseline.push(baseline()?);
            pair.ours.push(ours()?);
        }
    }
    Ok(pair)
}

/// How many processors two busy threads really get at the moment.
pub(crate) fn free_processors() -> Result<f64> {
    let spin = || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
    };
    let ((), timing) = time(|| {
        std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(spin))));
        Ok(())
    })?;
    Ok(timing.cpu.as_secs_f64() / timing.wall.as_secs_f64())
}

/// The value in the middle; zero of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The median time on the wall, in seconds.
pub(crate) fn wall(timings: &[Timing]) -> f64 {
    median(timings.iter().map(|timing| timing.wall.as_secs_f64()))
}

/// The median time on processors, in seconds.
pub(crate) fn cpu(timings: &[Timing]) -> f64 {
    median(timings.iter().map(|timing| timing.cpu.as_secs_f64()))
}

/// The shortest time on the wall, in seconds.
pub(crate) fn best(timings: &[Timing]) -> f64 {
    timings.iter().min().map_or(0.0, |timing| timing.wall.as_secs_f64())
}

impl Pair {
    /// Our time by the baseline's.
    pub(crate) fn ratio(&self) -> f64 {
        wall(&self.ours) / wall(&self.baseline)
    }

    /// The same of the shortest times: what is left when the machine has other work.
    pub(crate) fn best_ratio(&self) -> f64 {
        best(&self.ours) / best(&self.baseline)
    }

    /// The same of the times on processors.
    pub(crate) fn cpu_ratio(&self) -> f64 {
        cpu(&self.ours) / cpu(&self.baseline)
    }
}

/// A time in the unit in which it reads best.
pub(crate) fn spell(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}
