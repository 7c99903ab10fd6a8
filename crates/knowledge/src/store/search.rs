//! Searching sorted columns of content hashes.

use evergen_delta::TermId;

/// The position of `id` in a sorted column of distinct ids.
///
/// Ids are hashes and so spread evenly: the first guess is by proportion, and a
/// few doubling steps around it find the rest, which touches few pages of a file.
pub(super) fn find_uniform(ids: &[TermId], id: TermId) -> Option<usize> {
    let index = lower_bound(ids, id, |found| *found);
    (ids.get(index) == Some(&id)).then_some(index)
}

/// The first position whose leading id is not less than `id`.
pub(super) fn lower_bound<T>(rows: &[T], id: TermId, lead: impl Fn(&T) -> TermId) -> usize {
    if rows.is_empty() {
        return 0;
    }
    let guess = proportional(rows.len(), id);
    if lead(&rows[guess]) < id {
        let mut low = guess;
        let mut step = 8;
        while low + step < rows.len() && lead(&rows[low + step]) < id {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(rows.len());
        low + rows[low..high].partition_point(|row| lead(row) < id)
    } else {
        let mut high = guess;
        let mut step = 8;
        while high >= step && lead(&rows[high - step]) >= id {
            high -= step;
            step *= 2;
        }
        let low = high.saturating_sub(step);
        low + rows[low..high].partition_point(|row| lead(row) < id)
    }
}

/// Where `id` would stand if ids were spread with perfect evenness.
fn proportional(length: usize, id: TermId) -> usize {
    let scaled = (u128::from(id.to_raw()) * length as u128) >> 64;
    usize::try_from(scaled).unwrap_or(length - 1).min(length - 1)
}

/// From `start` on, the end of the run of rows for which `same` holds.
pub(super) fn run_end<T>(rows: &[T], start: usize, same: impl Fn(&T) -> bool) -> usize {
    let mut low = start;
    let mut step = 1;
    while low + step <= rows.len() && same(&rows[low + step - 1]) {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(rows.len());
    low + rows[low..high].partition_point(same)
}
