//! The adaptive limit against static ones, on a machine that changes.

mod model;

use crate::model::{Phase, SHIFTING, compare, recorded, shifting};

#[test]
fn on_a_shifting_load_it_beats_every_static_limit() {
    for seed in [1, 2, 3] {
        let found = compare(&SHIFTING, 2, seed);
        let shares: Vec<(&str, f64)> =
            SHIFTING.iter().map(|phase| phase.name).zip(found.by_phase.iter().copied()).collect();
        eprintln!("best of phase {:?}", found.best_of_phase);
        eprintln!("best static {:?}, default {:.2}", found.best_static, found.default_static);
        eprintln!("adaptive {:.3} {shares:?}", found.adaptive);
        assert!(found.adaptive >= 0.95 * found.best_static.1, "seed {seed}");
        assert!(found.adaptive >= 1.2 * found.default_static, "seed {seed}");
    }
}

#[test]
fn on_a_steady_load_it_stays_within_five_percent_of_the_best_static_limit() {
    let kinds = recorded();
    let real = shifting(&kinds);
    for phase in SHIFTING.into_iter().chain(real[..kinds.len()].iter().copied()) {
        let steady = Phase { seconds: 120, ..phase };
        for initial in [2, 64] {
            // Searching takes its time once; the bound is for what follows, too.
            let found = compare(&[steady], initial, 5);
            eprintln!(
                "{} from {initial}: {:.3}, best {:?}",
                phase.name, found.adaptive, found.best_static
            );
            assert!(found.adaptive >= 0.95, "{} from {initial}: {:.3}", phase.name, found.adaptive);
        }
    }
}

#[test]
fn on_a_recorded_load_that_shifts_it_is_near_the_best_static_limit() {
    let kinds = recorded();
    let sizes: Vec<(&str, usize)> = kinds.iter().map(|(kind, all)| (*kind, all.len())).collect();
    assert_eq!(sizes, [("regenerate", 200), ("deploy", 200), ("generate", 200)], "all are read");
    for seed in [1, 2, 3] {
        let found = compare(&shifting(&kinds), 2, seed);
        eprintln!("best of phase {:?}", found.best_of_phase);
        eprintln!("best static {:?}, default {:.3}", found.best_static, found.default_static);
        eprintln!("adaptive {:.3} {:.3?}", found.adaptive, found.by_phase);
        assert!(found.adaptive >= 0.95 * found.best_static.1, "seed {seed}");
    }
}
