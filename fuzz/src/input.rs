//! Inputs as libFuzzer shapes them, and what they stand for. Small numbers name states, so that inputs hit each other.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use statemesh_core::engine::{
    Answer, Export, Handler, MutationKind, Schema, SchemaDef, StateDef, Time,
};
use statemesh_core::{QueueTick, StateIdx};

/// A schema as written.
#[derive(Arbitrary, Clone, Debug)]
pub struct Definition {
    states: Vec<StateInput>,
    /// So many states without relations behind them.
    plain: u8,
}

/// One state of it.
#[derive(Arbitrary, Clone, Debug)]
pub struct StateInput {
    name: u8,
    auto: bool,
    multi: bool,
    require: Option<Vec<u8>>,
    add: Option<Vec<u8>>,
    remove: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl Definition {
    /// Also with names that are there twice, and relations to what is not there.
    pub fn def(&self) -> SchemaDef {
        let states = self.states.iter().map(StateInput::state);
        let plain = (0..self.plain).map(|at| (format!("P{at}"), StateDef::new()));
        SchemaDef {
            states: states.chain(plain).collect(),
        }
    }
}

impl StateInput {
    /// Its name and definition.
    pub fn state(&self) -> (String, StateDef) {
        let names = |list: &Option<Vec<u8>>| {
            let list = list.as_ref()?.iter();
            Some(list.map(|&at| name(at)).collect())
        };
        let def = StateDef {
            auto: self.auto,
            multi: self.multi,
            require: names(&self.require),
            add: names(&self.add),
            remove: names(&self.remove),
            after: names(&self.after),
            tags: None,
        };
        (name(self.name), def)
    }
}

fn name(at: u8) -> String {
    match at % 32 {
        0 => "Exception".to_owned(),
        1 => "Heartbeat".to_owned(),
        2 => "MachineRestored".to_owned(),
        at => format!("S{at}"),
    }
}

/// Something done to a machine.
#[derive(Arbitrary, Clone, Debug)]
pub enum Op {
    Mutate(MutationInput),
    AddErr(Vec<u8>),
    Bind(Vec<HandlerInput>),
    Wait(WaitInput),
    Turn,
    /// One of the pending waits.
    Forget(u8),
    WatchArgs(u8),
    UnwatchArgs(u8),
    WatchClock,
    UnwatchClock,
    /// The schema gets these states, before or behind the old ones.
    Grow(Vec<StateInput>, bool),
    Import(ExportInput),
    /// Another machine of the same schema takes over the clock.
    Hand,
    Dispose,
}

/// A mutation, of states that may not exist.
#[derive(Arbitrary, Clone, Debug)]
pub struct MutationInput {
    kind: u8,
    pub states: Vec<u8>,
    pub is_check: bool,
    pub is_in_front: bool,
    pub has_args: bool,
}

impl MutationInput {
    /// What it does.
    pub fn kind(&self) -> MutationKind {
        match self.kind % 6 {
            0 => MutationKind::Remove,
            1 => MutationKind::Set,
            2 => MutationKind::Toggle,
            _ => MutationKind::Add,
        }
    }
}

/// What is waited for.
#[derive(Arbitrary, Clone, Debug)]
pub enum WaitInput {
    Active(Vec<u8>),
    Inactive(Vec<u8>),
    Time(Vec<(u8, u8)>),
    Ticks(u8, u64),
    NextActive(u8),
    Queue(u64),
    Settled(u64),
    QueueEnds,
}

/// A handler, of states that may not exist.
#[derive(Arbitrary, Clone, Debug)]
pub enum HandlerInput {
    Exit(u8),
    Enter(u8),
    Stay(u8),
    Pair(u8, u8),
    AnyEnter,
    End(u8),
    State(u8),
    AnyState,
}

impl HandlerInput {
    /// The engine's word for it.
    pub fn handler(&self, state: impl Fn(u8) -> StateIdx) -> Handler {
        match *self {
            Self::Exit(at) => Handler::Exit(state(at)),
            Self::Enter(at) => Handler::Enter(state(at)),
            Self::Stay(at) => Handler::Stay(state(at)),
            Self::Pair(from, to) => Handler::Pair(state(from), state(to)),
            Self::AnyEnter => Handler::AnyEnter,
            Self::End(at) => Handler::End(state(at)),
            Self::State(at) => Handler::State(state(at)),
            Self::AnyState => Handler::AnyState,
        }
    }
}

/// What handlers answer, one after the other, and what they do first.
pub type Answers = Vec<Reaction>;

/// One handler call.
#[derive(Arbitrary, Clone, Debug)]
pub struct Reaction {
    pub ops: Vec<Op>,
    answer: u8,
    /// An answer to another call is tried first.
    pub is_late: bool,
}

impl Reaction {
    /// The engine's word for it; mostly yes.
    pub fn answer(&self) -> Answer {
        match self.answer % 8 {
            0 => Answer::Veto,
            1 => Answer::Panic,
            2 => Answer::Timeout,
            _ => Answer::Accept,
        }
    }
}

/// Somebody's export.
#[derive(Arbitrary, Clone, Debug)]
pub struct ExportInput {
    id: u8,
    /// `None`: the machine's own names, turned around by so much.
    names: Option<Vec<u8>>,
    turn: u8,
    ticks: Vec<u64>,
    /// As many ticks as names, cut or filled up.
    fits: bool,
    queue_tick: u64,
    machine_tick: u32,
}

impl ExportInput {
    /// It, told to a machine of this schema.
    pub fn export(&self, schema: &Schema) -> Export {
        let state_names = match &self.names {
            Some(names) => names.iter().map(|&at| name(at)).collect(),
            None => {
                let mut names: Vec<_> = schema.names().map(str::to_owned).collect();
                let by = usize::from(self.turn) % names.len();
                names.rotate_left(by);
                names
            }
        };
        let mut ticks = self.ticks.clone();
        if self.fits {
            ticks.resize(state_names.len(), 0);
        }
        Export {
            id: if self.id.is_multiple_of(8) {
                "other"
            } else {
                "m"
            }
            .to_owned(),
            time: Time::new(ticks),
            state_names,
            queue_tick: QueueTick(self.queue_tick),
            machine_tick: self.machine_tick,
        }
    }
}
