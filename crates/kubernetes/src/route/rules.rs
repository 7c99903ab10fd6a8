//! What an `HTTPRoute` says, and what it is to say, as values.

use std::time::Duration;

use evergen_deployment::{Backend, Endpoint, RouterState, Slot, Split};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::manifests::slot_name;

/// The annotation that says where each slot was pointed.
pub(crate) const POINTED: &str = "evergen.dev/pointed";

/// The names by which the rules of a route are known as ours.
#[derive(Clone, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) service: &'a str,
    pub(crate) namespace: &'a str,
}

/// The part of a route that we read and write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Route {
    pub(crate) rules: Vec<Value>,
    pub(crate) pointed: Pointed,
}

/// Where the slots were pointed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pointed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blue: Option<Endpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) green: Option<Endpoint>,
}

impl Pointed {
    pub(crate) fn of(&self, slot: Slot) -> Option<&Endpoint> {
        match slot {
            Slot::Blue => self.blue.as_ref(),
            Slot::Green => self.green.as_ref(),
        }
    }

    fn set(&mut self, slot: Slot, endpoint: Option<Endpoint>) {
        match slot {
            Slot::Blue => self.blue = endpoint,
            Slot::Green => self.green = endpoint,
        }
    }
}

/// The route is not as it has to be, or can't do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(
        "no rule of it names the Service `{0}` among its `backendRefs`; add one with this name \
         and its port"
    )]
    NoRule(String),
    #[error("a rule of it also sends to `{0}`; only the two slots can share a rule")]
    Stranger(String),
    #[error("its rules share differently: {0} and {1}")]
    Disagree(String, String),
    #[error(
        "gateways may send to the slot for {settle:?} after they were told not to, and the drain may \
         take {deadline:?}: give the drain more time, or the gateways less"
    )]
    NoTime { settle: Duration, deadline: Duration },
    #[error("slot {slot} has {permille} thousandths of the traffic; set its share to zero first")]
    StillServing { slot: Slot, permille: u16 },
    #[error(
        "slot {slot} has no endpoint; point it somewhere before it gets {permille} thousandths"
    )]
    NobodyThere { slot: Slot, permille: u16 },
    #[error("an HTTPRoute sends to one Service for a slot, `{expected}`, not to {given}")]
    Elsewhere { expected: String, given: String },
}

impl Route {
    /// The weights and places of both slots.
    pub(crate) fn state(&self, names: &Names<'_>) -> Result<RouterState, Unfit> {
        let backends = Slot::BOTH.map(|slot| self.endpoints(slot, names));
        let [blue, green] = backends;
        let served = !blue.is_empty() || !green.is_empty();
        let split = if served { self.split(names)? } else { None };
        Ok(RouterState::new(split, Backend::new(blue, 0), Backend::new(green, 0)))
    }

    /// The slots that were pointed somewhere.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        Slot::BOTH.into_iter().filter(|slot| self.pointed.of(*slot).is_some()).collect()
    }

    /// How the rules share; nothing if nobody gets anything.
    fn split(&self, names: &Names<'_>) -> Result<Option<Split>, Unfit> {
        let ours = self.ours(names)?;
        let splits: Vec<_> = ours.into_iter().map(|rule| split_in(rule, names)).collect();
        let first = splits.first().copied().flatten();
        let shown = |split: Option<Split>| split.map_or("nothing".to_owned(), |it| it.to_string());
        match splits.iter().find(|split| **split != first) {
            Some(other) => Err(Unfit::Disagree(shown(first), shown(*other))),
            None => Ok(first),
        }
    }

    /// The largest share that a slot has in any rule; none if both slots are pointed nowhere.
    fn most(&self, slot: Slot, names: &Names<'_>) -> u16 {
        if Slot::BOTH.into_iter().all(|slot| self.endpoints(slot, names).is_empty()) {
            return 0;
        }
        let ours = self.rules.iter().filter(|rule| names.is_ours(rule));
        let shares = ours.filter_map(|rule| split_in(rule, names)).map(|split| split.of(slot));
        shares.max().unwrap_or(0)
    }

    /// Where a slot is asked: where it was pointed, unless somebody has changed a rule since.
    fn endpoints(&self, slot: Slot, names: &Names<'_>) -> Vec<Endpoint> {
        let Some(pointed) = self.pointed.of(slot) else { return Vec::new() };
        let ours = self.rules.iter().filter(|rule| names.is_ours(rule));
        let mut ports = ours.map(|rule| names.reference(rule, slot).and_then(port));
        let all = ports.all(|port| port == Some(u64::from(pointed.port)));
        if all { vec![pointed.clone()] } else { Vec::new() }
    }

    fn ours<'a>(&'a self, names: &Names<'_>) -> Result<Vec<&'a Value>, Unfit> {
        let ours: Vec<&Value> = self.rules.iter().filter(|rule| names.is_ours(rule)).collect();
        if ours.is_empty() {
            return Err(Unfit::NoRule(slot_name(names.service, Slot::Blue)));
        }
        for rule in &ours {
            if let Some(stranger) = references(rule).find(|it| names.slot_of(it).is_none()) {
                let name = stranger["name"].as_str().unwrap_or_default();
                return Err(Unfit::Stranger(name.to_owned()));
            }
        }
        Ok(ours)
    }

    /// The same with another split, in every rule of ours.
    pub(crate) fn with_split(&self, split: Split, names: &Names<'_>) -> Result<Self, Unfit> {
        self.ours(names)?;
        for slot in Slot::BOTH {
            let permille = split.of(slot);
            if permille > 0 && self.endpoints(slot, names).is_empty() {
                return Err(Unfit::NobodyThere { slot, permille });
            }
        }
        let mut route = self.clone();
        route.each_reference(names, |slot, reference| {
            reference["weight"] = json!(split.of(slot));
        });
        Ok(route)
    }

    /// The same with a slot at another place, or at none.
    pub(crate) fn with_endpoints(
        &self,
        slot: Slot,
        endpoints: &[Endpoint],
        names: &Names<'_>,
    ) -> Result<Self, Unfit> {
        self.ours(names)?;
        let expected = names.host(slot);
        let mut route = self.clone();
        match endpoints {
            [] => {
                let permille = self.most(slot, names);
                if permille > 0 {
                    return Err(Unfit::StillServing { slot, permille });
                }
                route.forget(slot, names);
                route.pointed.set(slot, None);
            }
            [endpoint] if endpoint.host == expected => {
                // A slot that serves is not silenced because somebody has changed a rule.
                let fresh = self.pointed.of(slot).is_none() && self.most(slot, names) == 0;
                route.refer(slot, endpoint.port, fresh, names);
                route.pointed.set(slot, Some(endpoint.clone()));
            }
            others => {
                let given = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(Unfit::Elsewhere { expected, given });
            }
        }
        Ok(route)
    }

    /// Sends no request to a slot. Where it is the only one of a rule, it stays with a weight of
    /// zero: by it the rule is known as ours.
    fn forget(&mut self, slot: Slot, names: &Names<'_>) {
        for rule in self.rules.iter_mut().filter(|rule| names.is_ours(rule)) {
            let other = names.reference(rule, slot.other()).is_some();
            let Some(references) = rule["backendRefs"].as_array_mut() else { continue };
            if other {
                references.retain(|reference| names.slot_of(reference) != Some(slot));
            } else {
                for reference in references.iter_mut() {
                    reference["weight"] = json!(0);
                }
            }
        }
    }

    /// Names a slot in each rule; with all that the rule says of the other slot, as filters, if
    /// it is not named yet. A slot that was pointed nowhere begins without a share.
    fn refer(&mut self, slot: Slot, port: u16, fresh: bool, names: &Names<'_>) {
        for rule in self.rules.iter_mut().filter(|rule| names.is_ours(rule)) {
            let known = names.reference(rule, slot).is_some();
            let template = references(rule).next().cloned();
            let Some(references) = rule["backendRefs"].as_array_mut() else { continue };
            if !known && let Some(mut reference) = template {
                reference["name"] = json!(slot_name(names.service, slot));
                reference["weight"] = json!(0);
                references.push(reference);
            }
            let ours = references.iter_mut().filter(|it| names.slot_of(it) == Some(slot));
            for reference in ours {
                reference["port"] = json!(port);
                if fresh {
                    reference["weight"] = json!(0);
                }
            }
        }
    }

    fn each_reference(&mut self, names: &Names<'_>, mut change: impl FnMut(Slot, &mut Value)) {
        for rule in self.rules.iter_mut().filter(|rule| names.is_ours(rule)) {
            for reference in rule["backendRefs"].as_array_mut().into_iter().flatten() {
                if let Some(slot) = names.slot_of(reference) {
                    change(slot, reference);
                }
            }
        }
    }
}

impl Names<'_> {
    /// The host by which a slot's Service is asked in the cluster.
    fn host(&self, slot: Slot) -> String {
        format!("{}.{}.svc", slot_name(self.service, slot), self.namespace)
    }

    fn is_ours(&self, rule: &Value) -> bool {
        references(rule).any(|reference| self.slot_of(reference).is_some())
    }

    /// The slot whose Service a rule sends to.
    fn slot_of(&self, reference: &Value) -> Option<Slot> {
        let is = |key: &str, usual: &str| reference[key].as_str().is_none_or(|it| it == usual);
        let name = reference["name"].as_str()?;
        let here = is("kind", "Service") && is("group", "") && is("namespace", self.namespace);
        let slot = Slot::BOTH.into_iter().find(|slot| slot_name(self.service, *slot) == name);
        slot.filter(|_| here)
    }

    fn reference<'a>(&self, rule: &'a Value, slot: Slot) -> Option<&'a Value> {
        references(rule).find(|reference| self.slot_of(reference) == Some(slot))
    }
}

fn references(rule: &Value) -> impl Iterator<Item = &Value> {
    rule["backendRefs"].as_array().into_iter().flatten()
}

fn weight(reference: &Value) -> u64 {
    reference["weight"].as_u64().unwrap_or(1)
}

fn port(reference: &Value) -> Option<u64> {
    reference["port"].as_u64()
}

fn split_in(rule: &Value, names: &Names<'_>) -> Option<Split> {
    let [blue, green] = Slot::BOTH.map(|slot| names.reference(rule, slot).map_or(0, weight));
    split_of(blue, green)
}

/// The split of two weights; none if nobody has any.
fn split_of(blue: u64, green: u64) -> Option<Split> {
    let all = blue.checked_add(green)?;
    let permille =
        green.checked_mul(u64::from(Split::WHOLE))?.checked_add(all / 2)?.checked_div(all)?;
    Split::giving(Slot::Green, u16::try_from(permille).ok()?).ok()
}
