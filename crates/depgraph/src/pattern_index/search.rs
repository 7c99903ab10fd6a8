use std::ops::Range;

use evergen_delta::Fingerprint;

/// How far the first step away from the guess goes: a few cache lines.
const FIRST_STEP: usize = 32;
const MOST_CORRECTIONS: usize = 4;

/// The places of `wanted` in an ascending list.
///
/// Fingerprints are spread evenly, so the value of one says where it must be:
/// among n of them it is about √n places from there. Steps that double find the
/// two ends of the search from that guess, which touches few pages, and never
/// more than about 2 log₂ n entries whatever the list holds. A list that does
/// not ascend gives some range inside of it.
pub(super) fn places(list: &[Fingerprint], wanted: Fingerprint) -> Range<usize> {
    let start = lower_bound(list, wanted);
    let run = list[start..].iter().take_while(|found| **found == wanted).count();
    start..start + run
}

fn lower_bound(list: &[Fingerprint], wanted: Fingerprint) -> usize {
    let guess = guess(list, wanted);
    let mut step = FIRST_STEP;
    let (mut low, mut high) = (0, list.len());
    if list.get(guess).is_some_and(|found| *found < wanted) {
        low = guess + 1;
        while let Some(found) = list.get(guess.saturating_add(step)) {
            if *found >= wanted {
                high = guess + step;
                break;
            }
            low = guess + step + 1;
            step = step.saturating_mul(2);
        }
    } else {
        high = guess;
        while step < guess {
            if list[guess - step] < wanted {
                low = guess - step + 1;
                break;
            }
            high = guess - step;
            step *= 2;
        }
    }
    low + list[low..high].partition_point(|found| *found < wanted)
}

/// Where an even spread would put `wanted`, corrected by what is found there:
/// a pattern that very many computations read shifts all that come after it.
fn guess(list: &[Fingerprint], wanted: Fingerprint) -> usize {
    let mut place = scaled(wanted.to_raw(), list.len());
    for _ in 0..MOST_CORRECTIONS {
        let Some(found) = list.get(place) else { break };
        let shift = scaled(found.to_raw().abs_diff(wanted.to_raw()), list.len());
        place = if *found < wanted {
            place.saturating_add(shift).min(list.len() - 1)
        } else {
            place.saturating_sub(shift)
        };
        if shift < FIRST_STEP {
            break;
        }
    }
    place
}

/// How many of `length` entries lie in so wide a span of fingerprints.
fn scaled(span: u64, length: usize) -> usize {
    let entries = (u128::from(span) * length as u128) >> 64;
    usize::try_from(entries).unwrap_or(length)
}
