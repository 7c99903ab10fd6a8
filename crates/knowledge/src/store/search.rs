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

/// Where in a sorted column the ids with certain leading bits begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Leads(Vec<u32>);

impl Leads {
    /// The beginnings in a column of so many sorted ids, about four to each if they are
    /// distinct. Nothing is known of a column that is longer than numbers here are.
    pub(super) fn of(ids: impl ExactSizeIterator<Item = TermId>) -> Self {
        let Ok(length) = u32::try_from(ids.len()) else { return Self::default() };
        let count = (ids.len() / 4).next_power_of_two();
        let mut starts = Vec::with_capacity(count);
        for (place, id) in (0..length).zip(ids) {
            starts.resize(starts.len().max(leading(id, count) + 1), place);
        }
        starts.resize(count, length);
        Self(starts)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The part of the column in which `id` stands, if it does.
    pub(super) fn part<'a, T>(&self, column: &'a [T], id: TermId) -> &'a [T] {
        let lead = leading(id, self.0.len());
        let start = self.0.get(lead).map_or(0, |start| *start as usize);
        let end = self.0.get(lead + 1).map_or(column.len(), |end| *end as usize);
        column.get(start..end).unwrap_or_default()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.0.len() * size_of::<u32>()
    }
}

/// The leading bits of an id, as many as tell `count`, a power of two, apart.
fn leading(id: TermId, count: usize) -> usize {
    usize::try_from((u128::from(id.to_raw()) * count as u128) >> 64).unwrap_or(0)
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
