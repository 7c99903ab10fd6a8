//! Which terms are classes, enumerations and datatypes, and which of them are one.

use std::sync::Arc;

use evergen_delta::{TermId, TermRef};
use evergen_knowledge::FactId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Ids, in_star};
use crate::schema::about;
use crate::vocabulary::{is_built_in, is_meta, v};
use crate::{Kind, Schema};

/// What is said of one class or datatype by itself, without any text.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a declaration that may be there")]
pub(crate) struct Node {
    /// Declared as a class of OWL, which no datatype can be.
    pub(crate) is_owl_class: bool,
    is_class: bool,
    pub(crate) is_datatype: bool,
    /// A restriction that has a name, which no class is expected to have.
    pub(crate) is_restriction: bool,
    /// Declared as a shape of its own instances.
    pub(crate) is_shape: bool,
    /// Named terms directly above.
    pub(crate) supers: Vec<TermId>,
    /// Named terms that are declared to be the same, by either side.
    pub(crate) equals: Vec<TermId>,
    /// Built-in datatypes directly above, or the same.
    pub(crate) literals: Vec<TermId>,
    /// The nodes that describe it: itself, and unnamed classes above it or equal to it.
    pub(crate) expressions: Vec<TermId>,
    /// The heads of lists of values, members and parts.
    pub(crate) one_of: Ids,
    pub(crate) unions: Ids,
    says_something: bool,
}

impl Node {
    /// Whether it is a datatype, or is directly below one; what is declared as a class too
    /// is taken for that.
    fn is_literal(&self) -> bool {
        let is_both = self.is_owl_class && self.is_datatype;
        (self.is_datatype || !self.literals.is_empty()) && !is_both
    }
}

/// Terms that are one class: declared so, or below each other.
#[derive(Debug, Default)]
struct Group {
    /// By IRI.
    members: Vec<TermId>,
    /// Some member is, or is below, a datatype.
    is_literal: bool,
    /// Some member is below schema.org's Enumeration.
    is_enumeration: bool,
}

/// All groups that were found so far.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    of: FxHashMap<TermId, Arc<Group>>,
    by_fact: FxHashMap<FactId, Arc<Group>>,
}

impl Group {
    /// The fact of which terms are in it.
    fn fact(&self) -> FactId {
        about("group", self.members[0])
    }
}

impl Groups {
    /// Forgets the groups that are known by these facts.
    pub(crate) fn forget(&mut self, facts: &[FactId]) {
        for group in facts.iter().filter_map(|fact| self.by_fact.remove(fact)) {
            for member in &group.members {
                self.of.remove(member);
            }
        }
    }

    fn add(&mut self, group: Group) {
        let group = Arc::new(group);
        self.by_fact.insert(group.fact(), Arc::clone(&group));
        self.of.extend(group.members.iter().map(|member| (*member, Arc::clone(&group))));
    }
}

/// What a group is, and which member stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Class(TermId),
    Enumeration(TermId),
    Datatype(TermId),
    Hidden,
}

impl Schema<'_> {
    /// What a term is to a programmer.
    pub fn kind(&self, term: TermId) -> Kind {
        let (kind, representative) = match self.standing(term) {
            Standing::Class(representative) => (Kind::Class, representative),
            Standing::Enumeration(representative) => (Kind::Enumeration, representative),
            Standing::Datatype(representative) => (Kind::Datatype, representative),
            Standing::Hidden => return Kind::Hidden,
        };
        if representative == term { kind } else { Kind::Alias(self.class_ref(representative)) }
    }

    /// What the group of a term is.
    pub(crate) fn standing(&self, term: TermId) -> Standing {
        match self.term(term) {
            Some(TermRef::Iri(iri)) if !is_meta(iri) && !is_built_in(term) => {}
            Some(_) => return Standing::Hidden,
            None => {
                // Nothing is said of it yet; that is a read, too.
                self.reads_nothing_of(term);
                return Standing::Hidden;
            }
        }
        let group = self.group(term);
        self.remembered(&self.memo.standings, about("standing", group.members[0]), || {
            self.reader.uses_fact(group.fact());
            self.find_standing(&group)
        })
    }

    /// The terms that are one class with a term, by IRI.
    pub(crate) fn members(&self, term: TermId) -> Vec<TermId> {
        self.group(term).members.clone()
    }

    fn find_standing(&self, group: &Group) -> Standing {
        let Group { members, is_literal, is_enumeration } = group;
        let nodes: Vec<Arc<Node>> = members.iter().map(|member| self.node(*member)).collect();
        let pairs = || members.iter().copied().zip(&nodes);
        let Some(representative) = pairs()
            .filter(|(member, node)| self.may_stand(*member, node))
            .map(|(member, _)| member)
            .find(|member| !self.is_only_mentioned(*member))
        else {
            return Standing::Hidden;
        };
        let lists = nodes.iter().flat_map(|node| &node.one_of);
        if lists.into_iter().any(|head| !self.list(*head).members.is_empty()) {
            return Standing::Enumeration(representative);
        }
        // A shape of literals that has a name is a datatype, if nobody takes it for a class.
        let is_said = nodes.iter().any(|node| node.is_class || node.says_something);
        let is_shape =
            || members.iter().any(|member| !self.objects(*member, v().sh_datatype).is_empty());
        if *is_literal || (!is_said && is_shape()) {
            return Standing::Datatype(representative);
        }
        let has_individuals = || {
            members.iter().any(|member| {
                self.subjects(v().rdf_type, *member).iter().any(|value| self.is_iri(*value))
            })
        };
        if *is_enumeration && has_individuals() {
            return Standing::Enumeration(representative);
        }
        Standing::Class(representative)
    }

    /// Whether a term may stand for its group: it is declared, and among what is shown.
    fn may_stand(&self, term: TermId, node: &Node) -> bool {
        let shown = match self.term(term) {
            Some(TermRef::Iri(iri)) => self.options.shows(iri),
            _ => false,
        };
        let is_enumeration = term == v().schema_data_type || term == v().old_schema_data_type;
        shown && !is_enumeration && !node.is_restriction && self.is_declared(term, node)
    }

    /// Whether the model takes a term for a class or datatype.
    fn is_declared(&self, term: TermId, node: &Node) -> bool {
        node.is_class
            || node.is_datatype
            || node.says_something
            || !self.subjects(v().sh_target_class, term).is_empty()
            || !self.subjects(v().domain, term).is_empty()
            || !self.objects(term, v().sh_datatype).is_empty()
    }

    /// Whether a class only lends its name to one of another namespace that is below it or
    /// the same, and the model says nothing of the class itself.
    ///
    /// The texts are asked for last, and so of hardly any class.
    fn is_only_mentioned(&self, term: TermId) -> bool {
        let node = self.node(term);
        if node.says_something {
            return false;
        }
        let space = |term| crate::local::namespace(self.term(term).map_or("", TermRef::text));
        let own = space(term);
        let is_foreign = |twin: &TermId| self.is_iri(*twin) && space(*twin) != own;
        let has_twin = node.equals.iter().any(is_foreign)
            || self.subjects(v().sub_class_of, term).iter().any(is_foreign);
        let uses = [v().domain, v().schema_domain, v().old_schema_domain, v().sh_target_class];
        has_twin
            && uses.iter().all(|predicate| self.subjects(*predicate, term).is_empty())
            && !self.is_described(term)
    }

    /// What is said of a named class or datatype by itself.
    pub(crate) fn node(&self, term: TermId) -> Arc<Node> {
        let fact = about("node", term);
        self.remembered(&self.memo.nodes, fact, || self.find_node(term).into())
    }

    fn find_node(&self, term: TermId) -> Node {
        let mut node = Node::default();
        for class in self.objects(term, v().rdf_type) {
            node.is_owl_class |= class == v().owl_class || class == v().owl_deprecated_class;
            node.is_class |= node.is_owl_class || class == v().rdfs_class;
            node.is_datatype |= class == v().rdfs_datatype || class == v().owl_data_range;
            node.is_datatype |= class == v().schema_data_type || class == v().old_schema_data_type;
            node.is_restriction |= class == v().owl_restriction;
            node.is_shape |= class == v().sh_node_shape;
        }
        // Unnamed classes, each with whether it is the same as the term or above it.
        let mut unnamed = vec![(term, true)];
        for above in self.objects(term, v().sub_class_of) {
            node.says_something = true;
            self.place(above, false, &mut node, &mut unnamed);
        }
        for same in self.objects(term, v().equivalent_class) {
            node.says_something = true;
            self.place(same, true, &mut node, &mut unnamed);
        }
        for same in self.subjects(v().equivalent_class, term) {
            self.place(same, true, &mut node, &mut unnamed);
        }
        let mut seen = FxHashSet::default();
        while let Some((expression, is_same)) = unnamed.pop() {
            if seen.insert(expression) {
                self.describe(expression, is_same, &mut node, &mut unnamed);
            }
        }
        self.place_in_unions(term, &mut node);
        node.supers.retain(|above| *above != term);
        node.equals.retain(|same| *same != term);
        for terms in [&mut node.supers, &mut node.equals, &mut node.literals, &mut node.expressions]
        {
            terms.sort_unstable();
            terms.dedup();
        }
        node
    }

    /// Notes a term that is above a class or the same.
    fn place(
        &self,
        term: TermId,
        is_same: bool,
        node: &mut Node,
        unnamed: &mut Vec<(TermId, bool)>,
    ) {
        match self.term(term) {
            Some(TermRef::Iri(_)) if is_built_in(term) => node.literals.push(term),
            Some(TermRef::Iri(iri)) if is_meta(iri) => {}
            Some(TermRef::Iri(_)) if is_same => node.equals.push(term),
            Some(TermRef::Iri(_)) => node.supers.push(term),
            Some(TermRef::Blank(_)) => unnamed.push((term, is_same)),
            _ => {}
        }
    }

    /// Notes what an unnamed class (or the class itself) says by its definition.
    fn describe(
        &self,
        expression: TermId,
        is_same: bool,
        node: &mut Node,
        unnamed: &mut Vec<(TermId, bool)>,
    ) {
        if self.is_blank(expression) {
            // All of it belongs to the definition, and one read costs less than many.
            self.star(expression);
        }
        node.expressions.push(expression);
        for head in self.objects(expression, v().intersection_of) {
            for member in self.list(head).members.iter().copied() {
                self.place(member, false, node, unnamed);
            }
        }
        for union in [v().union_of, v().disjoint_union_of] {
            if is_same {
                node.unions.extend(self.objects(expression, union));
            }
        }
        node.one_of.extend(self.objects(expression, v().one_of));
        if self.is_blank(expression) {
            for named in self.objects(expression, v().equivalent_class) {
                self.place(named, is_same, node, unnamed);
            }
        }
        if node.is_datatype {
            for base in self.objects(expression, v().on_datatype) {
                self.place(base, false, node, unnamed);
            }
        }
    }

    /// Notes the named classes of which the class is a part.
    fn place_in_unions(&self, term: TermId, node: &mut Node) {
        for whole in self.wholes(term, &[v().union_of, v().disjoint_union_of]) {
            if self.is_iri(whole) {
                node.supers.push(whole);
                continue;
            }
            let named = self.subjects(v().equivalent_class, whole);
            let own = in_star(&self.star(whole), v().equivalent_class).collect::<Ids>();
            let named = named.into_iter().chain(own);
            node.supers.extend(named.filter(|named| self.is_iri(*named)));
        }
    }

    /// The named terms that are above a term or the same.
    ///
    /// Two classes are not one because both are the same as one that is only mentioned: that
    /// says less about the two than it seems to.
    pub(crate) fn above(&self, term: TermId, node: &Node) -> Vec<TermId> {
        let mut above = node.supers.clone();
        if node.equals.len() < 2 || !self.is_only_mentioned(term) {
            above.extend(&node.equals);
        }
        above
    }

    /// The group of a term.
    ///
    /// Strongly connected components as Tarjan finds them, with a stack of our own. A
    /// component is complete after all that are above it, so its flags follow from theirs.
    fn group(&self, term: TermId) -> Arc<Group> {
        if let Some(group) = self.memo.groups.borrow().of.get(&term) {
            self.reader.uses_fact(group.fact());
            return Arc::clone(group);
        }
        let mut search = Search::default();
        search.open(self, term);
        while let Some(frame) = search.frames.last_mut() {
            let Some(next) = frame.edges.pop() else {
                search.close(self);
                continue;
            };
            let low = match search.entered.get(&next) {
                Some(entered) => *entered,
                None if self.memo.groups.borrow().of.contains_key(&next) => continue,
                None => {
                    search.open(self, next);
                    continue;
                }
            };
            frame.low = frame.low.min(low);
        }
        Arc::clone(&self.memo.groups.borrow().of[&term])
    }

    /// Adds a group whose every term above has one.
    fn add_group(&self, mut members: Vec<TermId>) {
        self.sort(&mut members);
        self.reader.open_fact(about("group", members[0]));
        let mut group = Group::default();
        {
            let groups = self.memo.groups.borrow();
            for member in &members {
                let node = self.node(*member);
                for above in self.above(*member, &node) {
                    if let Some(above) = groups.of.get(&above) {
                        self.reader.uses_fact(above.fact());
                    }
                }
                group.is_literal |= node.is_literal();
                group.is_enumeration |= node.supers.contains(&v().schema_enumeration)
                    || node.supers.contains(&v().old_schema_enumeration);
                for above in node.supers.iter().filter_map(|above| groups.of.get(above)) {
                    group.is_literal |= above.is_literal;
                    group.is_enumeration |= above.is_enumeration;
                }
            }
        }
        self.reader.close_fact();
        self.memo.groups.borrow_mut().add(Group { members, ..group });
    }
}

/// A search for groups under way.
#[derive(Default)]
struct Search {
    frames: Vec<Frame>,
    /// Terms that are in no group yet, in the order in which they were entered.
    waiting: Vec<TermId>,
    entered: FxHashMap<TermId, usize>,
}

struct Frame {
    term: TermId,
    low: usize,
    edges: Vec<TermId>,
}

impl Search {
    fn open(&mut self, schema: &Schema<'_>, term: TermId) {
        let node = schema.node(term);
        let low = self.entered.len();
        self.entered.insert(term, low);
        self.waiting.push(term);
        let edges = schema.above(term, &node);
        self.frames.push(Frame { term, low, edges });
    }

    fn close(&mut self, schema: &Schema<'_>) {
        let Some(Frame { term, low, .. }) = self.frames.pop() else { return };
        if self.entered.get(&term) == Some(&low) {
            let start = self.waiting.iter().rposition(|waiting| *waiting == term).unwrap_or(0);
            let members = self.waiting.split_off(start);
            // What has a group is no way back any more.
            for member in &members {
                self.entered.insert(*member, usize::MAX);
            }
            schema.add_group(members);
        }
        if let Some(parent) = self.frames.last_mut() {
            parent.low = parent.low.min(low);
        }
    }
}
