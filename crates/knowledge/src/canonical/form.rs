//! From statements with numbered blank nodes to canonical components.

use super::graph::Graph;
use super::search::{Search, TooSymmetrical};
use super::{Component, Slot, Template};
use crate::Limits;

/// All components of a file, in the order of their first statements.
#[derive(Debug, Default)]
pub(crate) struct Canonical {
    pub(crate) components: Vec<Component>,
    /// For each blank node its component and its number there.
    pub(crate) places: Vec<(u32, u32)>,
    /// Steps spent on telling alike nodes apart.
    pub(crate) steps: u64,
}

/// Why a component has no canonical form, and one of its statements.
#[derive(Debug)]
pub(crate) struct CanonicalRefusal {
    /// The index among the statements that were given.
    pub(crate) statement: usize,
    pub(crate) kind: CanonicalRefusalKind,
}

#[derive(Debug)]
pub(crate) enum CanonicalRefusalKind {
    TooLarge { nodes: usize },
    TooSymmetrical { nodes: usize },
}

/// Brings every connected component of `nodes` blank nodes into canonical form.
pub(crate) fn canonicalize(
    quads: &[Template],
    nodes: usize,
    limits: &Limits,
) -> Result<Canonical, CanonicalRefusal> {
    let mut search = Search::new(limits.max_symmetry_steps);
    let mut places = vec![(u32::MAX, u32::MAX); nodes];
    let mut components = Vec::new();
    for group in group(quads, nodes) {
        let refusal = |kind| CanonicalRefusal { statement: group[0] as usize, kind };
        let local = localize(quads, &group, &mut places);
        let size = local.nodes.len();
        if size > limits.max_blank_component {
            return Err(refusal(CanonicalRefusalKind::TooLarge { nodes: size }));
        }
        let numbers = numbers(&mut search, size, &local.quads).map_err(|TooSymmetrical| {
            refusal(CanonicalRefusalKind::TooSymmetrical { nodes: size })
        })?;
        let component = number(components.len());
        for (node, index) in local.nodes.iter().zip(&numbers) {
            places[*node as usize] = (component, *index);
        }
        let renumbered = local.quads.iter().map(|quad| renumber(quad, &numbers)).collect();
        components.push(Component::new(number(size), renumbered));
    }
    let steps = limits.max_symmetry_steps - search.steps_left();
    Ok(Canonical { components, places, steps })
}

/// For each local node its canonical number.
fn numbers(
    search: &mut Search,
    size: usize,
    quads: &[Template],
) -> Result<Vec<u32>, TooSymmetrical> {
    if size == 1 {
        return Ok(vec![0]);
    }
    let order = search.canonical_order(&Graph::of_statements(size, quads))?;
    let mut numbers = vec![0; size];
    // Vertices beyond the nodes stand for statements and need no number.
    for (index, node) in order.into_iter().filter(|vertex| (*vertex as usize) < size).enumerate() {
        numbers[node as usize] = number(index);
    }
    Ok(numbers)
}

fn renumber(quad: &Template, numbers: &[u32]) -> Template {
    quad.map(|slot| match slot {
        Slot::Node(node) => Slot::Node(numbers[node as usize]),
        term @ Slot::Term(_) => term,
    })
}

struct Local {
    /// The nodes by which the local numbers are known outside.
    nodes: Vec<u32>,
    /// The distinct statements, with local numbers.
    quads: Vec<Template>,
}

/// The statements of one component, with its nodes numbered from zero.
fn localize(quads: &[Template], group: &[u32], places: &mut [(u32, u32)]) -> Local {
    let mut nodes = Vec::new();
    let mut local: Vec<Template> = Vec::with_capacity(group.len());
    for index in group {
        local.push(quads[*index as usize].map(|slot| match slot {
            Slot::Term(_) => slot,
            Slot::Node(node) => {
                let place = &mut places[node as usize];
                if place.1 == u32::MAX {
                    place.1 = number(nodes.len());
                    nodes.push(node);
                }
                Slot::Node(place.1)
            }
        }));
    }
    local.sort_unstable();
    local.dedup();
    Local { nodes, quads: local }
}

/// The indices of the statements of each component, both in the order of the file.
fn group(quads: &[Template], nodes: usize) -> Vec<Vec<u32>> {
    let mut parents: Vec<u32> = (0..number(nodes)).collect();
    for quad in quads {
        let mut roots = quad.iter().filter_map(|slot| match slot {
            Slot::Node(node) => Some(*node),
            Slot::Term(_) => None,
        });
        let Some(first) = roots.next() else { continue };
        for other in roots {
            unite(&mut parents, first, other);
        }
    }
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut group_of = vec![u32::MAX; nodes];
    for (index, quad) in quads.iter().enumerate() {
        let node = quad.iter().find_map(|slot| match slot {
            Slot::Node(node) => Some(*node),
            Slot::Term(_) => None,
        });
        let Some(node) = node else { continue };
        let root = find(&mut parents, node) as usize;
        if group_of[root] == u32::MAX {
            group_of[root] = number(groups.len());
            groups.push(Vec::new());
        }
        groups[group_of[root] as usize].push(number(index));
    }
    groups
}

/// The representative of the set that holds `node`.
pub(super) fn find(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        let parent = parents[node as usize];
        parents[node as usize] = parents[parent as usize];
        node = parent;
    }
    node
}

/// Makes one set of two.
pub(super) fn unite(parents: &mut [u32], left: u32, right: u32) {
    let (left, right) = (find(parents, left), find(parents, right));
    parents[right.max(left) as usize] = right.min(left);
}

/// An index as a number of 32 bits; limits on quads keep it in range.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
