//! A machine of this tab, as JavaScript sees it: changed here, seen by every peer.

use futures::StreamExt;
use futures::channel::mpsc;
use statemesh::MachineIdx;
use statemesh::machine::UnknownState;
use statemesh::mesh::Mesh;
use statemesh::prelude::{Machine, Outcome};
use wasm_bindgen::prelude::*;
use web_sys::js_sys::{Array, Function};

use super::WaitOptions;
use super::error::{Code, closed, failure};
use super::machine::settled;
use super::options::{state_names, ticks};
use super::subscription::{call, change, numbers, until_stopped};

/// A machine of this tab.
#[wasm_bindgen(js_name = LocalMachine)]
pub struct JsLocalMachine {
    /// Keeps the peer running as long as the page holds the machine.
    mesh: Mesh,
    machine: Machine,
    index: MachineIdx,
}

impl JsLocalMachine {
    pub(super) fn new(mesh: &Mesh, machine: Machine, index: MachineIdx) -> Self {
        Self {
            mesh: mesh.clone(),
            machine,
            index,
        }
    }
}

#[wasm_bindgen(js_class = LocalMachine)]
impl JsLocalMachine {
    /// Its id.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.machine.id().to_owned()
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

    /// Activates these states. `false`: its relations forbid it, and nothing has changed.
    ///
    /// # Errors
    /// `ERR_STATE`: a state it does not have.
    pub fn add(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        accepted(self.machine.add(&state_names(&states)?))
    }

    /// Deactivates these states. `false`: its relations forbid it, and nothing has changed.
    ///
    /// # Errors
    /// `ERR_STATE`: a state it does not have.
    pub fn remove(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        accepted(self.machine.remove(&state_names(&states)?))
    }

    /// Activates these states and no others. `false`: its relations forbid it, and nothing has changed.
    ///
    /// # Errors
    /// `ERR_STATE`: a state it does not have.
    pub fn set(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
    ) -> Result<bool, JsValue> {
        accepted(self.machine.set(&state_names(&states)?))
    }

    /// Resolves when all of these states are active; rejects with `ERR_STATE`, or with `ERR_GONE` when it is withdrawn.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub async fn when(
        &self,
        #[wasm_bindgen(unchecked_param_type = "States")] states: JsValue,
        options: Option<WaitOptions>,
    ) -> Result<(), JsValue> {
        settled(self.machine.when(&state_names(&states)?), options).await
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

    /// Calls back after changes of its clock, several at once when they come quickly, and once when it is withdrawn.
    /// Returns a function that ends this.
    #[must_use]
    #[wasm_bindgen(js_name = onChange, unchecked_return_type = "() => void")]
    pub fn on_change(
        &self,
        #[wasm_bindgen(unchecked_param_type = "(change: Change) => void")] callback: Function,
    ) -> JsValue {
        let machine = self.machine.clone();
        let mut told = machine.clock();
        // A bell rung twice is heard once.
        let (ring, mut rung) = mpsc::channel::<()>(0);
        let on_transition = ring.clone();
        let guard = machine.trace(move |_| {
            let _ = on_transition.clone().try_send(());
        });
        let ended = machine.when_disposed();
        until_stopped(async move {
            let _guard = guard;
            let mut ended = Box::pin(ended);
            loop {
                let heard = futures::future::select(rung.next(), &mut ended).await;
                let gone = matches!(heard, futures::future::Either::Right(_));
                let clock = machine.clock();
                if gone || clock != told {
                    let change = change(&names(&machine), &told, &clock, gone);
                    told = clock;
                    call(&callback, &change);
                }
                if gone {
                    return;
                }
            }
        })
    }

    /// Takes it back: other peers see it go, and it is disposed.
    ///
    /// # Errors
    /// `ERR_CLOSED`.
    pub async fn withdraw(&self) -> Result<(), JsValue> {
        self.machine.dispose();
        let withdrawn = self.mesh.withdraw(self.index).await;
        withdrawn.map_err(|error| closed(&error))
    }
}

fn accepted(outcome: Result<Outcome, UnknownState>) -> Result<bool, JsValue> {
    match outcome {
        Ok(Outcome::Canceled) => Ok(false),
        Ok(Outcome::Executed | Outcome::Queued(_) | Outcome::Started) => Ok(true),
        Err(unknown) => Err(failure(Code::State, &unknown.to_string())),
    }
}

fn names(machine: &Machine) -> Vec<String> {
    machine.schema().names().map(str::to_owned).collect()
}
