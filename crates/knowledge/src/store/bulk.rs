//! Sorting in bulk.

use evergen_delta::TermId;

/// What rows are made of: numbers of 64 bits, of which those in front are mostly hashes.
pub(super) trait Cell: Copy + Ord {
    fn raw(self) -> u64;
}

impl Cell for u64 {
    fn raw(self) -> u64 {
        self
    }
}

impl Cell for TermId {
    fn raw(self) -> u64 {
        self.to_raw()
    }
}

/// So few rows are sorted at once.
const FEW: usize = 256;
/// More piles than this have no place in a cache.
const MOST_BITS: u32 = 11;

/// Sorts rows, the faster the more evenly their cells are spread.
pub(super) fn sort<T: Cell>(rows: &mut [[T; 3]]) {
    if rows.len() <= FEW || rows.is_sorted() {
        return rows.sort_unstable();
    }
    let mut scratch = rows.to_vec();
    sort_by_column(rows, &mut scratch, 0);
}

/// Sorts rows that are equal before `column`.
fn sort_by_column<T: Cell>(rows: &mut [[T; 3]], scratch: &mut [[T; 3]], column: usize) {
    let same = |column: usize| rows.iter().all(|row| row[column] == rows[0][column]);
    let Some(column) = (column..3).find(|column| !same(*column)) else { return };
    let bits = (rows.len() / 64).ilog2().clamp(2, MOST_BITS);
    let pile = |row: &[T; 3]| usize::try_from(row[column].raw() >> (64 - bits)).unwrap_or(0);
    let mut ends = vec![0_usize; 1 << bits];
    for row in rows.iter() {
        ends[pile(row)] += 1;
    }
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    for row in rows.iter() {
        let end = &mut ends[pile(row)];
        scratch[*end] = *row;
        *end += 1;
    }
    rows.copy_from_slice(scratch);
    let mut start = 0;
    for end in ends {
        let pile = &mut rows[start..end];
        let is_one = || pile.iter().all(|row| row[column] == pile[0][column]);
        if pile.len() > FEW && is_one() {
            sort_by_column(pile, &mut scratch[start..end], column + 1);
        } else {
            // Mostly this column decides, and comparing it alone is fastest.
            pile.sort_unstable_by(|left, right| {
                left[column].cmp(&right[column]).then_with(|| left.cmp(right))
            });
        }
        start = end;
    }
}
