//! A machine of another peer, as JavaScript sees it: read, wait, watch. It cannot be changed from here.

use futures::channel::oneshot;
use futures::future::{Either, pending, select};
use futures::{FutureExt, StreamExt};
use statemesh::mesh::{Mesh, MeshEvent};
use statemesh::prelude::{RemoteMachine, WaitError};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::js_sys::{Array, Function, Object, Reflect, global};

use super::error::{Code, failure};

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

    /// Tags its owner gave it, as `host:van-17`.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn tags(&self) -> Vec<String> {
        self.machine.tags().to_vec()
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
        numbers(&self.machine.snapshot().clock)
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

    /// Are all of these states active? Unknown ones are not.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub fn is(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | string[]")] states: JsValue,
    ) -> Result<bool, JsValue> {
        Ok(self.machine.is(&state_names(&states)?))
    }

    /// Resolves when all of these states are active in a received clock. Rejects with `ERR_STATE` for a state it does
    /// not have, `ERR_GONE` when its owner goes, `ERR_CLOSED` when the mesh is closed.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub async fn when(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | string[]")] states: JsValue,
    ) -> Result<(), JsValue> {
        let wait = self.machine.when(&state_names(&states)?);
        wait.await.map_err(|error| {
            let code = match &error {
                WaitError::Disposed | WaitError::Closed => Code::Closed,
                WaitError::Gone => Code::Gone,
                WaitError::Mismatch { .. } | WaitError::Unknown(_) => Code::State,
            };
            failure(code, &error.to_string())
        })
    }

    /// Calls back after every change of its clock, and once when it is gone. Returns a function that ends this; until
    /// then, and until the mesh is closed, the peer runs on.
    #[must_use]
    #[wasm_bindgen(js_name = onChange, unchecked_return_type = "() => void")]
    pub fn on_change(
        &self,
        #[wasm_bindgen(unchecked_param_type = "(change: Change) => void")] callback: Function,
    ) -> JsValue {
        let (stop, stopped) = oneshot::channel::<()>();
        // Subscribed before this returns: nothing that happens later is missed.
        let events = self.mesh.events();
        let watch = Watch {
            _mesh: self.mesh.clone(),
            machine: self.machine.clone(),
            callback,
        };
        spawn_local(watch.run(events, stopped));
        let mut stop = Some(stop);
        let unsubscribe = Closure::<dyn FnMut()>::new(move || {
            if let Some(stop) = stop.take() {
                // Nobody listens any more when the mesh was closed first.
                let _ = stop.send(());
            }
        });
        unsubscribe.into_js_value()
    }
}

/// One subscription.
struct Watch {
    /// Keeps the peer running.
    _mesh: Mesh,
    machine: RemoteMachine,
    callback: Function,
}

impl Watch {
    async fn run(
        self,
        mut events: impl futures::Stream<Item = MeshEvent> + Unpin,
        stopped: oneshot::Receiver<()>,
    ) {
        // A page that drops the function unused has not asked to stop.
        let stopped = stopped.then(|told| async move {
            if told.is_err() {
                pending::<()>().await;
            }
        });
        let mut stopped = Box::pin(stopped);
        loop {
            let event = match select(events.next(), &mut stopped).await {
                Either::Left((Some(event), _)) => event,
                Either::Left((None, _)) | Either::Right(((), _)) => return,
            };
            if self.handle(event) {
                return;
            }
        }
    }

    /// `true`: nothing follows.
    fn handle(&self, event: MeshEvent) -> bool {
        match event {
            MeshEvent::ClockChanged(machine, before, after) if self.is_mine(&machine) => {
                self.tell(&before, &after.clock, false);
                false
            }
            MeshEvent::MachineGone(machine) if self.is_mine(&machine) => {
                let clock = self.machine.snapshot().clock;
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

    fn is_mine(&self, other: &RemoteMachine) -> bool {
        (self.machine.peer(), self.machine.index()) == (other.peer(), other.index())
    }

    fn tell(&self, before: &[u64], clock: &[u64], gone: bool) {
        let active: Array = names(&self.machine)
            .into_iter()
            .zip(clock)
            .filter(|(_, tick)| *tick % 2 == 1)
            .map(|(name, _)| JsValue::from(name))
            .collect();
        let change = Object::new();
        for (key, value) in [
            ("before", numbers(before).into()),
            ("clock", numbers(clock).into()),
            ("active", active.into()),
            ("gone", JsValue::from(gone)),
        ] {
            // Setting a property of a fresh, ordinary object does not fail.
            let _ = Reflect::set(&change, &key.into(), &value);
        }
        if let Err(thrown) = self.callback.call1(&JsValue::UNDEFINED, &change) {
            report(&thrown);
        }
    }
}

fn names(machine: &RemoteMachine) -> Vec<String> {
    machine.schema().names().map(str::to_owned).collect()
}

/// Ticks beyond 2^53 lose their last bits; at a change per nanosecond that takes three months.
fn numbers(ticks: &[u64]) -> Array {
    ticks
        .iter()
        .map(|&tick| JsValue::from_f64(tick as f64))
        .collect()
}

/// One name, or an array of names.
fn state_names(states: &JsValue) -> Result<Vec<String>, JsValue> {
    if let Some(one) = states.as_string() {
        return Ok(vec![one]);
    }
    let all = if Array::is_array(states) {
        let all = Array::from(states);
        all.iter().map(|name| name.as_string()).collect()
    } else {
        None
    };
    all.ok_or_else(|| failure(Code::State, "states must be a name or an array of names"))
}

/// A callback's exception goes where uncaught ones go; the subscription lives on.
fn report(thrown: &JsValue) {
    let told = Reflect::get(&global(), &"reportError".into())
        .ok()
        .and_then(|report| report.dyn_into::<Function>().ok())
        .map(|report| report.call1(&JsValue::UNDEFINED, thrown));
    if !matches!(told, Some(Ok(_))) {
        web_sys::console::error_1(thrown);
    }
}
