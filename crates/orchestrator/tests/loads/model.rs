//! A machine with a saturated queue, in virtual time: tasks that compute and wait, on a number
//! of processors that changes.

use std::time::Duration;

use evergen_orchestrator::{AdaptiveLimiter, Completion};

/// A stretch of time in which machine and tasks stay as they are.
#[derive(Clone, Copy)]
pub(crate) struct Phase<'a> {
    pub(crate) name: &'a str,
    pub(crate) cores: f64,
    pub(crate) tasks: Tasks<'a>,
    pub(crate) seconds: u32,
}

/// What the tasks of a phase take, in milliseconds of computing and of waiting.
#[derive(Clone, Copy)]
pub(crate) enum Tasks<'a> {
    /// Half to one and a half of these.
    Around { compute: f64, wait: f64 },
    /// What was measured of real ones, in any order.
    Recorded(&'a [(f64, f64)]),
}

impl Tasks<'_> {
    fn next(&self, random: &mut fastrand::Rng) -> Task {
        let (compute, wait) = match self {
            Self::Around { compute, wait } => {
                let mut spread = |mean: f64| mean * (0.5 + random.f64());
                (spread(*compute), spread(*wait))
            }
            Self::Recorded(tasks) => tasks[random.usize(..tasks.len())],
        };
        Task { compute, wait }
    }
}

const fn around(name: &str, cores: f64, compute: f64, wait: f64) -> Phase<'_> {
    Phase { name, cores, tasks: Tasks::Around { compute, wait }, seconds: 40 }
}

/// Two processors, eight, two with slow input and output, two again.
pub(crate) const SHIFTING: [Phase<'static>; 4] = [
    around("2 cores", 2.0, 5.0, 5.0),
    around("8 cores", 8.0, 5.0, 5.0),
    around("2 cores, slow I/O", 2.0, 2.0, 60.0),
    around("2 cores again", 2.0, 5.0, 5.0),
];

/// What real pieces of work took, each alone on the machine: the kind of work, and microseconds
/// of computing and of waiting. `cargo xtask bench orchestrator -- --record FILE` writes it.
const RECORDED: &str = include_str!("recorded.csv");

/// The recorded kinds of work, in the order of the file.
pub(crate) fn recorded() -> Vec<(&'static str, Vec<(f64, f64)>)> {
    let mut kinds: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for line in RECORDED.lines().skip(1) {
        let Some((kind, task)) = recorded_task(line) else { continue };
        match kinds.last_mut() {
            Some((last, tasks)) if *last == kind => tasks.push(task),
            _ => kinds.push((kind, vec![task])),
        }
    }
    kinds
}

/// The kind of a task, and its milliseconds of computing and of waiting.
fn recorded_task(line: &str) -> Option<(&str, (f64, f64))> {
    let (kind, times) = line.split_once(',')?;
    let (compute, wait) = times.split_once(',')?;
    let ms = |field: &str| Some(field.parse::<f64>().ok()? / 1e3);
    Some((kind, (ms(compute)?, ms(wait)?)))
}

/// Recorded kinds of work one after the other, and the first of them once more.
pub(crate) fn shifting<'a>(kinds: &'a [(&'a str, Vec<(f64, f64)>)]) -> Vec<Phase<'a>> {
    let phase = |(name, tasks): &'a (&'a str, Vec<(f64, f64)>)| Phase {
        name,
        cores: 2.0,
        tasks: Tasks::Recorded(tasks),
        seconds: 40,
    };
    kinds.iter().chain(kinds.first()).map(phase).collect()
}

/// Limits among which the best static one is searched.
pub(crate) const LIMITS: [usize; 14] = [1, 2, 3, 4, 5, 6, 8, 11, 16, 22, 32, 44, 56, 64];

/// How many tasks may run at once: always as many, or as measured.
pub(crate) enum Limit {
    Static(usize),
    Adaptive(Box<AdaptiveLimiter>),
}

impl Limit {
    fn value(&self) -> usize {
        match self {
            Self::Static(limit) => *limit,
            Self::Adaptive(limiter) => limiter.limit(),
        }
    }
}

struct Task {
    compute: f64,
    wait: f64,
}

/// Runs phases one after the other; gives the tasks done in a second for each of them.
pub(crate) fn run(phases: &[Phase<'_>], mut limit: Limit, seed: u64) -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tasks: Vec<Task> = Vec::new();
    let mut now = Duration::ZERO;
    let mut rates = Vec::new();
    for phase in phases {
        let mut done = 0_u32;
        for _ in 0..phase.seconds * 1_000 {
            now += Duration::from_millis(1);
            while tasks.len() < limit.value() {
                tasks.push(phase.tasks.next(&mut random));
            }
            let before = tasks.len();
            pass_a_millisecond(&mut tasks, phase.cores);
            let over = before - tasks.len();
            done += u32::try_from(over).unwrap_or(0);
            if let Limit::Adaptive(limiter) = &mut limit {
                limiter.load(before, true, now);
                for _ in 0..over {
                    limiter.complete(Completion::Success, now);
                }
            }
        }
        rates.push(f64::from(done) / f64::from(phase.seconds));
    }
    rates
}

/// Tasks that compute share the processors, and lose half a percent for each one too many.
fn pass_a_millisecond(tasks: &mut Vec<Task>, cores: f64) {
    let computing = tasks.iter().filter(|task| task.compute > 0.0).count();
    let computing = f64::from(u32::try_from(computing).unwrap_or(u32::MAX));
    let crowd = 1.0 + 0.005 * (computing - cores).max(0.0);
    let share = (cores / computing.max(1.0)).min(1.0) / crowd;
    for task in tasks.iter_mut() {
        if task.compute > 0.0 {
            task.compute -= share;
        } else {
            task.wait -= 1.0;
        }
    }
    tasks.retain(|task| task.compute > 0.0 || task.wait > 0.0);
}

/// What limits come to, as shares of what is possible in each phase.
pub(crate) struct Comparison {
    /// The best static limit of each phase, and its rate.
    pub(crate) best_of_phase: Vec<(usize, f64)>,
    /// The best single static limit, and its mean share.
    pub(crate) best_static: (usize, f64),
    /// The mean share of the limit that is the number of processors at the beginning.
    pub(crate) default_static: f64,
    /// The mean share of the adaptive one, and its shares by phase.
    pub(crate) adaptive: f64,
    pub(crate) by_phase: Vec<f64>,
}

pub(crate) fn compare(phases: &[Phase<'_>], initial: usize, seed: u64) -> Comparison {
    let statics: Vec<(usize, Vec<f64>)> =
        LIMITS.iter().map(|limit| (*limit, run(phases, Limit::Static(*limit), seed))).collect();
    let best_of_phase: Vec<(usize, f64)> = (0..phases.len())
        .filter_map(|at| {
            let rates = statics.iter().map(|(limit, rates)| (*limit, rates[at]));
            rates.max_by(|one, other| one.1.total_cmp(&other.1))
        })
        .collect();
    let shares = |rates: &[f64]| -> Vec<f64> {
        rates.iter().zip(&best_of_phase).map(|(rate, (_, best))| rate / best).collect()
    };
    let mean = |shares: &[f64]| {
        shares.iter().sum::<f64>() / f64::from(u32::try_from(shares.len()).unwrap_or(1))
    };
    let means = statics.iter().map(|(limit, rates)| (*limit, mean(&shares(rates))));
    let best_static = means.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or((1, 0.0));
    let default = run(phases, Limit::Static(2), seed);
    let limiter = AdaptiveLimiter::new(initial, 64);
    let by_phase = shares(&run(phases, Limit::Adaptive(Box::new(limiter)), seed));
    Comparison {
        default_static: mean(&shares(&default)),
        adaptive: mean(&by_phase),
        by_phase,
        best_static,
        best_of_phase,
    }
}
