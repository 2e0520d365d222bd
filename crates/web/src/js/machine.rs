//! A machine of another peer, as JavaScript sees it: read, wait, watch. It cannot be changed from here.

use futures::StreamExt;
use statemesh::mesh::{Mesh, MeshEvent};
use statemesh::prelude::{RemoteMachine, When};
use wasm_bindgen::prelude::*;
use web_sys::js_sys::{Array, Function};

use super::WaitOptions;
use super::abort::unless_aborted;
use super::error::wait_failed;
use super::options::{state_names, ticks};
use super::subscription::{call, change, numbers, until_stopped};

/// A mirror of another peer's machine.
#[wasm_bindgen(js_name = RemoteMachine)]
pub struct JsMachine {
    /// Keeps the peer running as long as the page holds the machine.
    mesh: Mesh,
    machine: RemoteMachine,
}

impl JsMachine {
    pub(super) fn new(mesh: &Mesh, machine: RemoteMachine) -> Self {
        Self {
            mesh: mesh.clone(),
            machine,
        }
    }
}

#[wasm_bindgen(js_class = RemoteMachine)]
impl JsMachine {
    /// Id on its owner; any text.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.machine.id().to_owned()
    }

    /// Id of its owner.
    #[must_use]
    #[wasm_bindgen(getter, js_name = peerId)]
    pub fn peer_id(&self) -> String {
        self.machine.peer().to_string()
    }

    /// Owner and index: no other machine ever has the same.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn key(&self) -> String {
        format!("{}/{}", self.machine.peer(), self.machine.index())
    }

    /// Tags its owner gave it, as `host:van-17`.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn tags(&self) -> Vec<String> {
        self.machine.tags().to_vec()
    }

    /// Id of its parent machine, or empty.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn parent(&self) -> String {
        self.machine.parent().to_string()
    }

    /// Names of all its states.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn states(&self) -> Vec<String> {
        names(&self.machine)
    }

    /// Ticks, in the order of `states`: odd is active.
    #[must_use]
    #[wasm_bindgen(getter, unchecked_return_type = "number[]")]
    pub fn clock(&self) -> Array {
        numbers(&self.machine.clock())
    }

    /// Names of the active states.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn active(&self) -> Vec<String> {
        self.machine.active()
    }

    /// Its owner is gone or took it back; the last known clock stays readable.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn gone(&self) -> bool {
        self.machine.snapshot().gone
    }

    /// The newest word came signed by its owner.
    #[must_use]
    #[wasm_bindgen(getter, js_name = firstHand)]
    pub fn first_hand(&self) -> bool {
        self.machine.snapshot().first_hand
    }

    /// The same machine, whose waits believe what others say of it, as long as its owner was not heard itself
    /// (`firstHand` is false until then). Other waits believe the owner only.
    #[must_use]
    #[wasm_bindgen(js_name = withHearsay)]
    pub fn with_hearsay(&self) -> Self {
        Self::new(&self.mesh, self.machine.with_hearsay())
    }

    /// Are all of these states active? Unknown ones are not.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub fn is(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        Ok(self.machine.is(&state_names(&states)?))
    }

    /// Is none of these states active?
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub fn not(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        Ok(self.machine.not(&state_names(&states)?))
    }

    /// Is any of these states active?
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub fn any(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        Ok(self.machine.any(&state_names(&states)?))
    }

    /// Tick of one state, 0 when unknown.
    #[must_use]
    pub fn tick(&self, state: &str) -> f64 {
        self.machine.tick(state) as f64
    }

    /// Resolves when all of these states are active in a received clock. Rejects with `ERR_STATE` for a state it does
    /// not have, `ERR_GONE` when its owner goes, `ERR_CLOSED` when the mesh is closed.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub async fn when(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        let wait = self.machine.when(&state_names(&states)?);
        settled(wait, options).await
    }

    /// Resolves when none of these states is active in a received clock; rejects like `when`.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    #[wasm_bindgen(js_name = whenNot)]
    pub async fn when_not(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        let wait = self.machine.when_not(&state_names(&states)?);
        settled(wait, options).await
    }

    /// Resolves when every one of these states has reached its tick; rejects like `when`, and with `ERR_OPTIONS` when there
    /// are not as many ticks as states.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    #[wasm_bindgen(js_name = whenTime)]
    pub async fn when_time(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number[]")] goal: JsValue,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        let (states, goal) = (state_names(&states)?, ticks(&goal)?);
        settled(self.machine.when_time(&states, &goal), options).await
    }

    /// Resolves when this state becomes active again; being active now does not count. Rejects like `when`.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    #[wasm_bindgen(js_name = whenNextActive)]
    pub async fn when_next_active(
        &self,
        state: String,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        settled(self.machine.when_next_active(state), options).await
    }

    /// Resolves when this state has ticked `ticks` times from now; rejects like `when`.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    #[wasm_bindgen(js_name = whenTicks)]
    pub async fn when_ticks(
        &self,
        state: String,
        ticks: u32,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        settled(self.machine.when_ticks(state, ticks.into()), options).await
    }

    /// Calls back after every change of its clock, and once when it is gone. Returns a function that ends this; until
    /// then, and until the mesh is closed, the peer runs on.
    #[must_use]
    #[wasm_bindgen(js_name = onChange, unchecked_return_type = "() => void")]
    pub fn on_change(
        &self,
        #[wasm_bindgen(unchecked_param_type = "(change: Change) => void")] callback: Function,
    ) -> JsValue {
        // Subscribed before this returns: nothing that happens later is missed.
        let mut events = self.mesh.events();
        let watch = Watch {
            _mesh: self.mesh.clone(),
            machine: self.machine.clone(),
            callback,
        };
        until_stopped(async move {
            while let Some(event) = events.next().await {
                if watch.handle(event) {
                    return;
                }
            }
        })
    }
}

/// A wait as a promise.
pub(super) async fn settled(wait: When, options: Option<WaitOptions>) -> Result<(), JsValue> {
    let wait = async { wait.await.map_err(|error| wait_failed(&error)) };
    unless_aborted(&options.into(), wait).await
}

/// One subscription.
struct Watch {
    /// Keeps the peer running.
    _mesh: Mesh,
    machine: RemoteMachine,
    callback: Function,
}

impl Watch {
    /// `true`: nothing follows.
    fn handle(&self, event: MeshEvent) -> bool {
        match event {
            MeshEvent::ClockChanged(machine, before, after) if machine.is_same(&self.machine) => {
                self.tell(&before, &after.clock, false);
                false
            }
            MeshEvent::MachineGone(machine) if machine.is_same(&self.machine) => {
                let clock = self.machine.clock();
                self.tell(&clock, &clock, true);
                true
            }
            // Some changes were passed over: the newest state tells them all.
            MeshEvent::Lagged(_) => {
                let snapshot = self.machine.snapshot();
                self.tell(&snapshot.clock, &snapshot.clock, snapshot.gone);
                snapshot.gone
            }
            MeshEvent::ClockChanged(..)
            | MeshEvent::MachineGone(_)
            | MeshEvent::MachineFound(_)
            | MeshEvent::PeerFound(_)
            | MeshEvent::PeerGone(..)
            | MeshEvent::Heard(_)
            | MeshEvent::LinkUp(_)
            | MeshEvent::LinkDown(_)
            | MeshEvent::Connection(_)
            | MeshEvent::Dropped(..) => false,
        }
    }

    fn tell(&self, before: &[u64], clock: &[u64], gone: bool) {
        let change = change(&names(&self.machine), before, clock, gone);
        call(&self.callback, &change);
    }
}

fn names(machine: &RemoteMachine) -> Vec<String> {
    machine.schema().names().map(str::to_owned).collect()
}
