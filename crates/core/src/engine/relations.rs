//! Resolver: (schema, ordered active list, mutation) -> ordered target list; also picks the Auto states to try.
//!
//! ```text
//! to-set -> Add (one hop) -> Require* -> block filter (backwards) -> Add (one hop) - removed -> Require* -> sort
//! ```
//!
//! The order of the passes, and of the lists inside them, is observable and must not change. A pass none of whose
//! relations is held by a listed state is skipped: it could not change the list. Nothing here allocates once the
//! scratch lists have grown. Every decision is told to a [`StepSink`]; the one that listens to nothing costs nothing.

use crate::engine::MutationKind;
use crate::engine::handlers::Handler;
use crate::engine::schema::Schema;
use crate::engine::sort::sort_stable;
use crate::engine::state_set::{StateBits, StateList};
use crate::ids::StateIdx;

/// A relation between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Order of handlers.
    After,
    /// Implies.
    Add,
    /// Needs.
    Require,
    /// Excludes.
    Remove,
}

/// One decision on the way to a target list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The mutation calls it.
    Requested(StateIdx),
    /// It is to begin.
    Set(StateIdx),
    /// It is to end.
    Remove(StateIdx),
    /// It was in the set, inactive before, and is dropped because another removes it.
    RemoveNotActive(StateIdx),
    /// It was in the set and is dropped because it misses a requirement.
    Unmet(StateIdx),
    /// It was in the set and is dropped because it requires a state that does not exist.
    Missing {
        /// The state.
        state: StateIdx,
        /// Which name of its Require list, from 0.
        place: u16,
        /// The mutation calls it, so this cancels the transition.
        cancels: bool,
    },
    /// A relation was looked at: the acting state first.
    Relation(Relation, StateIdx, StateIdx),
    /// It cancels the transition, or would if its owner were not dropped.
    Cancel(StateIdx),
    /// A handler was called.
    Handler(Handler),
}

/// Told about steps as they happen.
pub(crate) trait StepSink {
    /// False: steps are not even built.
    const LISTENS: bool;
    fn step(&mut self, step: Step);
}

/// What to resolve.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) kind: MutationKind,
    pub(crate) called: &'a StateList,
    pub(crate) active: &'a StateList,
}

/// Scratch memory of the resolver of one machine.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    /// What the block filter marks; then what the second Add pass may not bring back.
    blocked: StateBits,
    ranked: Vec<StateIdx>,
}

impl Resolver {
    pub(crate) fn new(states: usize) -> Self {
        Self {
            blocked: StateBits::new(states),
            ranked: Vec::new(),
        }
    }

    /// Writes the target list.
    #[inline]
    pub(crate) fn resolve<S: StepSink>(
        &mut self,
        schema: &Schema,
        request: Request<'_>,
        target: &mut StateList,
        steps: &mut S,
    ) {
        to_set(request, target);
        if target.bits().intersects(&schema.masks().related) {
            self.relate(schema, request, target, steps);
        }
    }

    /// Carries out the relations between the listed states.
    fn relate<S: StepSink>(
        &mut self,
        schema: &Schema,
        request: Request<'_>,
        target: &mut StateList,
        steps: &mut S,
    ) {
        let masks = schema.masks();
        self.imply(schema, request, target, steps);
        self.require(schema, request, target, steps);
        let dropped = self.block(schema, request, target, steps);
        if S::LISTENS || target.bits().intersects(&masks.add) {
            self.imply_again(schema, request, target, steps);
            self.require(schema, request, target, steps);
        } else if dropped {
            // Reversed, filtered and reversed again: the order is what it was.
            target.subtract(&self.blocked);
            self.require(schema, request, target, steps);
        }
        self.sort(schema, target.order_mut(), steps);
    }

    /// Second Add pass, over what the block filter left, last to first.
    fn imply_again<S: StepSink>(
        &mut self,
        schema: &Schema,
        request: Request<'_>,
        target: &mut StateList,
        steps: &mut S,
    ) {
        target.subtract(&self.blocked);
        target.reverse();
        let kept = target.len();
        self.imply(schema, request, target, steps);
        self.drop_removed(schema, target, kept);
        target.reverse();
    }

    /// Add pass: members of the list imply what they add, at its end; one hop.
    #[inline]
    fn imply<S: StepSink>(
        &self,
        schema: &Schema,
        request: Request<'_>,
        list: &mut StateList,
        steps: &mut S,
    ) {
        if !list.bits().intersects(&schema.masks().add) {
            return;
        }
        let refuses =
            |state| request.kind == MutationKind::Remove && request.called.contains(state);
        let masks = schema.masks();
        // Active states imply nothing again, except Multi ones.
        let near = schema.near().map(|_| {
            let begins = !request.active.bits().first_word() | masks.multi.first_word();
            list.bits().first_word() & masks.add.first_word() & begins
        });
        if near == Some(0) {
            return;
        }
        let implies = |owner: StateIdx| match near {
            Some(owners) => owners & (1 << owner.at()) != 0,
            None => !request.active.contains(owner) || schema.is_multi(owner),
        };
        for at in 0..list.len() {
            let owner = list.as_slice()[at];
            if !implies(owner) {
                continue;
            }
            if S::LISTENS {
                let implied = || schema.add(owner).iter().filter(|&&state| !refuses(state));
                implied().for_each(|&to| steps.step(Step::Relation(Relation::Add, owner, to)));
                implied().for_each(|&to| steps.step(Step::Set(to)));
            }
            for &implied in schema.add(owner) {
                if !refuses(implied) {
                    list.push(implied);
                }
            }
        }
    }

    /// Require pass: drops states that miss a requirement, round by round, until nothing changes.
    #[inline]
    fn require<S: StepSink>(
        &self,
        schema: &Schema,
        request: Request<'_>,
        list: &mut StateList,
        steps: &mut S,
    ) {
        while list.bits().intersects(&schema.masks().require)
            && drop_unmet(schema, request, list, steps)
        {}
    }

    /// Block filter, last to first: marks a state when any remover in the list is not marked itself. Says whether any is.
    fn block<S: StepSink>(
        &mut self,
        schema: &Schema,
        request: Request<'_>,
        list: &StateList,
        steps: &mut S,
    ) -> bool {
        let blocked = &mut self.blocked;
        blocked.clear();
        if !list.bits().intersects(&schema.masks().remove) {
            return false;
        }
        let mut any = false;
        let near = schema.near();
        for &state in list.as_slice().iter().rev() {
            let is_blocked = if let Some(near) = near {
                let unblocked = list.bits().first_word() & !blocked.first_word();
                near[state.at()].removed_by & unblocked != 0
            } else {
                let blocks = |remover| list.contains(remover) && !blocked.contains(remover);
                schema.removed_by(state).iter().copied().any(blocks)
            };
            if S::LISTENS {
                let removers = schema.removed_by(state);
                let listed = list.as_slice().iter();
                let removers = listed.filter(|remover| removers.contains(remover));
                removers
                    .for_each(|&from| steps.step(Step::Relation(Relation::Remove, from, state)));
            }
            if !is_blocked {
                continue;
            }
            any = true;
            blocked.insert(state);
            if S::LISTENS {
                steps.step(if request.active.contains(state) {
                    Step::Remove(state)
                } else {
                    Step::RemoveNotActive(state)
                });
            }
        }
        any
    }

    /// Drops what a survivor of the block filter removes: only states of the second Add pass can be hit.
    fn drop_removed(&mut self, schema: &Schema, list: &mut StateList, kept: usize) {
        if list.len() == kept || !list.bits().intersects(&schema.masks().remove) {
            return;
        }
        self.blocked.clear();
        for &owner in &list.as_slice()[..kept] {
            for &removed in schema.remove(owner) {
                self.blocked.insert(removed);
            }
        }
        list.subtract(&self.blocked);
    }

    /// Sorts by the Require topology, then by After between neighbours.
    #[inline]
    pub(crate) fn sort<S: StepSink>(
        &mut self,
        schema: &Schema,
        states: &mut [StateIdx],
        steps: &mut S,
    ) {
        if states.len() > 1 && schema.masks().has_order {
            self.sort_some(schema, states, steps);
        }
    }
    fn sort_by_topology(&mut self, schema: &Schema, states: &mut [StateIdx]) {
        // States outside the topology come first and keep their order.
        self.ranked.clear();
        let mut next = 0;
        for at in 0..states.len() {
            if schema.masks().topology.contains(states[at]) {
                self.ranked.push(states[at]);
            } else {
                states[next] = states[at];
                next += 1;
            }
        }
        self.ranked
            .sort_unstable_by_key(|&state| schema.topology(state));
        states[next..].copy_from_slice(&self.ranked);
    }
    fn sort_some<S: StepSink>(&mut self, schema: &Schema, states: &mut [StateIdx], steps: &mut S) {
        let masks = schema.masks();
        if !states.is_sorted_by_key(|&state| schema.topology(state)) {
            if schema.near().is_some() {
                sort_near(schema, states);
            } else {
                self.sort_by_topology(schema, states);
            }
        }
        if states.iter().any(|&state| masks.after.contains(state)) {
            sort_stable(states, &mut |&a, &b| after_less(schema, a, b, steps));
        }
    }
}

/// States outside the topology first, in the order they have; then the others by their positions, as bits.
fn sort_near(schema: &Schema, states: &mut [StateIdx]) {
    let (mut next, mut positions) = (0, 0_u64);
    for at in 0..states.len() {
        match schema.topology(states[at]).checked_sub(1) {
            Some(position) => positions |= 1 << (position % 64),
            None => {
                states[next] = states[at];
                next += 1;
            }
        }
    }
    for (state, position) in states[next..].iter_mut().zip(places(positions)) {
        *state = schema.in_topology(position);
    }
}

/// One round of the Require pass; says whether any state was dropped.
fn drop_unmet<S: StepSink>(
    schema: &Schema,
    request: Request<'_>,
    list: &mut StateList,
    steps: &mut S,
) -> bool {
    let near = schema.near();
    let is_met = |state: StateIdx, listed: &StateBits| {
        !schema.masks().impossible.contains(state)
            && if let Some(near) = near {
                near[state.at()].require & !listed.first_word() == 0
            } else {
                let mut required = schema.require(state).iter();
                required.all(|&required| listed.contains(required))
            }
    };
    // Mostly all are met, and then the list need not be written.
    if !S::LISTENS && are_all_met(schema, list, is_met) {
        return false;
    }
    let before = list.len();
    list.retain(|state, listed| {
        if S::LISTENS {
            let is_called = request.called.contains(state);
            tell_required(schema, state, (listed, is_called), steps);
        }
        is_met(state, listed)
    });
    list.len() < before
}

#[inline]
fn are_all_met(
    schema: &Schema,
    list: &StateList,
    is_met: impl Fn(StateIdx, &StateBits) -> bool,
) -> bool {
    let listed = list.bits();
    let Some(near) = schema.near() else {
        return list.as_slice().iter().all(|&state| is_met(state, listed));
    };
    let masks = schema.masks();
    let listed = listed.first_word();
    let requiring = listed & masks.require.first_word();
    listed & masks.impossible.first_word() == 0
        && places(requiring).all(|state| near[state].require & !listed == 0)
}

/// The places of the bits that are set, the lowest first.
#[inline]
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        let is_any = bits != 0;
        bits &= bits.wrapping_sub(1);
        is_any.then_some(place)
    })
}

/// Every look at a requirement, and what it found.
fn tell_required<S: StepSink>(
    schema: &Schema,
    state: StateIdx,
    (listed, is_called): (&StateBits, bool),
    steps: &mut S,
) {
    for (place, required) in (0..=u16::MAX).zip(schema.required(state)) {
        let Some(required) = required else {
            let cancels = is_called;
            steps.step(Step::Missing {
                state,
                place,
                cancels,
            });
            continue;
        };
        steps.step(Step::Relation(Relation::Require, state, required));
        if !listed.contains(required) {
            steps.step(Step::Unmet(state));
            if is_called {
                steps.step(Step::Cancel(required));
            }
        }
    }
}

/// Is `a` to stand before `b` by After?
fn after_less<S: StepSink>(schema: &Schema, a: StateIdx, b: StateIdx, steps: &mut S) -> bool {
    if schema.after(a).contains(&b) {
        steps.step(Step::Relation(Relation::After, b, a));
        false
    } else if schema.after(b).contains(&a) {
        steps.step(Step::Relation(Relation::After, a, b));
        true
    } else {
        false
    }
}

/// The states asked for: called ones first, then active ones.
#[inline]
fn to_set(request: Request<'_>, list: &mut StateList) {
    match request.kind {
        MutationKind::Add | MutationKind::Toggle => list.set_union(request.called, request.active),
        MutationKind::Remove => list.set_difference(request.active, request.called),
        MutationKind::Set => list.copy_from(request.called),
    }
}

/// Inactive Auto states that no active state removes, in index order. Requirements are not looked at here.
pub(crate) fn auto_candidates(
    schema: &Schema,
    active: &StateList,
) -> impl Iterator<Item = StateIdx> {
    schema.auto_states().iter().copied().filter(|&state| {
        let removers = schema.removed_by(state);
        !active.contains(state) && !removers.iter().any(|&remover| active.contains(remover))
    })
}
