//! Who serves whom, agreed upon without changing anybody else's machine (mesh-protocol.md 6.3).
//!
//! ```text
//! client: Claim, a machine tagged wants:<peer>/<machine>  ->  supervisor: Desk
//! client: Claim::held  <-  a child of the supervisor's machine, Working, tagged serves:<peer>/<claim>
//! ```
//!
//! Both ends only show machines of their own. The supervisor alone decides: it serves claims in the order it learns of
//! them, as many at once as it can, and its children are the load that others read ([`Measure::Children`]). What is
//! dropped, lost or shut down takes its machines back, and the other end sees them go.
//!
//! Anyone on the topic may claim; who must not be served is for the application to refuse.
//!
//! [`Measure::Children`]: crate::pick::Measure::Children

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use futures_timer::Delay;
use statemesh_core::collections::OrderedMap;
use statemesh_core::{MachineIdx, PeerId, states};

use crate::machine::Machine;
use crate::mesh::{Closed, Mesh};
use crate::pick::Picker;
use crate::query::Query;
use crate::remote::RemoteMachine;
use crate::wait::WaitError;
use crate::watch::{Change, Watch};

states! {
    /// A client's wish.
    pub enum Wish {
        /// As long as it is claimed.
        Wanted {},
        /// The client has seen that it is served.
        Held { require: [Wanted] },
    }
}

states! {
    /// A supervisor's child, as other tools know it.
    pub enum Worker {
        /// Serves nobody.
        Idle { remove: [Working] },
        /// Serves a client.
        Working { remove: [Idle] },
    }
}

/// A client's wish to be served by one machine, until it is dropped. It keeps the peer running.
pub struct Claim {
    target: RemoteMachine,
    wish: Shown,
    grants: Watch,
}

/// The supervisor's side: serves claims on one of its machines. Dropping it ends all service. It keeps the peer running.
pub struct Desk {
    mesh: Mesh,
    machine: Machine,
    capacity: NonZeroU32,
    claims: Watch,
    /// In the order they were learned of. No longer than what the mirrors' limits let in.
    waiting: VecDeque<RemoteMachine>,
    served: OrderedMap<(PeerId, MachineIdx), Service>,
    workers: u64,
}

/// What a [`Desk`] did.
#[derive(Clone, Debug)]
pub enum Served {
    /// This claim is served from now on.
    Begun(RemoteMachine),
    /// That claim is not served any more.
    Ended(RemoteMachine),
}

struct Service {
    claim: RemoteMachine,
    worker: Shown,
    is_told: bool,
}

/// A machine that others see until this is dropped.
struct Shown(Machine);

impl Mesh {
    /// Shows the wish of the client machine `client` to be served by `target`.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn claim(&self, target: &RemoteMachine, client: &str) -> Result<Claim, Closed> {
        let number = CLAIMS.fetch_add(1, Ordering::Relaxed);
        let id = format!("{client}/claim-{number}");
        let grants = Query::new()
            .peer(target.peer())
            .parent(target.id())
            .tag(naming("serves", self.peer_id(), &id))
            .all(Worker::Working)
            .first_hand();
        let grants = self.watch(grants);
        let wish = Machine::builder(id, Wish::schema())
            .parent(client)
            .tag("role:client")
            .tag(naming("wants", target.peer(), target.id()))
            .build();
        let wish = Shown::with(wish, Wish::Wanted);
        self.expose(&wish.0).await?;
        Ok(Claim {
            target: target.clone(),
            wish,
            grants,
        })
    }

    /// Waits until the query means a machine, picks one, and claims it. When that one does not serve the client within
    /// three seconds, or goes, it picks again, for as long as it takes.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn acquire(&self, query: &Query, picker: &mut Picker) -> Result<Claim, Closed> {
        loop {
            self.when_any(query.clone(), 1).await?;
            let Some(target) = self.pick(query, picker) else {
                continue;
            };
            let mut claim = self.claim(&target, picker.client()).await?;
            let patience = Delay::new(PATIENCE);
            let answer = match select(pin!(claim.held()), patience).await {
                Either::Left((answer, _)) => answer,
                Either::Right(((), _)) => continue,
            };
            match answer {
                Ok(_) => return Ok(claim),
                Err(WaitError::Closed) => return Err(Closed),
                Err(
                    WaitError::Gone
                    | WaitError::Disposed
                    | WaitError::Mismatch { .. }
                    | WaitError::Unknown(_),
                ) => {}
            }
        }
    }

    /// Serves claims on an exposed machine, `capacity` at once, as long as the desk is asked for what is
    /// [`next`](Desk::next). While there is room the machine's state `WorkersAvailable` is active, if it has one. Give it
    /// the tag `cap:<capacity>`, so that others can tell its load.
    pub fn serve(&self, machine: &Machine, capacity: NonZeroU32) -> Desk {
        let claims = Query::new()
            .tag(naming("wants", self.peer_id(), machine.id()))
            .all(Wish::Wanted)
            .first_hand();
        let desk = Desk {
            mesh: self.clone(),
            machine: machine.clone(),
            capacity,
            claims: self.watch(claims),
            waiting: VecDeque::new(),
            served: OrderedMap::new(),
            workers: 0,
        };
        desk.show_room();
        desk
    }
}

impl Claim {
    /// Who is to serve.
    #[must_use]
    pub fn target(&self) -> &RemoteMachine {
        &self.target
    }

    /// Resolves to the worker that serves this claim.
    ///
    /// # Errors
    /// [`WaitError::Gone`]: the target is gone. [`WaitError::Closed`].
    pub async fn held(&mut self) -> Result<RemoteMachine, WaitError> {
        let mut gone = self.target.when_gone();
        loop {
            if let Some(worker) = self.grants.matching().next() {
                self.wish.set(Wish::Held);
                return Ok(worker.clone());
            }
            match select(self.grants.next(), &mut gone).await {
                Either::Left((Some(_), _)) => {}
                Either::Left((None, _)) => return Err(WaitError::Closed),
                Either::Right((reason, _)) => return Err(reason),
            }
        }
    }

    /// Resolves when the claim is not served any more, at once when it is not: to [`WaitError::Gone`], or
    /// [`WaitError::Closed`].
    pub async fn lost(&mut self) -> WaitError {
        let mut gone = self.target.when_gone();
        while self.grants.matching().len() > 0 {
            match select(self.grants.next(), &mut gone).await {
                Either::Left((Some(_), _)) => {}
                Either::Left((None, _)) => return WaitError::Closed,
                Either::Right((reason, _)) => return reason,
            }
        }
        WaitError::Gone
    }
}

impl Desk {
    /// Serves until something has begun or ended, and tells it. `None`: the peer ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Served> {
        loop {
            self.admit();
            if let Some(begun) = self.tell_first().await {
                return begun.ok().map(Served::Begun);
            }
            match self.claims.next().await? {
                Change::Enter(claim) => self.waiting.push_back(claim),
                Change::Leave(claim) => {
                    self.waiting.retain(|waiting| !waiting.is_same(&claim));
                    if self.served.remove(&key(&claim)).is_some() {
                        return Some(Served::Ended(claim));
                    }
                }
            }
        }
    }

    /// Serves until the peer ends.
    pub async fn run(mut self) {
        while self.next().await.is_some() {}
    }

    /// Claims served now.
    #[must_use]
    pub fn served(&self) -> usize {
        self.served.len()
    }

    /// Gives room to those who wait.
    fn admit(&mut self) {
        while self.has_room()
            && let Some(claim) = self.waiting.pop_front()
        {
            self.workers += 1;
            let id = format!("{}/worker-{}", self.machine.id(), self.workers);
            let worker = Machine::builder(id, Worker::schema())
                .parent(self.machine.id())
                .tag("role:worker")
                .tag(naming("serves", claim.peer(), claim.id()))
                .build();
            let worker = Shown::with(worker, Worker::Working);
            let service = Service {
                worker,
                is_told: false,
                claim,
            };
            self.served.insert(key(&service.claim), service);
        }
        self.show_room();
    }

    /// Exposes the first worker that is not. Exposing it twice, because this was dropped halfway, exposes it once.
    async fn tell_first(&mut self) -> Option<Result<RemoteMachine, Closed>> {
        let untold = self.served.values().find(|service| !service.is_told)?;
        let claim = untold.claim.clone();
        if let Err(closed) = self.mesh.expose(&untold.worker.0).await {
            return Some(Err(closed));
        }
        let service = self.served.get_mut(&key(&claim))?;
        service.is_told = true;
        Some(Ok(claim))
    }

    fn show_room(&self) {
        let Some(state) = self.machine.schema().index("WorkersAvailable") else {
            return;
        };
        // It has that state, and what its handlers answer is its own affair.
        let _ = match (self.has_room(), self.machine.is(state)) {
            (true, false) => self.machine.add(state),
            (false, true) => self.machine.remove(state),
            (true, true) | (false, false) => return,
        };
    }

    fn has_room(&self) -> bool {
        u32::try_from(self.served.len()).is_ok_and(|served| served < self.capacity.get())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(state) = self.machine.schema().index("WorkersAvailable") {
            // As above.
            let _ = self.machine.remove(state);
        }
    }
}

impl Shown {
    fn with(machine: Machine, state: impl crate::machine::StateName) -> Self {
        let shown = Self(machine);
        shown.set(state);
        shown
    }

    fn set(&self, state: impl crate::machine::StateName) {
        // Without handlers nobody refuses, and the state is of its own schema.
        let _ = self.0.add(state);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.dispose_now();
    }
}

fn key(machine: &RemoteMachine) -> (PeerId, MachineIdx) {
    (machine.peer(), machine.index())
}

/// The tag that names one machine of the mesh.
fn naming(key: &str, peer: PeerId, machine: &str) -> String {
    format!("{key}:{peer}/{machine}")
}

/// So that two claims of one client are two.
static CLAIMS: AtomicU64 = AtomicU64::new(0);
/// Ten times what a claim and its answer take on a busy mesh. A guess.
const PATIENCE: Duration = Duration::from_secs(3);
