//! What values may be, while it is worked out.

use std::cell::RefCell;
use std::sync::Arc;

use evergen_delta::TermId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::classify::Standing;
use crate::graph::List;
use crate::properties::Key;
use crate::vocabulary::{RDFS_LITERAL, is_built_in, is_part, v};
use crate::{DataRange, EnumerationRef, Facets, Range, Schema};

/// A [`Range`] by the ids of its classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Class(TermId),
    Enumeration(TermId),
    Values(Arc<EnumerationRef>),
    Data(Arc<DataRange>),
    Resource,
    Anything,
}

/// For what ranges are worked out.
pub(crate) struct Context {
    /// The class in which the property is described; none for the property by itself.
    pub(crate) site: Option<TermId>,
    pub(crate) key: Key,
    /// Whether what is unknown is a datatype rather than a class.
    pub(crate) is_literal: bool,
    /// Lists that were broken.
    pub(crate) broken: RefCell<Vec<TermId>>,
    /// Unnamed classes that were worked out, so that each costs its size once, however often
    /// and however deep it is named; nothing, while it is under way.
    known: RefCell<FxHashMap<TermId, Vec<Target>>>,
    /// The same for shapes.
    pub(crate) known_shapes: RefCell<FxHashMap<TermId, Option<Vec<Target>>>>,
}

/// Unnamed classes are inside each other at most so deep; what is deeper says nothing.
const DEPTH: usize = 24;

impl Context {
    pub(crate) fn new(site: Option<TermId>, key: Key) -> Self {
        Self {
            site,
            key,
            is_literal: false,
            broken: RefCell::default(),
            known: RefCell::default(),
            known_shapes: RefCell::default(),
        }
    }

    /// The same where a datatype is expected.
    pub(crate) fn for_literals(&self) -> Self {
        Self { is_literal: true, ..Self::new(self.site, self.key) }
    }
}

impl Target {
    pub(crate) fn literal() -> Self {
        Self::data(RDFS_LITERAL)
    }

    fn data(iri: &str) -> Self {
        Self::Data(Arc::new(DataRange {
            datatype: iri.into(),
            base: iri.into(),
            name: None,
            facets: Facets::default(),
        }))
    }

    /// Whether every value is a literal; none where that is open.
    pub(crate) fn is_literal(&self) -> Option<bool> {
        match self {
            Self::Data(_) => Some(true),
            Self::Class(_) | Self::Resource => Some(false),
            Self::Enumeration(_) | Self::Values(_) | Self::Anything => None,
        }
    }
}

impl Schema<'_> {
    /// A list, of which the context hears when it is broken.
    pub(crate) fn list_in(&self, head: TermId, context: &Context) -> Vec<TermId> {
        let list = self.list(head);
        let List { members, broken_at } = &*list;
        if broken_at.is_some() {
            context.broken.borrow_mut().push(head);
        }
        members.clone()
    }

    /// What the values are that a class, datatype or unnamed class stands for: any of these.
    /// None at all for the empty class.
    pub(crate) fn targets(&self, term: TermId, context: &Context) -> Vec<Target> {
        self.targets_within(term, context, DEPTH)
    }

    fn targets_within(&self, term: TermId, context: &Context, depth: usize) -> Vec<Target> {
        if self.is_blank(term) {
            if let Some(known) = context.known.borrow().get(&term) {
                return known.clone();
            }
            let Some(depth) = depth.checked_sub(1) else { return vec![Target::Anything] };
            context.known.borrow_mut().insert(term, Vec::new());
            let targets = self.unnamed_targets(term, context, depth);
            context.known.borrow_mut().insert(term, targets.clone());
            return targets;
        }
        if term == v().owl_nothing {
            return Vec::new();
        }
        if is_built_in(term) {
            return vec![Target::data(&self.text(term))];
        }
        vec![match self.standing(term) {
            Standing::Class(class) => Target::Class(class),
            Standing::Enumeration(enumeration) => Target::Enumeration(enumeration),
            Standing::Datatype(datatype) => Target::Data(self.data_range(datatype)),
            Standing::Hidden if context.is_literal => Target::Data(self.opaque(term)),
            Standing::Hidden => Target::Resource,
        }]
    }

    fn unnamed_targets(&self, term: TermId, context: &Context, depth: usize) -> Vec<Target> {
        self.star(term);
        if let Some(head) = self.objects(term, v().union_of).first() {
            let mut all = Vec::new();
            for member in self.list_in(*head, context) {
                add_all(&mut all, self.targets_within(member, context, depth));
            }
            return self.simplified(all);
        }
        if let Some(head) = self.objects(term, v().one_of).first() {
            let members = self.list_in(*head, context);
            return self.listed(&members, context).into_iter().collect();
        }
        if let Some(head) = self.objects(term, v().intersection_of).first() {
            let mut all = vec![Target::Anything];
            for member in self.list_in(*head, context) {
                all = self.intersect(&all, &self.targets_within(member, context, depth)).0;
            }
            return all;
        }
        if !self.objects(term, v().on_datatype).is_empty() {
            return vec![Target::Data(self.data_range(term))];
        }
        if !self.objects(term, v().datatype_complement).is_empty() {
            return vec![Target::literal()];
        }
        let says_type = |class| self.says(term, v().rdf_type, class);
        if says_type(v().rdfs_datatype) || says_type(v().owl_data_range) {
            return vec![Target::literal()];
        }
        vec![Target::Resource]
    }

    /// Values that are listed where they are used; none for an empty list.
    pub(crate) fn listed(&self, members: &[TermId], context: &Context) -> Option<Target> {
        let (iri, name) = self.values_name(context);
        let members = self.members_of_list(members, &iri);
        (!members.is_empty())
            .then(|| Target::Values(Arc::new(EnumerationRef { iri, name, members: Some(members) })))
    }

    /// What is in both; where nothing is, the second, and whether one of them has only
    /// literals and the other has none.
    pub(crate) fn intersect(&self, one: &[Target], other: &[Target]) -> (Vec<Target>, bool) {
        let mut both = Vec::new();
        for left in one {
            for right in other {
                add_all(&mut both, self.common(left, right));
            }
        }
        if !both.is_empty() || one.is_empty() {
            return (self.simplified(both), false);
        }
        let all = |targets: &[Target], literal| {
            targets.iter().all(|target| target.is_literal() == Some(literal))
        };
        let clash = all(one, true) && all(other, false) || all(one, false) && all(other, true);
        (other.to_vec(), clash)
    }

    fn common(&self, one: &Target, other: &Target) -> Option<Target> {
        if let (Target::Data(left), Target::Data(right)) = (one, other) {
            return common_data(left, right).map(Target::Data);
        }
        if self.is_within(one, other) {
            return Some(one.clone());
        }
        self.is_within(other, one).then(|| other.clone())
    }

    /// Whether all values of one are values of the other.
    pub(crate) fn is_within(&self, one: &Target, other: &Target) -> bool {
        match (one, other) {
            (_, Target::Anything)
            | (Target::Class(_) | Target::Enumeration(_), Target::Resource) => true,
            (Target::Anything, _) => false,
            (Target::Data(one), Target::Data(other)) => {
                one == other
                    || is_part(&one.base, &other.datatype)
                    || one.datatype == other.datatype && other.facets.is_empty()
            }
            (Target::Class(one), Target::Class(other)) => self.is_at_or_below(*one, *other),
            // Whoever lists values knows what they are.
            (Target::Values(_), Target::Values(_)) => one == other,
            (Target::Values(_), _) => true,
            (Target::Enumeration(one), Target::Class(other)) => self.is_kind_of(*one, *other),
            _ => one == other,
        }
    }

    /// Whether an enumeration is below a class.
    fn is_kind_of(&self, enumeration: TermId, class: TermId) -> bool {
        let mut open = self.members(enumeration);
        let mut seen: FxHashSet<TermId> = open.iter().copied().collect();
        while let Some(term) = open.pop() {
            for above in &self.node(term).supers {
                match self.standing(*above) {
                    Standing::Class(above) if self.is_at_or_below(above, class) => return true,
                    _ if seen.insert(*above) => open.push(*above),
                    _ => {}
                }
            }
        }
        false
    }

    /// Without what is part of another one, in a fixed order.
    pub(crate) fn simplified(&self, mut targets: Vec<Target>) -> Vec<Target> {
        if targets.len() > 1 {
            let all = targets.clone();
            let mut at = 0;
            targets.retain(|target| {
                let place = at;
                at += 1;
                // Of two that are part of each other the first one stays.
                !all.iter().enumerate().any(|(other, wider)| {
                    other != place
                        && !matches!(target, Target::Values(_))
                        && self.is_within(target, wider)
                        && (other < place || !self.is_within(wider, target))
                })
            });
            targets.sort_by_cached_key(|target| match target {
                Target::Class(class) => (0, self.text(*class)),
                Target::Enumeration(enumeration) => (1, self.text(*enumeration)),
                Target::Values(values) => (2, values.iri.clone()),
                Target::Data(data) => (3, data.datatype.clone()),
                Target::Resource => (4, "".into()),
                Target::Anything => (5, "".into()),
            });
        }
        targets
    }

    /// The public form.
    pub(crate) fn ranges(&self, targets: &[Target]) -> Vec<Range> {
        if targets.is_empty() {
            return vec![Range::Anything];
        }
        let range = |target: &Target| match target {
            Target::Class(class) => Range::Class(self.class_ref(*class)),
            Target::Enumeration(enumeration) => Range::Enumeration(EnumerationRef {
                iri: self.text(*enumeration),
                name: self.class_name(*enumeration),
                members: None,
            }),
            Target::Values(values) => Range::Enumeration((**values).clone()),
            Target::Data(data) => Range::Data((**data).clone()),
            Target::Resource => Range::Resource,
            Target::Anything => Range::Anything,
        };
        targets.iter().map(range).collect()
    }
}

/// Adds targets that are not there yet.
pub(crate) fn add_all(all: &mut Vec<Target>, more: impl IntoIterator<Item = Target>) {
    for target in more {
        if !all.contains(&target) {
            all.push(target);
        }
    }
}

/// The literals that two datatypes share, if one is part of the other.
fn common_data(one: &Arc<DataRange>, other: &Arc<DataRange>) -> Option<Arc<DataRange>> {
    let (narrow, wide) = if is_part(&one.base, &other.base) {
        (one, other)
    } else if is_part(&other.base, &one.base) {
        (other, one)
    } else {
        return None;
    };
    // Of two with one base the named one stays.
    let (narrow, wide) = if narrow.base == wide.base && narrow.name.is_none() {
        (wide, narrow)
    } else {
        (narrow, wide)
    };
    if wide.facets.is_empty() {
        return Some(Arc::clone(narrow));
    }
    let mut common = (**narrow).clone();
    common.facets.and(&wide.facets);
    Some(Arc::new(common))
}
