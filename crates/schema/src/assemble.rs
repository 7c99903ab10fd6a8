//! Everything about one class, put together.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::classify::Standing;
use crate::constraints::Constraint;
use crate::graph::statement;
use crate::labels::Texts;
use crate::local::short_word;
use crate::names::{distinct, fold};
use crate::own::{OwnProperties, Remarks, Values};
use crate::problem::{
    empty_bounds, incompatible_ranges, min_above_max, name_clash, slip, wrong_default, wrong_kind,
};
use crate::properties::{Key, Plain};
use crate::targets::Target;
use crate::vocabulary::v;
use crate::{Class, ClassRef, Problem, Property, PropertyRef, Schema, Slot, Text, TextScope};

/// A class and all above it, nearest first, with what each says of properties.
pub(crate) struct Sites {
    classes: Vec<TermId>,
    own: Vec<Arc<OwnProperties>>,
    refs: Vec<ClassRef>,
}

impl Sites {
    pub(crate) fn of(schema: &Schema<'_>, class: TermId) -> Self {
        let mut classes = vec![class];
        classes.extend(&schema.lineage(class).ancestors);
        let own = classes.iter().map(|class| schema.own_properties(*class)).collect();
        let refs = schema.class_refs(&classes);
        Self { classes, own, refs }
    }

    /// All properties, each with the sites that name it.
    pub(crate) fn named(&self) -> FxHashMap<Key, Naming> {
        let mut named: FxHashMap<Key, Naming> = FxHashMap::default();
        for (site, own) in self.own.iter().enumerate() {
            for key in &own.keys {
                named.entry(*key).or_default().push(site);
            }
        }
        named
    }
}

/// A property that some of the sites name.
struct Found<'a> {
    key: Key,
    naming: &'a Naming,
    /// The site that brings it in.
    owner: usize,
    plain: &'a Plain,
}

/// A property's values in one class.
struct Limited {
    values: Values,
    remarks: Remarks,
    /// Whether classes that are not above the owner say more than those that are.
    narrowed: bool,
}

/// Which of the sites name a property.
pub(crate) type Naming = SmallVec<[usize; 2]>;

impl Schema<'_> {
    /// Everything about one class; none for a term that is none, or only another name of one.
    pub fn class(&self, term: TermId) -> Option<Class> {
        if self.standing(term) != Standing::Class(term) {
            return None;
        }
        let members = self.with_first(term);
        let is_silent = self.options.texts == TextScope::Nothing;
        let texts = if is_silent { Texts::default() } else { self.texts(&members) };
        let lineage = self.lineage(term);
        let mut problems = self.group_problems(term);
        let mut properties = self.properties_of(term, &mut problems);
        let layout = self.layout(term);
        self.lay_out(&layout, &mut properties);
        let barred = self.barred(&layout, &properties);
        let ambiguous = self.ambiguous(&layout, &properties, &barred);
        problems.sort();
        problems.dedup();
        Some(Class {
            iri: self.text(term),
            name: self.class_name(term),
            label: texts.label,
            comment: texts.comment,
            deprecated: texts.deprecated,
            aliases: members[1..].iter().map(|alias| self.text(*alias)).collect(),
            parents: self.class_refs(&self.place_of(term).parents),
            bases: self.bases(&layout),
            ancestors: self.class_refs(&lineage.ancestors),
            children: self.class_refs(&self.children_of(term)),
            is_abstract: self.is_abstract(&members),
            properties,
            ambiguous,
            barred,
            keys: self.keys_of(&members),
            problems,
        })
    }

    /// Contradictions in what the model says of a class, enumeration or datatype.
    pub fn problems(&self, term: TermId) -> Vec<Problem> {
        match self.standing(term) {
            Standing::Class(class) => self.class(class).map(|class| class.problems),
            Standing::Enumeration(one) => self.enumeration(one).map(|one| one.problems),
            Standing::Datatype(one) => self.datatype(one).map(|one| one.problems),
            Standing::Hidden => None,
        }
        .unwrap_or_default()
    }

    /// Whether a class is no more than the classes of which it is the union.
    fn is_abstract(&self, members: &[TermId]) -> bool {
        members.iter().any(|member| {
            self.node(*member).unions.iter().any(|head| {
                let list = self.list(*head);
                let parts = &list.members;
                let is_class = |part: &TermId| matches!(self.standing(*part), Standing::Class(_));
                !parts.is_empty() && parts.iter().all(is_class)
            })
        })
    }

    fn keys_of(&self, members: &[TermId]) -> Vec<Vec<PropertyRef>> {
        let mut keys = Vec::new();
        for member in members {
            for head in self.objects(*member, v().has_key) {
                let list = self.list(head);
                let properties = list.members.iter().copied();
                let named = properties.filter(|property| self.is_iri(*property));
                let key: Vec<PropertyRef> =
                    named.map(|one| self.property_ref(Key::of(self.canonical(one)))).collect();
                if !key.is_empty() && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys.sort();
        keys
    }

    fn properties_of(&self, class: TermId, problems: &mut Vec<Problem>) -> Vec<Property> {
        let sites = Sites::of(self, class);
        // Sorted before they are put together: what is moved about is small then.
        let mut order: Vec<(Key, Naming, usize, Arc<Plain>)> = sites
            .named()
            .into_iter()
            .map(|(key, naming)| {
                let owner = self.owner(&naming, &sites);
                let with_texts = match self.options.texts {
                    TextScope::All => true,
                    TextScope::Own => owner == 0,
                    TextScope::Nothing => false,
                };
                let plain = self.plain(key, with_texts);
                (key, naming, owner, plain)
            })
            .collect();
        order.sort_unstable_by(|(one, _, _, left), (other, _, _, right)| {
            let by = |key: &Key| key.is_reversed;
            (&left.name, &left.iri, by(one)).cmp(&(&right.name, &right.iri, by(other)))
        });
        let mut found = Vec::with_capacity(order.len());
        let mut plains = Vec::with_capacity(order.len());
        for (key, naming, owner, plain) in order {
            let of = Found { key, naming: &naming, owner, plain: &plain };
            if let Some(property) = self.property(&of, &sites, problems) {
                found.push(property);
                plains.push(plain);
            }
        }
        self.tell_apart(&mut found, &plains, &sites.refs[0], problems);
        found
    }

    /// A property of the first of the sites, whose texts may be missing.
    pub(crate) fn property_without_texts(
        &self,
        key: Key,
        naming: &Naming,
        sites: &Sites,
    ) -> Option<Property> {
        let owner = self.owner(naming, sites);
        let plain = self.plain(key, false);
        self.property(&Found { key, naming, owner, plain: &plain }, sites, &mut Vec::new())
    }

    fn property(
        &self,
        found: &Found<'_>,
        sites: &Sites,
        problems: &mut Vec<Problem>,
    ) -> Option<Property> {
        let Found { key, naming, owner, plain } = *found;
        let refs = &sites.refs;
        let inherited = owner > 0;
        let is_limiting = |site: &usize| sites.own[*site].constraints.contains_key(&key);
        let limiting: Naming = naming.iter().copied().filter(is_limiting).collect();
        let Limited { values, remarks, narrowed } =
            self.limited(key, plain, sites, owner, &limiting);
        if !inherited || narrowed {
            self.note_problems(key, plain, &remarks, &refs[0].iri, problems);
            let constraints = limiting.iter().flat_map(|site| &sites.own[*site].constraints[&key]);
            note_bounds(plain, &values, constraints, &refs[0].iri, problems);
        }
        if limiting.first() == Some(&0) {
            let slips = sites.own[0].constraints[&key].iter().flat_map(|one| &one.slips);
            problems.extend(slips.map(|found| slip(&refs[0].iri, Some(&plain.iri), found)));
        }
        if values.max == Some(0) {
            return None;
        }
        let ranges =
            if limiting.is_empty() { plain.ranges.clone() } else { self.ranges(&values.targets) };
        let (default, wrong) = match remarks.default {
            Some((value, _)) if self.may_have(&ranges, &value) => (Some(value), None),
            default => (None, default),
        };
        if let Some((_, at)) = wrong
            && limiting.first() == Some(&0)
            && is_given(&sites.own[0].constraints[&key], at)
        {
            problems.push(wrong_default(&refs[0].iri, &plain.iri, at));
        }
        let property = Property {
            iri: plain.iri.clone(),
            is_reversed: key.is_reversed,
            name: plain.name.clone(),
            label: plain.texts.label.clone().or(remarks.label),
            comment: plain.texts.comment.clone().or(remarks.comment),
            deprecated: plain.texts.deprecated.clone(),
            owner: refs[owner].clone(),
            inherited,
            narrowed,
            ranges,
            min: values.min,
            max: values.max,
            unique_lang: values.unique_lang,
            inverse: plain.inverse.clone(),
            is_inverse_functional: plain.is_inverse_functional,
            is_symmetric: plain.is_symmetric,
            is_transitive: plain.is_transitive,
            fixed: values.fixed,
            default,
            order: remarks.order,
            group: remarks.group,
            number: plain.number,
            slot: Slot::default(),
        };
        Some(property)
    }

    /// What is known of a property's values after everything that the class and those above
    /// it say: what holds for the owner first, and within that the nearest class last, so
    /// that its word counts where two can't be joined.
    fn limited(
        &self,
        key: Key,
        plain: &Plain,
        sites: &Sites,
        owner: usize,
        limiting: &Naming,
    ) -> Limited {
        let mut remarks = Remarks::default();
        let mut values = Values::of(plain);
        if limiting.is_empty() {
            return Limited { values, remarks, narrowed: false };
        }
        values.targets.clone_from(&plain.targets);
        let (base, more): (Naming, Naming) = limiting
            .iter()
            .rev()
            .copied()
            .partition(|site| self.is_at_or_below(sites.classes[owner], sites.classes[*site]));
        let mut before = None;
        for (is_more, limiting) in [(false, base), (true, more)] {
            if is_more && !limiting.is_empty() {
                before = Some(values.clone());
            }
            for constraint in limiting.iter().flat_map(|site| &sites.own[*site].constraints[&key]) {
                values.add(self, constraint, &mut remarks);
            }
        }
        let narrowed = before.is_some_and(|before| before != values);
        values.finish(self, &mut remarks);
        Limited { values, remarks, narrowed }
    }

    fn note_problems(
        &self,
        key: Key,
        plain: &Plain,
        remarks: &Remarks,
        class: &Text,
        problems: &mut Vec<Problem>,
    ) {
        let above_max = remarks.min_above_max.as_ref();
        problems.extend(above_max.map(|found| min_above_max(class, &plain.iri, found)));
        let of_range = |range: &TermId| statement(key.property, v().range, *range);
        let mut evidence = remarks.clash.clone();
        evidence.extend(plain.clash.iter().flatten().map(of_range));
        if !evidence.is_empty() {
            problems.push(incompatible_ranges(class, &plain.iri, evidence));
        }
        if let Some((kind, values)) = plain.wrong_kind {
            let types = [v().object_property, v().datatype_property];
            let said = types.map(|kind| statement(key.property, v().rdf_type, kind));
            let said = said.into_iter().filter(|at| self.says(at.subject, at.predicate, at.object));
            problems.push(wrong_kind(class, &plain.iri, kind, values, said.collect()));
        }
        let broken = plain.broken.iter();
        problems.extend(broken.map(|list| self.broken_list(*list, class, Some(&plain.iri))));
    }

    /// The nearest site that brings a property in: none above it names the property.
    fn owner(&self, naming: &Naming, sites: &Sites) -> usize {
        let above: Naming = naming.iter().copied().filter(|site| *site > 0).collect();
        if above.len() < 2 {
            return above.first().copied().unwrap_or(0);
        }
        let brings_in = |site: &usize| {
            let lineage = self.lineage(sites.classes[*site]);
            !above.iter().any(|other| lineage.above.contains(&sites.classes[*other]))
        };
        // One of them is above all others, as classes are in no circle.
        above.iter().copied().find(brings_in).unwrap_or(above[0])
    }

    /// Gives properties of one name other names: what is inherited keeps its own.
    fn tell_apart(
        &self,
        found: &mut [Property],
        plains: &[Arc<Plain>],
        class: &ClassRef,
        problems: &mut Vec<Problem>,
    ) {
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        if plains.iter().all(|plain| seen.insert(&plain.folded)) {
            return;
        }
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by_key(|index| (!found[*index].inherited, *index));
        let mut taken: FxHashSet<String> = FxHashSet::default();
        for index in order {
            let property = &mut found[index];
            if taken.insert(plains[index].folded.to_string()) {
                continue;
            }
            let word = short_word(&property.iri, &self.options.prefixes);
            let name = distinct(&property.name, &word, |name| taken.insert(fold(name)));
            if !property.inherited {
                problems.push(name_clash(&class.iri, &property.iri, &property.name, &name));
            }
            property.name = name.into();
        }
        found.sort_by(|one, other| (&one.name, &one.iri).cmp(&(&other.name, &other.iri)));
    }
}

/// Whether one of these says what the default is.
fn is_given(constraints: &[Arc<Constraint>], at: EncodedQuad) -> bool {
    let mut defaults = constraints.iter().filter_map(|one| one.default.as_ref());
    defaults.any(|(_, given)| *given == at)
}

/// Notes limits of a property's literals that none of them meets.
fn note_bounds<'c>(
    plain: &Plain,
    values: &Values,
    constraints: impl Iterator<Item = &'c Arc<Constraint>>,
    class: &Text,
    problems: &mut Vec<Problem>,
) {
    let data = values.targets.iter().filter_map(|target| match target {
        // One that has a name is told of by itself.
        Target::Data(data) if data.name.is_none() || !values.facets.is_empty() => Some(data),
        _ => None,
    });
    let empty = data.into_iter().find_map(|data| data.facets.contradiction());
    let Some(bounds) = empty else { return };
    let evidence = constraints.flat_map(|one| one.facets_at.iter().copied()).collect();
    problems.push(empty_bounds(class, Some(&plain.iri), &bounds, evidence));
}
