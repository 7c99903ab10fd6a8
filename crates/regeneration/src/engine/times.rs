//! Where the time of a cycle went, generator by generator.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::evaluate::Evaluated;
use super::workers::Outcome;
use crate::generator::Generator;
use crate::report::{GeneratorTimes, QueryTime};

/// Adds up what the evaluations of each generator took.
pub(super) fn by_generator(
    outcomes: &[Outcome],
    generators: &HashMap<u32, Arc<Generator>>,
) -> Vec<GeneratorTimes> {
    let mut sums: BTreeMap<&str, GeneratorTimes> = BTreeMap::new();
    for outcome in outcomes {
        let Some(generator) = generators.get(&outcome.job.generator) else { continue };
        let sum = sums.entry(&generator.name).or_insert_with(|| empty(generator));
        let times = &outcome.evaluation.times;
        sum.evaluated += 1;
        sum.rendered += u64::from(matches!(outcome.evaluation.result, Evaluated::Rendered { .. }));
        sum.render_ms += milliseconds(times.render);
        for (query, time) in sum.queries.iter_mut().zip(&times.queries) {
            query.ms += milliseconds(*time);
        }
    }
    sums.into_values().collect()
}

fn empty(generator: &Generator) -> GeneratorTimes {
    let queries = generator.queries.iter();
    GeneratorTimes {
        generator: generator.name.to_string(),
        queries: queries.map(|query| QueryTime { name: query.name.to_string(), ms: 0.0 }).collect(),
        ..GeneratorTimes::default()
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
