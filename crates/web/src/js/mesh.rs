//! This tab's peer, as JavaScript sees it: finds machines of others, shows machines of its own.

use futures::StreamExt;
use statemesh::mesh::Mesh;
use statemesh::prelude::{Machine, SchemaDef};
use statemesh::watch::Change;
use wasm_bindgen::prelude::*;
use web_sys::js_sys::{Function, JSON};

use super::abort::unless_aborted;
use super::error::{Code, closed, failure};
use super::local::JsLocalMachine;
use super::machine::JsMachine;
use super::options::{query, text, texts};
use super::subscription::{call, until_stopped};
use super::{JsQuery, WaitOptions};

/// This tab's peer.
#[wasm_bindgen(js_name = Mesh)]
pub struct JsMesh {
    mesh: Mesh,
}

impl JsMesh {
    pub(super) fn new(mesh: Mesh) -> Self {
        Self { mesh }
    }

    fn shown(&self, machines: Vec<statemesh::prelude::RemoteMachine>) -> Vec<JsMachine> {
        let shown = machines.into_iter();
        shown.map(|it| JsMachine::new(&self.mesh, it)).collect()
    }
}

#[wasm_bindgen(js_class = Mesh)]
impl JsMesh {
    /// Own id, as other peers see it.
    #[must_use]
    #[wasm_bindgen(getter, js_name = peerId)]
    pub fn peer_id(&self) -> String {
        self.mesh.peer_id().to_string()
    }

    /// Name of the topic.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn topic(&self) -> String {
        self.mesh.topic().to_owned()
    }

    /// What carries the link to the relay now, `"ws"` or `"webrtc"`; `undefined` while there is none.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn transport(&self) -> Option<String> {
        let links = self.mesh.links();
        links.first().map(|link| link.transport.name().to_owned())
    }

    /// Machines of other peers known now, all or those a query means, by peer and index.
    ///
    /// # Errors
    /// `ERR_OPTIONS`, `ERR_STATE`: the query is none.
    pub fn machines(&self, which: Option<JsQuery>) -> Result<Vec<JsMachine>, JsValue> {
        let query = query(&which.into())?;
        Ok(self.shown(self.mesh.query(&query)))
    }

    /// Resolves to the first machine that the query means, or that has this id, now or later; rejects with `ERR_CLOSED`
    /// when the mesh is closed.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    pub async fn machine(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | Query")] which: JsValue,
        options: Option<WaitOptions>,
    ) -> Result<JsMachine, JsValue> {
        let query = match which.as_string() {
            Some(id) => statemesh::query::Query::new().id(id),
            None => query(&which)?,
        };
        let found = self.mesh.when_any(query, 1);
        let found = async { found.await.map_err(|error| closed(&error)) };
        let mut found = unless_aborted(&options.into(), found).await?;
        Ok(JsMachine::new(&self.mesh, found.swap_remove(0)))
    }

    /// Resolves to all machines that the query means as soon as there are `least`; rejects like `machine`.
    ///
    /// # Errors
    /// A JavaScript `Error` with `code`.
    #[wasm_bindgen(js_name = whenAny)]
    pub async fn when_any(
        &self,
        which: JsQuery,
        least: u32,
        options: Option<WaitOptions>,
    ) -> Result<Vec<JsMachine>, JsValue> {
        let found = self.mesh.when_any(query(&which)?, least as usize);
        let found = async { found.await.map_err(|error| closed(&error)) };
        let found = unless_aborted(&options.into(), found).await?;
        Ok(self.shown(found))
    }

    /// Calls back for every machine that begins to be meant, those known now first, and for every one that ceases to be.
    /// Returns a function that ends this; until then, and until the mesh is closed, the peer runs on.
    ///
    /// # Errors
    /// `ERR_OPTIONS`, `ERR_STATE`: the query is none.
    #[wasm_bindgen(unchecked_return_type = "() => void")]
    pub fn watch(
        &self,
        which: JsQuery,
        #[wasm_bindgen(unchecked_param_type = "(machine: RemoteMachine) => void")] enter: Function,
        #[wasm_bindgen(unchecked_param_type = "(machine: RemoteMachine) => void")] leave: Function,
    ) -> Result<JsValue, JsValue> {
        let mut watch = self.mesh.watch(query(&which)?);
        let mesh = self.mesh.clone();
        Ok(until_stopped(async move {
            while let Some(change) = watch.next().await {
                let (callback, machine) = match change {
                    Change::Enter(machine) => (&enter, machine),
                    Change::Leave(machine) => (&leave, machine),
                };
                call(callback, &JsMachine::new(&mesh, machine).into());
            }
        }))
    }

    /// Makes a machine and shows it to the mesh until it is withdrawn or the mesh is closed.
    ///
    /// # Errors
    /// `ERR_SCHEMA`: all mistakes of the schema. `ERR_OPTIONS`. `ERR_CLOSED`.
    pub async fn expose(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Schema")] schema: JsValue,
        #[wasm_bindgen(unchecked_param_type = "ExposeOptions")] options: JsValue,
    ) -> Result<JsLocalMachine, JsValue> {
        let id = text(&options, "id")?
            .ok_or_else(|| failure(Code::Options, "expose needs an object { id }"))?;
        let not_json = || failure(Code::Schema, "a schema is an object of states");
        let json = JSON::stringify(&schema).map_err(|_| not_json())?;
        let json = json.as_string().ok_or_else(not_json)?;
        let schema = SchemaDef::from_json(&json)
            .map_err(|errors| failure(Code::Schema, &errors.to_string()))?;
        let mut builder = Machine::builder(id, schema);
        for tag in texts(&options, "tags")? {
            builder = builder.tag(tag);
        }
        if let Some(parent) = text(&options, "parent")? {
            builder = builder.parent(parent);
        }
        let machine = builder.build();
        let exposed = self.mesh.expose(&machine).await;
        let index = exposed.map_err(|error| closed(&error))?;
        Ok(JsLocalMachine::new(&self.mesh, machine, index))
    }

    /// Says bye, closes the links and ends the peer. Everything that waits on it rejects.
    pub async fn close(&self) {
        let mesh = self.mesh.clone();
        mesh.shutdown().await;
    }
}
