//! What was read decides the result: a change that matches no read changes no row, nor
//! the order of rows.

use std::collections::BTreeSet;

use evergen_delta::Quad;

use super::equivalence::{cases, prefixes, spelled};
use super::generate::{ALL, Author, Dice, model, node, quad, snapshot};
use crate::{Query, Tracker, Value};

pub(super) fn changed(dice: &mut Dice, before: &BTreeSet<Quad>) -> BTreeSet<Quad> {
    let mut after = before.clone();
    for _ in 0..=dice.below(2) {
        if dice.once_in(2) {
            after.insert(quad(dice));
        } else {
            let gone = dice.below(1 + after.len() as u64);
            let mut place = 0;
            after.retain(|_| {
                place += 1;
                place != gone
            });
        }
    }
    after
}

/// Tells whether the change was outside of all reads.
fn check(seed: u64) -> bool {
    let mut dice = Dice::new(seed);
    let before = model(&mut dice);
    let after = changed(&mut dice, &before);
    let value = Value::computed(node(&mut dice));
    let text = Author::new(&mut dice, ALL).select();
    let (bound, values): (&[&str], _) =
        if dice.once_in(2) { (&["a"], vec![value]) } else { (&[], Vec::new()) };
    let Ok(query) = Query::compile(&text, &prefixes(), bound) else { return false };
    let run = |model: &BTreeSet<Quad>, slowly: bool| {
        let snapshot = snapshot(model);
        let tracker = Tracker::new(snapshot.clone());
        let rows = if slowly {
            query.compiled.slow_rows(&tracker, &values)
        } else {
            query.evaluate(&tracker, &values).map(crate::Answer::into_rows)
        };
        (rows.map(|rows| spelled(&snapshot, &rows)), tracker.take_reads().into_patterns())
    };
    let mut untouched = false;
    for slowly in [false, true] {
        let (rows, reads) = run(&before, slowly);
        let touches = |quad: &Quad| reads.iter().any(|read| read.matches(&quad.encode()));
        if before != after && !before.symmetric_difference(&after).any(touches) {
            untouched = true;
            let (again, reads_again) = run(&after, slowly);
            let context = || format!("seed {seed}\n{text}\n{before:#?}\n{after:#?}");
            assert_eq!(again, rows, "{}", context());
            assert_eq!(reads_again, reads, "{}", context());
        }
    }
    untouched
}

#[test]
fn a_change_outside_of_all_reads_changes_nothing() {
    let config = cases(12_000);
    let outside = (0..u64::from(config.cases)).filter(|seed| check(*seed)).count();
    eprintln!("{outside} changes outside of all reads");
    assert!(outside > config.cases as usize / 20, "only {outside} changes were outside");
}
