use crate::{Cost, Fault, GateInfo};

/// In which order gates are asked: those they come after first, then cheap ones. Pure.
#[derive(Debug)]
pub(super) struct Order {
    gates: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    name: String,
    cost: Cost,
    after: Vec<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Asked,
    Admitted,
    Held,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask this gate.
    Ask(usize),
    /// Do not ask this one, for that reason.
    Refuse(usize, Fault),
}

impl Order {
    /// A gate that is named and is not there is not waited for: whoever asks for one gate only
    /// gets it.
    pub(super) fn of<'a>(infos: impl IntoIterator<Item = &'a GateInfo>) -> Self {
        let infos: Vec<&GateInfo> = infos.into_iter().collect();
        let find = |name: &String| infos.iter().position(|info| info.name == *name);
        let place = |info: &&GateInfo| Place {
            name: info.name.clone(),
            cost: info.cost,
            after: info.after.iter().filter_map(find).collect(),
            state: State::Waiting,
        };
        Self { gates: infos.iter().map(place).collect() }
    }

    /// The next step, or nothing while all that is left waits for an answer.
    pub(super) fn next(&mut self) -> Option<Step> {
        if let Some((index, by)) = self.blocked() {
            self.gates[index].state = State::Held;
            return Some(Step::Refuse(index, Fault::Blocked { by: self.gates[by].name.clone() }));
        }
        if let Some(index) = self.ready() {
            if let Some(fault) = self.twin(index) {
                self.gates[index].state = State::Held;
                return Some(Step::Refuse(index, fault));
            }
            self.gates[index].state = State::Asked;
            return Some(Step::Ask(index));
        }
        let is_asked = |gate: &Place| gate.state == State::Asked;
        let waiting = self.gates.iter().position(|gate| gate.state == State::Waiting)?;
        if self.gates.iter().any(is_asked) {
            return None;
        }
        // Nobody can answer any more, so these wait for one another.
        self.gates[waiting].state = State::Held;
        let why = format!("`{}` comes after itself", self.gates[waiting].name);
        let advice = "Take one of the gates out of the other's `after`.";
        Some(Step::Refuse(waiting, Fault::infra(why, advice)))
    }

    /// Takes note of an answer, and whether what comes after may be asked.
    pub(super) fn answered(&mut self, index: usize, admitted: bool) {
        self.gates[index].state = if admitted { State::Admitted } else { State::Held };
    }

    fn blocked(&self) -> Option<(usize, usize)> {
        let is_held = |index: &&usize| self.gates[**index].state == State::Held;
        let mut waiting =
            self.gates.iter().enumerate().filter(|(_, gate)| gate.state == State::Waiting);
        waiting.find_map(|(index, gate)| Some((index, *gate.after.iter().find(is_held)?)))
    }

    fn ready(&self) -> Option<usize> {
        let is_free = |gate: &Place| {
            gate.state == State::Waiting
                && gate.after.iter().all(|index| self.gates[*index].state == State::Admitted)
        };
        let ready = self.gates.iter().enumerate().filter(|(_, gate)| is_free(gate));
        ready.min_by_key(|(index, gate)| (gate.cost, *index)).map(|(index, _)| index)
    }

    /// Answers are known by their gates' names, so of two with one name only the first is asked.
    fn twin(&self, index: usize) -> Option<Fault> {
        let name = &self.gates[index].name;
        let is_second = self.gates[..index].iter().any(|gate| gate.name == *name);
        is_second.then(|| {
            Fault::infra(format!("two gates are called `{name}`"), "Give each a name of its own.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GateKind;

    /// Gates as "name cost after,after", where a name in `bad` does not pass.
    fn check(gates: &[&str], bad: &[&str], expected: &str) {
        let infos: Vec<GateInfo> = gates.iter().map(|text| gate(text)).collect();
        let mut order = Order::of(&infos);
        let mut said = Vec::new();
        let mut asked = Vec::new();
        loop {
            match order.next() {
                Some(Step::Ask(index)) => asked.push(index),
                Some(Step::Refuse(index, fault)) => {
                    said.push(format!("{}!{}", infos[index].name, fault.kind()));
                }
                None if asked.is_empty() => break,
                None => {
                    let index = asked.remove(0);
                    said.push(infos[index].name.clone());
                    order.answered(index, !bad.contains(&infos[index].name.as_str()));
                }
            }
        }
        assert_eq!(said.join(" "), expected);
    }

    fn gate(text: &str) -> GateInfo {
        let mut parts = text.split(' ');
        let info = GateInfo::new(parts.next().unwrap(), GateKind::Custom);
        let info = info.with_cost(match parts.next() {
            Some("instant") => Cost::Instant,
            Some("expensive") => Cost::Expensive,
            _ => Cost::Cheap,
        });
        let after = parts.next().into_iter().flat_map(|names| names.split(','));
        after.fold(info, GateInfo::after)
    }

    #[test]
    fn cheap_gates_come_first_and_nobody_before_those_it_comes_after() {
        check(
            &["tests expensive types", "types cheap syntax", "lint cheap", "syntax instant"],
            &[],
            "syntax lint types tests",
        );
        check(&["a cheap gone"], &[], "a");
    }

    #[test]
    fn what_comes_after_a_gate_that_did_not_pass_is_not_asked() {
        check(&["a", "b cheap a", "c cheap b", "d"], &["a"], "a b!blocked c!blocked d");
    }

    #[test]
    fn gates_that_wait_for_one_another_are_told_so() {
        check(&["a cheap b", "b cheap a", "c"], &[], "c a!infra b!blocked");
        check(&["a cheap a"], &[], "a!infra");
        check(&["a", "a"], &[], "a!infra a");
    }
}
