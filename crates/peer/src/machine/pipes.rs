//! Pipes: what begins and ends in one machine is asked of another (machine.md 11).
//!
//! A pipe is a final handler on the source. All pipes of a machine share one handler set, bound with the first of them;
//! the links behind it come and go. Both machines list a link, neither is kept alive by it, and no two machines are
//! locked at once.

use std::fmt;
use std::sync::{Arc, Weak};

use statemesh_core::StateIdx;
use statemesh_core::engine::{Args, BindingId, Handler, Mutation, MutationKind, Source};

use super::observe::Effect;
use super::shared::{Shared, State};
use super::states::{StateList, resolve};
use super::{Machine, MachineError, UnknownState, drain};
use crate::handlers::{Event, HandlerSet, Reply, hold};

/// What is piped from one machine to another, for [`Machine::pipe`].
///
/// ```
/// use statemesh::prelude::*;
///
/// states! { enum Courier { Start, Delivered { multi } } }
/// states! { enum Customer { Start, Happy } }
///
/// let courier = Machine::new("courier", Courier::schema());
/// let customer = Machine::new("customer", Customer::schema());
/// let pipe = Pipe::new().start().begin(Courier::Delivered, Customer::Happy);
/// let _guard = courier.pipe(pipe, &customer)?;
/// courier.add([Courier::Start, Courier::Delivered])?;
/// assert!(customer.is([Customer::Start, Customer::Happy]));
/// courier.remove(Courier::Start)?;
/// assert!(customer.not(Customer::Start));
/// # Ok::<_, statemesh::machine::UnknownState>(())
/// ```
///
/// Every mutation of the target names the transition of the source as its cause. A target state whose name begins with
/// `Err` is added together with `Exception`.
///
/// # Plain and flat
///
/// A plain pipe passes everything on, arguments included, behind the running drain: what it asks for is queued in the
/// target at once, in order, and carried out on the same thread when the source's own queue is empty. So a transition of
/// the source is over before one of the target begins.
///
/// A [`flat`](Pipe::flat) pipe asks only for what is not so yet, without arguments, and has it carried out at once, in
/// the middle of the source's transition.
///
/// Machines may be piped in a circle, which comes to rest when nothing changes any more. A circle through Multi states
/// changes something every time and never rests.
#[derive(Clone, Debug, Default)]
#[must_use = "a pipe is laid by `Machine::pipe`"]
pub struct Pipe {
    rules: Vec<Rule>,
    is_flat: bool,
}

#[derive(Clone, Debug)]
enum Rule {
    Begin(String, String),
    End(String, String),
    Error(String),
    Any,
}

impl Pipe {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One state: `to` is added when `from` begins, and removed when it ends.
    pub fn state(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let (from, to) = (from.into(), to.into());
        self.begin(from.clone(), to.clone()).end(from, to)
    }

    /// `to` is added when `from` begins.
    pub fn begin(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.rules.push(Rule::Begin(from.into(), to.into()));
        self
    }

    /// `to` is removed when `from` ends.
    pub fn end(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.rules.push(Rule::End(from.into(), to.into()));
        self
    }

    /// Each of these states, to the one of the same name.
    pub fn same<S: Into<String>>(self, states: impl IntoIterator<Item = S>) -> Self {
        let states = states.into_iter().map(Into::into);
        states.fold(self, |pipe, state: String| pipe.state(state.clone(), state))
    }

    /// The whole: after every transition of the source, the target is set to the active states of the source that it
    /// knows, by name.
    pub fn any(mut self) -> Self {
        self.rules.push(Rule::Any);
        self
    }

    /// `Start` to `Start`.
    pub fn start(self) -> Self {
        self.same(["Start"])
    }

    /// `Ready` to `Ready`.
    pub fn ready(self) -> Self {
        self.same(["Ready"])
    }

    /// Errors of the source: its error is raised in the target under that state, together with `Exception`. Nothing ends
    /// with it.
    pub fn error(mut self, to: impl Into<String>) -> Self {
        self.rules.push(Rule::Error(to.into()));
        self
    }

    /// The four states of a connection, to the states of the target that stand for connecting, connected, disconnecting
    /// and disconnected.
    pub fn connected<S: Into<String>>(self, to: [S; 4]) -> Self {
        let from = ["Connecting", "Connected", "Disconnecting", "Disconnected"];
        let states = from.into_iter().zip(to);
        states.fold(self, |pipe, (from, to)| pipe.state(from, to))
    }

    /// All of it flat: see [`Pipe`].
    pub fn flat(mut self) -> Self {
        self.is_flat = true;
        self
    }

    fn links(self, source: &Machine, target: &Machine) -> Result<Vec<Arc<Link>>, UnknownState> {
        let from = |name: &String| Ok(resolve(name, source.id(), &source.schema())?[0]);
        let to = |name: &String| resolve(name, target.id(), &target.schema());
        let error = |name: &String| {
            let mut list = to(name)?;
            let exception = target.schema().exception();
            if !list.contains(&exception) {
                list.push(exception);
            }
            Ok(list)
        };
        let link = |rule: &Rule| {
            let (on, act) = match rule {
                Rule::Begin(begun, name) if name.starts_with("Err") => {
                    (Handler::State(from(begun)?), Act::Add(error(name)?))
                }
                Rule::Begin(begun, name) => (Handler::State(from(begun)?), Act::Add(to(name)?)),
                Rule::End(ended, name) => (Handler::End(from(ended)?), Act::Remove(to(name)?)),
                Rule::Error(name) => {
                    let exception = source.schema().exception();
                    (Handler::State(exception), Act::Error(error(name)?))
                }
                Rule::Any => {
                    let (source, target) = (source.schema(), target.schema());
                    let places = source.names().map(|name| target.index(name));
                    (Handler::AnyState, Act::Set(places.collect()))
                }
            };
            Ok(Arc::new(Link {
                source: Arc::downgrade(&source.shared),
                target: Arc::downgrade(&target.shared),
                on,
                act,
                is_flat: self.is_flat,
            }))
        };
        self.rules.iter().map(link).collect()
    }
}

/// Ends a pipe when dropped. It has ended by itself when either machine is disposed.
#[must_use = "the pipe ends when this is dropped"]
pub struct PipeGuard {
    links: Vec<Arc<Link>>,
}

impl PipeGuard {
    /// Asks the target for the present activity of the source, once: for the time before the pipe was laid.
    pub fn sync(&self) {
        for link in &self.links {
            link.sync();
        }
    }

    /// Lets the pipe live as long as its machines.
    pub fn keep(mut self) {
        self.links.clear();
    }
}

impl Drop for PipeGuard {
    fn drop(&mut self) {
        for link in &self.links {
            link.end();
        }
    }
}

impl fmt::Debug for PipeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links = self.links.iter().filter_map(|link| link.info());
        f.debug_list().entries(links).finish()
    }
}

/// One connection of a pipe, for tools. Its text is like `courier DeliveredState -> [add] customer Happy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeInfo {
    /// Id of the source.
    pub source: String,
    /// The handler on it: `DeliveredState`, `StartEnd`, `AnyState`.
    pub on: String,
    /// Id of the target.
    pub target: String,
    /// What is asked of it.
    pub kind: PipeKind,
    /// With these states; of a [`PipeKind::Set`] those it may have.
    pub to: Vec<String>,
    /// Flat instead of plain.
    pub is_flat: bool,
}

/// What a pipe asks of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeKind {
    /// To add states.
    Add,
    /// To remove states.
    Remove,
    /// To have the source's states.
    Set,
    /// To raise the source's error.
    Error,
}

impl fmt::Display for PipeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PipeKind::Add => "add",
            PipeKind::Remove => "remove",
            PipeKind::Set => "set",
            PipeKind::Error => "error",
        };
        let flat = if self.is_flat { "flat " } else { "" };
        let Self {
            source, on, target, ..
        } = self;
        write!(
            f,
            "{source} {on} -> [{flat}{kind}] {target} {}",
            self.to.join(" ")
        )
    }
}

impl Machine {
    /// Lays a pipe from this machine to another, or to itself, until the guard is dropped.
    ///
    /// # Errors
    /// [`UnknownState`], of whichever machine lacks it: nothing was laid.
    pub fn pipe(&self, pipe: Pipe, target: &Self) -> Result<PipeGuard, UnknownState> {
        let links = pipe.links(self, target)?;
        let guard = PipeGuard { links };
        {
            let mut state = target.shared.lock();
            if state.engine.is_disposed() {
                return Ok(guard);
            }
            state.pipes.into.extend(guard.links.iter().cloned());
        }
        let mut state = self.shared.lock();
        if state.engine.is_disposed() {
            drop(state);
            guard.links.iter().for_each(|link| link.end());
            return Ok(guard);
        }
        state.pipes.out.extend(guard.links.iter().cloned());
        let handlers = state.pipes.handlers();
        if let Some(binding) = state.pipes.binding {
            state.engine.rebind(binding, &handlers);
        } else {
            let (binding, outcome) = state.bind(&handlers, hold(Box::new(Forward)));
            state.pipes.binding = Some(binding);
            drain::bound_to(self, state, outcome);
        }
        Ok(guard)
    }

    /// The pipes that begin or end here.
    #[must_use]
    pub fn pipes(&self) -> Vec<PipeInfo> {
        let links: Vec<Arc<Link>> = {
            let state = self.shared.lock();
            let out = state.pipes.out.iter();
            // One to itself is in both lists.
            let into = state.pipes.into.iter();
            let into = into.filter(|link| !Weak::ptr_eq(&link.source, &link.target));
            out.chain(into).cloned().collect()
        };
        links.iter().filter_map(|link| link.info()).collect()
    }
}

/// The links of one machine.
#[derive(Default)]
pub(super) struct Pipes {
    out: Vec<Arc<Link>>,
    into: Vec<Arc<Link>>,
    /// Of the handler set they share.
    binding: Option<BindingId>,
}

impl Pipes {
    fn handlers(&self) -> Vec<Handler> {
        let mut handlers: Vec<Handler> = self.out.iter().map(|link| link.on).collect();
        handlers.sort_unstable();
        handlers.dedup();
        handlers
    }

    /// Takes out all, to be ended after unlocking.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Effect> {
        let out = std::mem::take(&mut self.out).into_iter();
        let links = out.chain(std::mem::take(&mut self.into));
        links.map(|link| Effect::Later(Box::new(move || link.end())))
    }
}

/// The handler set of all pipes of a machine.
struct Forward;

impl HandlerSet for Forward {
    fn call(&mut self, handler: Handler, _done: usize, event: &Event<'_>) -> Reply {
        let links: Vec<Arc<Link>> = {
            let state = event.machine().shared.lock();
            let links = state.pipes.out.iter().filter(|link| link.on == handler);
            links.cloned().collect()
        };
        for link in links {
            link.forward(event);
        }
        Reply::Accept
    }
}

/// From one event of a source to one request of a target.
struct Link {
    source: Weak<Shared>,
    target: Weak<Shared>,
    on: Handler,
    act: Act,
    is_flat: bool,
}

enum Act {
    Add(StateList),
    Remove(StateList),
    /// Places in the target, by those in the source.
    Set(Vec<Option<StateIdx>>),
    Error(StateList),
}

impl Link {
    fn forward(&self, event: &Event<'_>) {
        let source = Some(event.source());
        match &self.act {
            Act::Add(states) => self.ask(MutationKind::Add, states, event.any_args(), source),
            Act::Remove(states) => self.ask(MutationKind::Remove, states, event.any_args(), source),
            Act::Set(places) => {
                let states = mapped(&event.target(), places);
                self.ask(MutationKind::Set, &states, event.any_args(), source);
            }
            Act::Error(states) => {
                let error = event.error().cloned().unwrap_or_else(|| {
                    MachineError::Raised(format!("machine {} has an error", event.machine().id()))
                });
                self.raise(states, Arc::new(error), source);
            }
        }
    }

    /// Asks for what the source is like now.
    fn sync(&self) {
        let Some(source) = machine(&self.source) else {
            return;
        };
        let (active, error) = {
            let state = source.shared.lock();
            (state.engine.active().to_vec(), state.last_error.clone())
        };
        let watched = match self.on {
            Handler::State(state) => active.contains(&state),
            Handler::End(state) => !active.contains(&state),
            Handler::AnyState => true,
            Handler::Exit(_) | Handler::Enter(_) | Handler::Stay(_) => false,
            Handler::Pair(..) | Handler::AnyEnter => false,
        };
        match &self.act {
            Act::Add(states) if watched => self.ask(MutationKind::Add, states, None, None),
            Act::Remove(states) if watched => self.ask(MutationKind::Remove, states, None, None),
            Act::Set(places) => {
                self.ask(MutationKind::Set, &mapped(&active, places), None, None);
            }
            Act::Error(states) if watched => {
                let error = error.unwrap_or_else(|| {
                    let text = format!("machine {} has an error", source.id());
                    Arc::new(MachineError::Raised(text))
                });
                self.raise(states, error, None);
            }
            Act::Add(_) | Act::Remove(_) | Act::Error(_) => {}
        }
    }

    fn ask(
        &self,
        kind: MutationKind,
        states: &[StateIdx],
        args: Option<Args>,
        source: Option<Source>,
    ) {
        let Some(target) = machine(&self.target) else {
            return;
        };
        let mut mutation = Mutation::new(kind, states);
        mutation.source = source;
        if !self.is_flat {
            mutation.args = args;
            drain::mutate_later(&target, mutation);
        } else if !is_so(&target, kind, states) {
            drain::mutate(&target, mutation);
        }
    }

    fn raise(&self, states: &StateList, error: Arc<MachineError>, source: Option<Source>) {
        let Some(target) = machine(&self.target) else {
            return;
        };
        if self.is_flat && is_so(&target, MutationKind::Add, states) {
            return;
        }
        target.shared.lock().last_error = Some(error.clone());
        let mut mutation = Mutation::add(states);
        mutation.source = source;
        mutation.args = Some(error);
        if self.is_flat {
            drain::mutate(&target, mutation);
        } else {
            drain::mutate_later(&target, mutation);
        }
    }

    /// Takes it off both machines, one after the other.
    fn end(&self) {
        let is_other = |link: &Arc<Self>| !std::ptr::eq(Arc::as_ptr(link), self);
        if let Some(source) = machine(&self.source) {
            let mut state = source.shared.lock();
            let State { pipes, engine, .. } = &mut *state;
            pipes.out.retain(is_other);
            if let Some(binding) = pipes.binding {
                engine.rebind(binding, &pipes.handlers());
            }
        }
        if let Some(target) = machine(&self.target) {
            target.shared.lock().pipes.into.retain(is_other);
        }
    }

    /// `None`: a machine is gone.
    fn info(&self) -> Option<PipeInfo> {
        let (source, target) = (machine(&self.source)?, machine(&self.target)?);
        let (kind, to) = match &self.act {
            Act::Add(states) => (PipeKind::Add, states.to_vec()),
            Act::Remove(states) => (PipeKind::Remove, states.to_vec()),
            Act::Set(places) => (PipeKind::Set, places.iter().flatten().copied().collect()),
            Act::Error(states) => (PipeKind::Error, states.to_vec()),
        };
        let to = to.into_iter();
        Some(PipeInfo {
            source: source.id().to_owned(),
            on: crate::handlers::name_of(self.on, &source.schema()),
            target: target.id().to_owned(),
            kind,
            to: to
                .map(|state| target.schema().name(state).to_owned())
                .collect(),
            is_flat: self.is_flat,
        })
    }
}

fn machine(weak: &Weak<Shared>) -> Option<Machine> {
    weak.upgrade().map(|shared| Machine { shared })
}

/// Where those states of the source that the target knows stand there.
fn mapped(states: &[StateIdx], places: &[Option<StateIdx>]) -> StateList {
    let place = |state: &StateIdx| places.get(state.at()).copied().flatten();
    states.iter().filter_map(place).collect()
}

/// A flat pipe has nothing to ask.
fn is_so(target: &Machine, kind: MutationKind, states: &[StateIdx]) -> bool {
    let state = target.shared.lock();
    let engine = &state.engine;
    let all = || states.iter().all(|&state| engine.is(state));
    match kind {
        MutationKind::Add => all(),
        MutationKind::Remove => !states.iter().any(|&state| engine.is(state)),
        MutationKind::Set => all() && engine.active().len() == states.len(),
        MutationKind::Toggle => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SchemaDef, StateDef};

    #[test]
    fn links_are_freed_with_their_machines() {
        let schema = || SchemaDef::new().state("A", StateDef::new());
        let (a, b) = (Machine::new("a", schema()), Machine::new("b", schema()));
        for _ in 0..100 {
            let guard = a.pipe(Pipe::new().same(["A"]), &b).unwrap();
            drop(guard);
        }
        a.pipe(Pipe::new().same(["A"]), &b).unwrap().keep();
        let count = |machine: &Machine| {
            let state = machine.shared.lock();
            (state.pipes.out.len(), state.pipes.into.len())
        };
        assert_eq!((count(&a), count(&b)), ((2, 0), (0, 2)));
        let link = Arc::downgrade(&a.shared.lock().pipes.out[0]);
        drop(a);
        assert_eq!((count(&b), link.strong_count()), ((0, 0), 0));
    }
}
