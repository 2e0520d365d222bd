//! Drives a machine as an application would, and checks what must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use statemesh_core::engine::{
    Args, Machine, Mutation, Options, Outcome, Poll, Schema, SchemaDef, Wait, WaitId,
};
use statemesh_core::{QueueTick, StateIdx};

use crate::input::{MutationInput, Op, Reaction, StateInput, WaitInput};

/// A machine and what is known of it.
pub struct Driver {
    machine: Machine,
    def: SchemaDef,
    reactions: std::vec::IntoIter<Reaction>,
    /// Pending waits, and how often each is registered.
    waits: BTreeMap<WaitId, u32>,
    /// Turns that come, if nobody disposes the machine.
    turns: BTreeSet<WaitId>,
}

impl Driver {
    /// A machine of this schema, whose handlers will react so.
    pub fn new(def: SchemaDef, reactions: Vec<Reaction>) -> Self {
        let options = Options { queue_limit: 20 };
        Self {
            machine: Machine::new(Schema::normalise(&def).0, options),
            def,
            reactions: reactions.into_iter(),
            waits: BTreeMap::new(),
            turns: BTreeSet::new(),
        }
    }

    /// Does all this, each to its end, then gives every wait back.
    pub fn run(mut self, ops: Vec<Op>) {
        for op in ops {
            self.act(op);
            self.drain();
            assert!(!self.machine.is_draining() && self.machine.queue_len() == 0);
        }
        assert!(self.turns.is_empty() || self.machine.is_disposed());
        while let Some((&wait, _)) = self.waits.first_key_value() {
            self.forget(wait);
        }
        self.mutate(&[StateIdx(0)]);
        self.drain();
    }

    fn drain(&mut self) {
        let mut last = self.machine.clock().to_vec();
        loop {
            let poll = self.machine.poll();
            check(&self.machine);
            let mut ticks = last.iter().zip(self.machine.clock());
            assert!(
                ticks.all(|(last, tick)| tick.wrapping_sub(*last) < 1_000),
                "no tick goes back"
            );
            last.copy_from_slice(self.machine.clock());
            match poll {
                Poll::Call(call) => {
                    let Some(reaction) = self.reactions.next() else {
                        let accept = statemesh_core::engine::Answer::Accept;
                        assert!(self.machine.resume(call.tx, call.call_no, accept));
                        continue;
                    };
                    let answer = reaction.answer();
                    if reaction.is_late {
                        assert!(!self.machine.resume(call.tx, call.call_no + 1, answer));
                    }
                    for op in reaction.ops {
                        self.act(op);
                    }
                    assert!(self.machine.resume(call.tx, call.call_no, answer));
                    assert!(
                        !self.machine.resume(call.tx, call.call_no, answer),
                        "answered"
                    );
                }
                Poll::Fired => self.on_fired(),
                Poll::Args(_) | Poll::Settled => {}
                Poll::Idle => return,
            }
        }
    }

    /// Whatever fires was pending, and is not any more.
    fn on_fired(&mut self) {
        for wait in self.machine.fired() {
            let is_known = self.waits.remove(wait).is_some() || self.turns.remove(wait);
            assert!(is_known, "{wait:?} fires");
        }
    }

    fn act(&mut self, op: Op) {
        let was_draining = self.machine.is_draining();
        match op {
            Op::Mutate(mutation) => {
                let outcome = self.mutate_as(&mutation);
                assert!(outcome != Outcome::Started || !was_draining);
                assert!(!matches!(outcome, Outcome::Queued(_)) || was_draining);
            }
            Op::AddErr(states) => {
                let states = self.states(&states);
                self.machine.add_err(&states, "error".into(), None);
            }
            Op::Bind(handlers) => {
                let handlers = handlers.iter();
                let handlers: Vec<_> = handlers
                    .map(|handler| handler.handler(|at| self.state(at)))
                    .collect();
                self.machine.bind(&handlers);
            }
            Op::Wait(wait) => self.wait(wait),
            Op::Turn => {
                let (wait, outcome) = self.machine.take_turn();
                if outcome != Outcome::Canceled {
                    self.turns.insert(wait);
                }
            }
            Op::Forget(at) => {
                if let Some(&wait) = self.waits.keys().nth(usize::from(at)) {
                    self.forget(wait);
                }
            }
            Op::WatchArgs(at) => self.machine.watch_args(self.state(at)),
            Op::UnwatchArgs(at) => self.machine.unwatch_args(self.state(at)),
            Op::WatchClock => self.machine.watch_clock(),
            Op::UnwatchClock => self.machine.unwatch_clock(),
            Op::Grow(states, first) => self.grow(&states, first),
            Op::Import(export) => {
                let export = export.export(self.machine.schema());
                let before = self.seen();
                match self.machine.import("m", &export) {
                    Ok(_) => {
                        assert!(!was_draining);
                        self.on_fired();
                        check(&self.machine);
                    }
                    Err(_) => assert_eq!(self.seen(), before, "refused, nothing changed"),
                }
            }
            Op::Hand => self.hand(),
            Op::Dispose => {
                self.machine.dispose();
                assert_eq!(self.machine.queue_len(), 0);
            }
        }
    }

    fn mutate(&mut self, states: &[StateIdx]) {
        self.machine.mutate(Mutation::toggle(states));
    }
    fn mutate_as(&mut self, input: &MutationInput) -> Outcome {
        let states = self.states(&input.states);
        let mut mutation = Mutation::new(input.kind(), &states);
        mutation.args = input.has_args.then(|| Arc::new(7_u8) as Args);
        if input.is_check {
            mutation = mutation.check();
        }
        if input.is_in_front {
            mutation = mutation.in_front();
        }
        self.machine.mutate(mutation)
    }

    fn wait(&mut self, wait: WaitInput) {
        let wait = match wait {
            WaitInput::Active(states) => {
                let states = self.states(&states);
                self.machine.when(&states)
            }
            WaitInput::Inactive(states) => {
                let states = self.states(&states);
                self.machine.when_not(&states)
            }
            WaitInput::Time(goals) => {
                let states = goals.iter().map(|goal| self.state(goal.0));
                let states: Vec<_> = states.collect();
                let ticks: Vec<_> = goals.iter().map(|goal| u64::from(goal.1)).collect();
                self.machine.when_time(&states, &ticks)
            }
            WaitInput::Ticks(at, ticks) => self.machine.when_ticks(self.state(at), ticks),
            WaitInput::NextActive(at) => self.machine.when_next_active(self.state(at)),
            WaitInput::Queue(tick) => self.machine.when_queue(QueueTick(tick)),
            WaitInput::Settled(tick) => self.machine.when_settled(QueueTick(tick)),
            WaitInput::QueueEnds => self.machine.when_queue_ends(),
        };
        if let Wait::Pending(wait) = wait {
            *self.waits.entry(wait).or_default() += 1;
        }
    }

    fn forget(&mut self, wait: WaitId) {
        self.machine.forget(wait);
        if let Some(registrations) = self.waits.get_mut(&wait) {
            *registrations -= 1;
            if *registrations == 0 {
                self.waits.remove(&wait);
            }
        }
    }

    fn grow(&mut self, states: &[StateInput], first: bool) {
        let mut larger = self.def.clone();
        let mut added: Vec<_> = states.iter().map(StateInput::state).collect();
        if first {
            std::mem::swap(&mut larger.states, &mut added);
        }
        larger.states.append(&mut added);
        let before = self.seen();
        match self.machine.replace_schema(Schema::normalise(&larger).0) {
            Ok(()) => {
                self.def = larger;
                self.on_fired();
                check(&self.machine);
            }
            Err(_) => assert_eq!(self.seen(), before, "refused, nothing changed"),
        }
    }

    fn hand(&self) {
        let export = self.machine.export("m");
        let mut heir = Machine::new(Arc::clone(self.machine.schema()), Options::default());
        let imported = heir.import("m", &export);
        assert!(imported.is_ok(), "{imported:?}");
        assert_eq!(heir.clock(), self.machine.clock());
        check(&heir);
    }

    fn seen(&self) -> (String, Vec<StateIdx>) {
        (
            format!("{:?}", self.machine),
            self.machine.active().to_vec(),
        )
    }
    /// Mostly one that exists.
    fn state(&self, at: u8) -> StateIdx {
        let states = self.machine.schema().len();
        match at {
            255 => StateIdx(u16::MAX),
            254 => StateIdx(u16::try_from(states).unwrap_or(u16::MAX)),
            at => StateIdx(u16::try_from(usize::from(at) % states).unwrap_or_default()),
        }
    }
    fn states(&self, states: &[u8]) -> Vec<StateIdx> {
        states.iter().map(|&at| self.state(at)).collect()
    }
}

/// Active states are those with odd ticks, each once; the sum is the sum.
pub fn check(machine: &Machine) {
    let ticks = machine.clock();
    assert_eq!(ticks.len(), machine.schema().len());
    let mut active: Vec<_> = machine.active().to_vec();
    active.sort_unstable();
    let odd = ticks.iter().zip((0..=u16::MAX).map(StateIdx));
    let odd: Vec<_> = odd
        .filter(|(tick, _)| *tick % 2 == 1)
        .map(|(_, state)| state)
        .collect();
    assert_eq!(active, odd);
    let sum = ticks
        .iter()
        .fold(0_u64, |sum, tick| sum.wrapping_add(*tick));
    assert_eq!(machine.machine_time(), sum);
}
