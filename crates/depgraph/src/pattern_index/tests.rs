use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use evergen_delta::{EncodedQuad, Fingerprint, QuadPattern, TermId};
use proptest::prelude::*;

use super::{IndexColumns, PatternIndex, search};

/// The same index without any cleverness.
type Plain = BTreeMap<u32, BTreeSet<QuadPattern>>;

fn affected(plain: &Plain, quads: &[EncodedQuad]) -> Vec<u32> {
    let matches = |reads: &BTreeSet<QuadPattern>| {
        reads.iter().any(|pattern| quads.iter().any(|quad| pattern.matches(quad)))
    };
    plain.iter().filter(|(_, reads)| matches(reads)).map(|(one, _)| *one).collect()
}

fn fingerprints<'a>(reads: impl IntoIterator<Item = &'a QuadPattern>) -> BTreeSet<Fingerprint> {
    reads.into_iter().map(QuadPattern::fingerprint).collect()
}

fn build(plain: &Plain) -> PatternIndex {
    let reads: Vec<(u32, Vec<Fingerprint>)> = plain
        .iter()
        .map(|(one, reads)| (*one, fingerprints(reads).into_iter().collect()))
        .collect();
    PatternIndex::build(reads.iter().map(|(one, reads)| (*one, reads.as_slice())))
}

/// The columns as they come back from a file, at addresses of any alignment.
fn reread(columns: IndexColumns, shift: usize) -> IndexColumns {
    let copy = |bytes: Bytes| {
        let mut moved = vec![0; shift];
        moved.extend_from_slice(&bytes);
        Bytes::from(moved).slice(shift..)
    };
    IndexColumns {
        fingerprints: copy(columns.fingerprints),
        computations: copy(columns.computations),
        members: copy(columns.members),
        ends: copy(columns.ends),
        reads: copy(columns.reads),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Record(u32, BTreeSet<QuadPattern>),
    Forget(u32),
    Compact,
    Reread(usize),
    Rebuild,
}

fn id() -> impl Strategy<Value = TermId> {
    (300_u64..304).prop_map(TermId::from_raw)
}

fn quad() -> impl Strategy<Value = EncodedQuad> {
    (id(), id(), id(), prop_oneof![Just(TermId::DEFAULT_GRAPH), id()])
        .prop_map(|(s, p, o, g)| EncodedQuad::new(s, p, o, g))
}

fn pattern() -> impl Strategy<Value = QuadPattern> {
    let open = || prop_oneof![Just(TermId::ANY), id()];
    let graph = prop_oneof![Just(TermId::ANY), Just(TermId::DEFAULT_GRAPH), id()];
    (open(), open(), open(), graph).prop_map(|(subject, predicate, object, graph)| QuadPattern {
        subject,
        predicate,
        object,
        graph,
    })
}

fn computation() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0_u32..10, 1 => Just(u32::MAX), 1 => Just(1 << 20)]
}

fn step() -> impl Strategy<Value = Step> {
    let reads = prop::collection::btree_set(pattern(), 0..8);
    prop_oneof![
        10 => (computation(), reads).prop_map(|(one, reads)| Step::Record(one, reads)),
        3 => computation().prop_map(Step::Forget),
        1 => Just(Step::Compact),
        1 => (0_usize..9).prop_map(Step::Reread),
        1 => Just(Step::Rebuild),
    ]
}

fn apply(index: &mut PatternIndex, plain: &mut Plain, step: Step) {
    match step {
        Step::Record(one, reads) => {
            index.record(one, reads.iter().map(QuadPattern::fingerprint));
            plain.insert(one, reads);
        }
        Step::Forget(one) => {
            index.forget(one);
            plain.remove(&one);
        }
        Step::Compact => index.compact(),
        Step::Reread(shift) => {
            *index = PatternIndex::from_columns(reread(index.to_columns(), shift)).unwrap();
        }
        Step::Rebuild => *index = build(plain),
    }
}

proptest! {
    #[test]
    fn the_index_finds_what_matching_every_pattern_finds(
        steps in prop::collection::vec((step(), prop::collection::vec(quad(), 0..3)), 0..40),
    ) {
        let (mut index, mut plain) = (PatternIndex::default(), Plain::new());
        for (step, quads) in steps {
            apply(&mut index, &mut plain, step);
            prop_assert_eq!(index.affected(&quads), affected(&plain, &quads));
        }
        for (one, reads) in &plain {
            prop_assert_eq!(index.reads_of(*one).collect::<BTreeSet<_>>(), fingerprints(reads));
        }
        prop_assert_eq!(index.reads_of(77).len(), 0);
        // However the index came to be, what is kept of it is the same.
        prop_assert_eq!(index.to_columns(), build(&plain).to_columns());
    }

    #[test]
    fn no_bytes_make_the_index_panic(
        plain in prop::collection::btree_map(
            computation(), prop::collection::btree_set(pattern(), 0..8), 0..8),
        damages in prop::collection::vec((0_usize..5, any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in prop::option::weighted(0.2, (0_usize..5, any::<prop::sample::Index>())),
        quads in prop::collection::vec(quad(), 0..4),
        steps in prop::collection::vec(step(), 0..8),
    ) {
        let columns = build(&plain).to_columns();
        let mut parts = [columns.fingerprints, columns.computations, columns.members, columns.ends, columns.reads]
            .map(|bytes| bytes.to_vec());
        for (part, at, byte) in damages {
            if !parts[part].is_empty() {
                let at = at.index(parts[part].len());
                parts[part][at] = byte;
            }
        }
        if let Some((part, at)) = cut {
            let at = at.index(parts[part].len() + 1);
            parts[part].truncate(at);
        }
        let [fingerprints, computations, members, ends, reads] = parts.map(Bytes::from);
        let damaged = IndexColumns { fingerprints, computations, members, ends, reads };
        if let Ok(index) = PatternIndex::from_columns(damaged) {
            use_all_of(index, &quads, steps);
        }
    }

    #[test]
    fn random_columns_never_panic(
        lists in (0_usize..12, 0_usize..6).prop_flat_map(|(n, m)| (
            prop::collection::vec(any::<u64>(), n),
            prop::collection::vec(0_u32..8, n),
            prop::collection::vec(0_u32..8, m),
            prop::collection::vec(prop_oneof![0_u64..16, any::<u64>()], m),
        )),
        quads in prop::collection::vec(quad(), 0..4),
        steps in prop::collection::vec(step(), 0..8),
    ) {
        let (fingerprints, computations, members, mut ends) = lists;
        if let Some(last) = ends.last_mut() {
            *last = fingerprints.len() as u64;
        }
        let bytes = |list: &[u64]| Bytes::copy_from_slice(bytemuck::cast_slice(list));
        let columns = IndexColumns {
            fingerprints: bytes(&fingerprints),
            computations: Bytes::copy_from_slice(bytemuck::cast_slice(&computations)),
            members: Bytes::copy_from_slice(bytemuck::cast_slice(&members)),
            ends: bytes(&ends),
            reads: bytes(&fingerprints),
        };
        if let Ok(index) = PatternIndex::from_columns(columns) {
            use_all_of(index, &quads, steps);
        }
    }

    #[test]
    fn the_search_finds_every_place(
        mut list in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..4, Just(u64::MAX)], 0..300),
        wanted in prop_oneof![any::<u64>(), 0_u64..4, Just(u64::MAX)],
        known in any::<prop::sample::Index>(),
    ) {
        list.sort_unstable();
        let list: Vec<Fingerprint> = list.into_iter().map(Fingerprint::from_raw).collect();
        let known = if list.is_empty() { Fingerprint::from_raw(0) } else { list[known.index(list.len())] };
        for wanted in [Fingerprint::from_raw(wanted), known] {
            let start = list.partition_point(|one| *one < wanted);
            let end = list.partition_point(|one| *one <= wanted);
            prop_assert_eq!(search::places(&list, wanted), start..end);
        }
    }
}

fn use_all_of(mut index: PatternIndex, quads: &[EncodedQuad], steps: Vec<Step>) {
    let mut plain = Plain::new();
    for step in steps {
        index.affected(quads);
        let reads: usize = (0..12).chain([u32::MAX]).map(|one| index.reads_of(one).count()).sum();
        assert!(reads <= index.memory_bytes() * 13);
        apply(&mut index, &mut plain, step);
    }
    index.compact();
    index.affected(quads);
    PatternIndex::from_columns(index.to_columns()).unwrap();
}

/// Evenly spread numbers, as fingerprints are.
fn spread(count: u64) -> impl Iterator<Item = Fingerprint> {
    (1..=count).map(|one| Fingerprint::from_raw(one.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

#[test]
fn recording_the_same_reads_again_costs_nothing() {
    let reads: Vec<Fingerprint> = spread(20).collect();
    let mut index = PatternIndex::build((0..100).map(|one| (one, reads.as_slice())));
    let before = index.memory_bytes();
    (0..100).for_each(|one| index.record(one, reads.iter().copied().rev()));
    assert_eq!(index.memory_bytes(), before);
    index.record(7, spread(21));
    assert!(index.memory_bytes() > before);
    assert_eq!(index.readers_of(spread(21).last().unwrap()), [7]);
    index.record(7, spread(20));
    assert!(index.overlay.is_empty());
}

#[test]
fn a_compaction_is_due_when_the_overlay_is_a_quarter_of_the_base() {
    let reads: Vec<Fingerprint> = spread(400_000).collect();
    let mut index =
        PatternIndex::build(reads.chunks(100).zip(0..).map(|(reads, one)| (one, reads)));
    assert_eq!(index.memory_bytes(), 400_000 * 20 + 4_000 * 12);
    let mut recorded = 0;
    while !index.compaction_due() {
        recorded += 1;
        index.record(recorded, spread(100));
    }
    // A computation weighs its reads and one more.
    assert_eq!(recorded, 100_000 / 101 + 1);
    let (columns, pattern) = (index.to_columns(), spread(50).last().unwrap());
    let readers = index.readers_of(pattern);
    index.compact();
    assert!(!index.compaction_due());
    assert_eq!(index.readers_of(pattern), readers);
    assert_eq!(index.to_columns(), columns);
}

#[test]
fn many_quads_are_probed_in_batches() {
    let quad = |subject: u64| {
        let [subject, predicate, object] = [subject, 1, 2].map(|one| TermId::from_raw(300 + one));
        EncodedQuad::new(subject, predicate, object, TermId::DEFAULT_GRAPH)
    };
    let subjects: Vec<u64> = (0..30_000).map(|one| one * 3).collect();
    let mut index = PatternIndex::default();
    for subject in (0_u32..300).step_by(2) {
        let term = TermId::from_raw(300 + u64::from(subject));
        index.record(subject, [QuadPattern::default_graph(Some(term), None, None).fingerprint()]);
    }
    let quads: Vec<EncodedQuad> = subjects.iter().map(|subject| quad(*subject)).collect();
    assert_eq!(index.affected(&quads), (0..300).step_by(6).collect::<Vec<u32>>());
}

fn check_damage(damage: impl FnOnce(&mut IndexColumns)) -> String {
    let reads: Vec<Fingerprint> = spread(4).collect();
    let mut columns = PatternIndex::build([(1, &reads[..]), (2, &reads[1..])]).to_columns();
    damage(&mut columns);
    PatternIndex::from_columns(columns).unwrap_err().to_string()
}

#[test]
fn columns_that_do_not_fit_together_are_refused() {
    let damages = [
        check_damage(|columns| columns.fingerprints.truncate(13)),
        check_damage(|columns| columns.computations.truncate(8)),
        check_damage(|columns| columns.reads.truncate(8)),
        check_damage(|columns| columns.members.truncate(4)),
        check_damage(|columns| columns.ends = Bytes::from(vec![0; 16])),
    ];
    insta::assert_snapshot!(damages.join("\n"), @"
    column `fingerprints` of the pattern index has 13 bytes, not a multiple of 8
    column `computations` of the pattern index has 2 entries instead of 7
    column `reads` of the pattern index has 1 entries instead of 7
    column `ends` of the pattern index has 2 entries instead of 1
    column `ends` of the pattern index ends at 0, not at 7
    ");
}

#[test]
fn aligned_columns_are_used_in_place() {
    let reads: Vec<Fingerprint> = spread(100).collect();
    let columns = PatternIndex::build([(0, reads.as_slice())]).to_columns();
    let index = PatternIndex::from_columns(columns.clone()).unwrap();
    assert_eq!(index.to_columns().fingerprints.as_ptr(), columns.fingerprints.as_ptr());
}
