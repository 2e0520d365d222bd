//! A second engine, slow and plain: machine.md 1.2, 2.1, 4 and 5 word by word, over lists of names.
//!
//! It shares nothing with the engine but the types of what goes in. No index, no bit set, no scratch memory, nothing
//! skipped: whoever reads it beside the text can see that it says the same. The numbers in the comments are the text's.

use std::collections::{BTreeMap, BTreeSet};

use statemesh_core::engine::{Answer, MutationKind, SchemaDef, StateDef};

type List = Vec<String>;

/// One machine. What is bound and called is named as `Exit A`, `Pair A B`, `AnyState`.
pub(crate) struct Oracle {
    states: Vec<(String, StateDef)>,
    topology: List,
    sets: Vec<BTreeSet<String>>,
    /// Active states, in the order of the last target list.
    pub(crate) active: List,
    pub(crate) clock: BTreeMap<String, u64>,
    /// Every handler call: number of the set, handler.
    pub(crate) calls: Vec<(usize, String)>,
}

struct Transition {
    kind: MutationKind,
    called: List,
    is_auto: bool,
    is_check: bool,
    target: List,
    exits: List,
    enters: List,
    /// Auto states whose Exit handler said no.
    kept: List,
    canceled: bool,
    panicked: bool,
}

/// What one event came to.
#[derive(PartialEq)]
enum Event {
    Passed,
    Rejected,
    Panicked,
}

/// Answers handler calls.
pub(crate) type Ask<'a> = dyn FnMut() -> Answer + 'a;

impl Oracle {
    pub(crate) fn new(def: &SchemaDef, sets: Vec<BTreeSet<String>>) -> Self {
        let states = normalised(&def.states);
        Self {
            topology: topology(&states),
            clock: states.iter().map(|(name, _)| (name.clone(), 0)).collect(),
            states,
            sets,
            active: List::new(),
            calls: Vec::new(),
        }
    }

    /// Names in index order.
    pub(crate) fn names(&self) -> List {
        self.states.iter().map(|(name, _)| name.clone()).collect()
    }

    /// One mutation and all that follows from it; says whether it was Executed.
    pub(crate) fn mutate(
        &mut self,
        kind: MutationKind,
        called: &[String],
        is_check: bool,
        ask: &mut Ask<'_>,
    ) -> bool {
        let kind = match kind {
            MutationKind::Toggle if called.iter().all(|state| self.active.contains(state)) => {
                MutationKind::Remove
            }
            MutationKind::Toggle => MutationKind::Add,
            MutationKind::Add | MutationKind::Remove | MutationKind::Set => kind,
        };
        let called = unique(called.to_vec());
        let mut next = Some(self.begin(kind, called, false, is_check));
        let mut results = Vec::new();
        let mut auto_panics = 0;
        while let Some(mut transition) = next {
            let before = self.clock.clone();
            self.run(&mut transition, ask);
            results.push(!transition.canceled);
            let is_changed = self.clock != before;
            next = if transition.panicked {
                auto_panics += u32::from(transition.is_auto);
                self.exception(&transition)
            } else if is_changed && !transition.canceled && !transition.is_auto && auto_panics < 3 {
                self.autos(&transition)
            } else {
                None
            };
        }
        results[0]
    }

    /// 5.6: an Exception mutation, unless the broken transition called it.
    fn exception(&self, broken: &Transition) -> Option<Transition> {
        let exception = "Exception".to_owned();
        let is_called = broken.called.contains(&exception);
        (!is_called).then(|| self.begin(MutationKind::Add, vec![exception], false, false))
    }

    /// 4.8: candidates are Auto, inactive, and no active state removes them.
    fn autos(&self, last: &Transition) -> Option<Transition> {
        let is_health = last.kind == MutationKind::Add
            && (last.called == ["Heartbeat"] || last.called == ["Healthcheck"]);
        let mut candidates = List::new();
        for (name, state) in &self.states {
            let mut active = self.active.iter();
            let is_removed = active.any(|active| self.remove(active).contains(name));
            if state.auto && !self.active.contains(name) && !is_removed {
                candidates.push(name.clone());
            }
        }
        if is_health || candidates.is_empty() {
            return None;
        }
        Some(self.begin(MutationKind::Add, candidates, true, false))
    }

    /// 5.2.2: resolved, accepted or not.
    fn begin(&self, kind: MutationKind, called: List, is_auto: bool, is_check: bool) -> Transition {
        let target = self.resolve(kind, &called);
        // 4.3
        let rejected = without(&called, &target);
        let canceled = match kind {
            MutationKind::Remove => false,
            _ if is_auto => rejected.len() == called.len(),
            _ => !rejected.is_empty(),
        };
        let mut transition = Transition {
            kind,
            called,
            is_auto,
            is_check,
            target,
            exits: List::new(),
            enters: List::new(),
            kept: List::new(),
            canceled,
            panicked: false,
        };
        self.list_moves(&mut transition);
        transition
    }

    /// 4.4
    fn list_moves(&self, transition: &mut Transition) {
        transition.exits = self.sort(without(&self.active, &transition.target));
        let target = transition.target.iter();
        let enters = target.filter(|state| {
            !self.active.contains(state)
                || (self.def(state).multi && transition.called.contains(state))
        });
        transition.enters = enters.cloned().collect();
    }

    /// 4.1
    fn resolve(&self, kind: MutationKind, called: &List) -> List {
        // 1. To-set.
        let to_set = match kind {
            MutationKind::Add | MutationKind::Toggle => [&called[..], &self.active].concat(),
            MutationKind::Remove => without(&self.active, called),
            MutationKind::Set => called.clone(),
        };
        // 2. Add pass 1.
        let list = self.add_pass(kind, called, unique(to_set));
        // 3. Require pass.
        let list = self.require_pass(list);
        // 4. Block filter.
        let (mut kept, mut blocked) = (List::new(), List::new());
        for state in list.iter().rev() {
            let mut blockers = without(&list, &blocked);
            blockers.retain(|blocker| self.remove(blocker).contains(state));
            if blockers.is_empty() {
                kept.push(state.clone());
            } else {
                blocked.push(state.clone());
            }
        }
        // 5. What the survivors remove.
        let removed = kept.iter().flat_map(|state| self.remove(state));
        let removed: List = removed.cloned().collect();
        // 6. Add pass 2.
        let list = self.add_pass(kind, called, kept);
        let mut list = without(&list, &removed);
        // 7. Reversed, and what is required again.
        list.reverse();
        let list = self.require_pass(list);
        // 8. Sorted.
        self.sort(list)
    }

    /// 4.1.2
    fn add_pass(&self, kind: MutationKind, called: &List, list: List) -> List {
        let mut longer = list.clone();
        for state in &list {
            if self.active.contains(state) && !self.def(state).multi {
                continue;
            }
            for implied in self.add(state) {
                if !(kind == MutationKind::Remove && called.contains(implied)) {
                    longer.push(implied.clone());
                }
            }
        }
        unique(longer)
    }

    /// 4.1.3
    fn require_pass(&self, list: List) -> List {
        let mut kept = list.clone();
        kept.retain(|state| {
            let mut required = required(&self.states, state).iter();
            required.all(|required| list.contains(required))
        });
        if kept.len() == list.len() {
            return kept;
        }
        self.require_pass(kept)
    }

    /// 4.5
    fn sort(&self, mut list: List) -> List {
        // 2. By the topology, others first.
        list.sort_by_key(|state| self.topology.iter().position(|other| other == state));
        // 3. and 4. By After, with the sort whose comparisons are part of the result.
        let less = |a: &String, b: &String| !self.after(a).contains(b) && self.after(b).contains(a);
        let mut runs: Vec<List> = list
            .chunks(20)
            .map(|run| insertion_sorted(run, &less))
            .collect();
        while runs.len() > 1 {
            runs = runs
                .chunks(2)
                .map(|pair| merged(&pair[0], &pair[1..].concat(), &less))
                .collect();
        }
        runs.concat()
    }

    /// 5.2.4 to 5.2.9
    fn run(&mut self, transition: &mut Transition, ask: &mut Ask<'_>) {
        if !self.sets.is_empty() && !transition.canceled {
            self.negotiate(transition, ask);
        }
        if transition.is_check {
            return;
        }
        if transition.is_auto && !transition.canceled {
            self.recheck(transition);
        }
        if transition.canceled {
            return;
        }
        self.commit(transition);
        let ends = transition.exits.iter().map(|state| format!("End {state}"));
        let states = transition
            .enters
            .iter()
            .map(|state| format!("State {state}"));
        let any = std::iter::once("AnyState".to_owned());
        for event in ends.chain(states).chain(any).collect::<List>() {
            match self.event(&event, true, ask) {
                Event::Passed => continue,
                Event::Rejected => {}
                Event::Panicked => transition.panicked = true,
            }
            transition.canceled = true;
            if let Some(failed) = event.strip_prefix("State ") {
                self.repair(&transition.enters, failed);
            }
            return;
        }
    }

    /// 2.1
    fn commit(&mut self, transition: &Transition) {
        for (state, tick) in &mut self.clock {
            let was_active = self.active.contains(state);
            let is_active = transition.target.contains(state);
            let is_multi = self
                .states
                .iter()
                .any(|(name, def)| name == state && def.multi);
            *tick += match (was_active, is_active) {
                (false, true) | (true, false) => 1,
                (true, true) if is_multi && transition.called.contains(state) => 2,
                (true, true) | (false, false) => 0,
            };
        }
        self.active.clone_from(&transition.target);
    }

    /// 5.6: what failed, and what did not get its turn, ends again.
    fn repair(&mut self, enters: &List, failed: &str) {
        for state in enters.iter().skip_while(|state| *state != failed) {
            self.active.retain(|active| active != state);
            *self.clock.entry(state.clone()).or_default() += 1;
        }
    }

    /// 5.2.4: each group only if nothing canceled before.
    fn negotiate(&mut self, transition: &mut Transition, ask: &mut Ask<'_>) {
        let before = self.active.clone();
        for state in transition.exits.clone() {
            self.negotiation(transition, &format!("Exit {state}"), &state, ask);
        }
        for state in transition.enters.clone() {
            self.negotiation(transition, &format!("Enter {state}"), &state, ask);
        }
        for state in transition.target.clone() {
            if transition.kind != MutationKind::Remove && before.contains(&state) {
                self.negotiation(transition, &format!("Stay {state}"), &state, ask);
            }
        }
        let target = transition.target.clone();
        for from in &before {
            for to in target.iter().filter(|to| *to != from) {
                self.negotiation(transition, &format!("Pair {from} {to}"), to, ask);
            }
        }
        if transition.is_auto && transition.target.is_empty() {
            transition.canceled = true;
        }
        self.negotiation(transition, "AnyEnter", "", ask);
    }

    /// One event, and 4.8.4 with the decisions of 12.4: in an auto transition a rejecting Auto state alone drops out.
    fn negotiation(
        &mut self,
        transition: &mut Transition,
        event: &str,
        state: &str,
        ask: &mut Ask<'_>,
    ) {
        if transition.canceled {
            return;
        }
        let is_auto = |(name, def): &(String, StateDef)| name == state && def.auto;
        match self.event(event, false, ask) {
            Event::Passed => {}
            Event::Rejected if transition.is_auto && self.states.iter().any(is_auto) => {
                if event.starts_with("Exit") {
                    transition.kept.push(state.to_owned());
                    transition.target.push(state.to_owned());
                } else {
                    transition.target.retain(|other| other != state);
                }
            }
            Event::Rejected => transition.canceled = true,
            Event::Panicked => {
                transition.canceled = true;
                transition.panicked = true;
            }
        }
    }

    /// 5.2.4: to every set that has a handler, till one does not accept. The no of a final handler is not heard.
    fn event(&mut self, event: &str, is_final: bool, ask: &mut Ask<'_>) -> Event {
        for set in 0..self.sets.len() {
            if !self.sets[set].contains(event) {
                continue;
            }
            self.calls.push((set, event.to_owned()));
            match ask() {
                Answer::Accept => {}
                Answer::Veto if is_final => {}
                Answer::Veto | Answer::Timeout => return Event::Rejected,
                Answer::Panic => return Event::Panicked,
            }
        }
        Event::Passed
    }

    /// 4.8.5; and what may not end (12.1, B5) stays, or all is canceled.
    fn recheck(&self, transition: &mut Transition) {
        let mut called = transition.called.clone();
        called.retain(|state| {
            let mut kept = transition.kept.iter();
            transition.target.contains(state) && !kept.any(|kept| self.remove(state).contains(kept))
        });
        transition.target = self.resolve(MutationKind::Add, &called);
        transition.canceled = !without(&transition.kept, &transition.target).is_empty();
        self.list_moves(transition);
    }

    fn def(&self, state: &str) -> &StateDef {
        let def = self.states.iter().find(|(name, _)| name == state);
        &def.expect("resolved states are in the schema").1
    }
    fn add(&self, state: &str) -> &[String] {
        self.def(state).add.as_deref().unwrap_or_default()
    }
    fn remove(&self, state: &str) -> &[String] {
        self.def(state).remove.as_deref().unwrap_or_default()
    }
    fn after(&self, state: &str) -> &[String] {
        self.def(state).after.as_deref().unwrap_or_default()
    }
}

/// 1.2 and 1.3. What is unknown, and stays in Add because it was in Remove too, is dropped in the end (12.1, B17).
fn normalised(states: &[(String, StateDef)]) -> Vec<(String, StateDef)> {
    let is_known = |other: &String| states.iter().any(|(name, _)| name == other);
    let exception = "Exception".to_owned();
    let mut normalised = states.to_vec();
    for (name, state) in &mut normalised {
        let mut remove = state.remove.take().unwrap_or_default();
        let mut after = state.after.take().unwrap_or_default();
        drop_first(&mut remove, name);
        let mut add = state.add.take().unwrap_or_default();
        add.retain(|added| drop_first(&mut remove, added) || is_known(added));
        add.retain(|added| is_known(added) || *added == exception);
        drop_first(&mut after, name);
        remove.retain(is_known);
        after.retain(is_known);
        (state.add, state.remove, state.after) = (Some(add), Some(remove), Some(after));
    }
    if !is_known(&exception) {
        normalised.push((exception, StateDef::new().multi()));
    }
    normalised
}

/// 4.5.1: depth first, requirements before dependents; nothing at all on a cycle.
fn topology(states: &[(String, StateDef)]) -> List {
    let mut roots: List = states.iter().map(|(name, _)| name.clone()).collect();
    roots.sort();
    roots.retain(|root| !required(states, root).is_empty());
    let mut order = List::new();
    let all_visited = roots
        .iter()
        .all(|root| visit(states, root, &mut List::new(), &mut order));
    if all_visited { order } else { List::new() }
}

fn visit(states: &[(String, StateDef)], state: &str, path: &mut List, order: &mut List) -> bool {
    if order.iter().any(|other| other == state) {
        return true;
    }
    if path.iter().any(|other| other == state) {
        return false;
    }
    path.push(state.to_owned());
    for other in required(states, state) {
        if !visit(states, other, path, order) {
            return false;
        }
    }
    path.pop();
    order.push(state.to_owned());
    true
}

/// What it requires; nothing when it does not exist itself.
fn required<'a>(states: &'a [(String, StateDef)], state: &str) -> &'a [String] {
    let def = states.iter().find(|(name, _)| name == state);
    let list = def.and_then(|(_, def)| def.require.as_deref());
    list.unwrap_or_default()
}

/// 4.5.4: each element goes left while it is less than its left neighbour.
fn insertion_sorted(list: &[String], less: &dyn Fn(&String, &String) -> bool) -> List {
    let mut sorted = List::new();
    for item in list {
        let mut at = sorted.len();
        while at > 0 && less(item, &sorted[at - 1]) {
            at -= 1;
        }
        sorted.insert(at, item.clone());
    }
    sorted
}

/// 4.5.4, SymMerge: both lists are cut around the middle of the result, then the two left parts are merged, and the two
/// right ones.
fn merged(left: &[String], right: &[String], less: &dyn Fn(&String, &String) -> bool) -> List {
    if left.is_empty() || right.is_empty() {
        return [left, right].concat();
    }
    if let [only] = left {
        let at = first_where(0, right.len(), &|at| !less(&right[at], only));
        return [&right[..at], left, &right[at..]].concat();
    }
    if let [only] = right {
        let at = first_where(0, left.len(), &|at| less(only, &left[at]));
        return [&left[..at], right, &left[at..]].concat();
    }
    let middle = (left.len() + right.len()) / 2;
    // So many of `left` go before the middle; the rest of the places there are for the first ones of `right`.
    let least = middle.saturating_sub(right.len());
    let most = middle.min(left.len());
    let cut = first_where(least, most, &|cut| {
        less(&right[middle - 1 - cut], &left[cut])
    });
    let (before, after) = (&right[..middle - cut], &right[middle - cut..]);
    [
        merged(&left[..cut], before, less),
        merged(&left[cut..], after, less),
    ]
    .concat()
}

/// Bisection: the first number from `low` for which it holds, else `high`.
fn first_where(low: usize, high: usize, holds: &dyn Fn(usize) -> bool) -> usize {
    if low == high {
        return low;
    }
    let middle = low + (high - low) / 2;
    if holds(middle) {
        first_where(low, middle, holds)
    } else {
        first_where(middle + 1, high, holds)
    }
}

/// First occurrences only.
fn unique(list: List) -> List {
    let mut unique = List::new();
    for item in list {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

fn without(list: &[String], dropped: &[String]) -> List {
    let kept = list.iter().filter(|item| !dropped.contains(item));
    kept.cloned().collect()
}

/// Drops the first occurrence; false when there is none.
fn drop_first(list: &mut List, dropped: &str) -> bool {
    let at = list.iter().position(|item| item == dropped);
    at.map(|at| list.remove(at)).is_some()
}
