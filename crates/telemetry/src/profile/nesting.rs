//! Which span lies in which.

use std::time::Duration;

use crate::event::EventKind;
use crate::profile::PhaseSpan;

/// A span with its place.
#[derive(Clone, Debug)]
pub(super) struct Nested<'a> {
    pub(super) span: &'a PhaseSpan,
    /// The place of the span that it lies in; that comes before it.
    pub(super) parent: Option<usize>,
    pub(super) lane: usize,
    /// The time that no span inside of it has.
    pub(super) own: Duration,
}

/// The spans that are open in a lane, the innermost last.
struct Lane(Vec<usize>);

/// Puts each span of each group into the innermost wider one that encloses it.
pub(super) fn nest<'a>(groups: impl Iterator<Item = Vec<&'a PhaseSpan>>) -> Vec<Nested<'a>> {
    let mut nested: Vec<Nested<'a>> = Vec::new();
    let mut first_lane = 0;
    for mut group in groups {
        group.sort_by_key(|span| (span.start, width(span.kind), std::cmp::Reverse(span.took)));
        let mut lanes: Vec<Lane> = Vec::new();
        for span in group {
            place(span, first_lane, &mut lanes, &mut nested);
        }
        first_lane += lanes.len();
    }
    nested
}

/// A lane that has room, else a new one. In a new lane a span has the same parent as it
/// would have in the first: work side by side still belongs to what started it.
fn place<'a>(
    span: &'a PhaseSpan,
    first_lane: usize,
    lanes: &mut Vec<Lane>,
    nested: &mut Vec<Nested<'a>>,
) {
    for lane in lanes.iter_mut() {
        lane.0.retain(|open| nested[*open].span.end() > span.start);
    }
    let encloses = |open: &usize| {
        let outer = nested[*open].span;
        let related = outer.owner == span.owner || outer.owner == 0 || span.owner == 0;
        related && outer.end() >= span.end() && width(outer.kind) < width(span.kind)
    };
    let fits = |lane: &Lane| lane.0.last().is_none_or(encloses);
    let parent = lanes
        .iter()
        .flat_map(|lane| &lane.0)
        .copied()
        .filter(encloses)
        .max_by_key(|open| width(nested[*open].span.kind));
    let lane = lanes.iter().position(|lane| fits(lane) && lane.0.last().copied() == parent);
    let lane =
        lane.or_else(|| lanes.iter().position(|lane| lane.0.is_empty())).unwrap_or_else(|| {
            lanes.push(Lane(Vec::new()));
            lanes.len() - 1
        });
    if let Some(parent) = parent
        && lanes[lane].0.last() == Some(&parent)
    {
        nested[parent].own = nested[parent].own.saturating_sub(span.took);
    }
    lanes[lane].0.push(nested.len());
    nested.push(Nested { span, parent, lane: first_lane + lane, own: span.took });
}

/// The narrower, the larger.
fn width(kind: EventKind) -> u8 {
    match kind {
        EventKind::CycleCompleted => 0,
        EventKind::RegenerationCompleted | EventKind::DeploymentCompleted => 1,
        // Gates are asked in the course of a commit.
        EventKind::ModelCalled | EventKind::GatesJudged => 3,
        _ => 2,
    }
}
