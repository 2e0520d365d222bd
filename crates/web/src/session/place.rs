//! What the reader does about the tab's own place in the mesh: share its machines, dial somebody, leave and come back, keep
//! its key; and the note of the visit for the Join page.

use crate::ui::prelude::*;
use statemesh::identity::Identity;
use statemesh::machine::Machine;
use statemesh::{Multiaddr, PeerId};
use wasm_bindgen_futures::spawn_local;

use super::relay::{Relay, is_dialable};
use super::{Session, convert};
use crate::answer::Answer;
use crate::browser;
use crate::model::{
    Input, JoinTarget, KnownMesh, Phase, Stop, read_known, with_visit, write_known,
};
use crate::words::peers as words;

impl Session {
    /// Shows the tab's machines to others, or no more.
    pub fn share(self, on: bool) {
        self.shared.set(on);
        spawn_local(async move {
            if on {
                self.expose().await;
            } else {
                self.withdraw().await;
            }
        });
    }

    /// The machines of this tab.
    fn own_machines(self) -> Vec<Machine> {
        self.inner.with_value(|inner| {
            let mesh = inner.mesh.iter();
            mesh.map(|mesh| mesh.lifecycle().clone()).collect()
        })
    }

    pub(super) async fn expose(self) {
        let Some(mesh) = self.inner.with_value(|inner| inner.mesh.clone()) else {
            return;
        };
        for machine in self.own_machines() {
            // `Err`: the peer ended, and with it what it exposed.
            if let Ok(index) = mesh.expose(&machine).await {
                self.inner.update_value(|inner| {
                    if !inner.exposed.contains(&index) {
                        inner.exposed.push(index);
                    }
                });
            }
        }
        if !self.shared.get_untracked() {
            self.withdraw().await;
        }
    }

    async fn withdraw(self) {
        let mesh = self.inner.with_value(|inner| inner.mesh.clone());
        let exposed = self
            .inner
            .try_update_value(|inner| std::mem::take(&mut inner.exposed));
        let Some(mesh) = mesh else { return };
        for index in exposed.unwrap_or_default() {
            // `Err`: the peer ended, and with it what it exposed.
            let _ = mesh.withdraw(index).await;
        }
    }

    /// Leaves the mesh; what was seen stays.
    pub fn leave(self) {
        let left = self.inner.try_update_value(|inner| {
            inner.generation += 1;
            inner.exposed.clear();
            inner.clock = None;
            inner.mesh.take()
        });
        if let Some(mesh) = left.flatten() {
            self.store.apply(Input::Gone(convert::own_key(&mesh)));
            spawn_local(async move { mesh.shutdown().await });
        }
        self.store.apply(Input::Links(Vec::new()));
        self.store.apply(Input::Phase(Phase::Stopped(Stop::Left)));
    }

    /// Joins the same mesh again, and goes on from what was seen.
    pub fn rejoin(self) {
        let target = self.inner.with_value(|inner| inner.target.clone());
        let failures = Vec::new();
        self.store
            .apply(Input::Phase(Phase::Connecting { failures }));
        self.start(match &target {
            Some(target) => Relay::of_target(target),
            None => Relay::of_page(),
        });
        spawn_local(self.forget_who_went());
    }

    /// Whoever went while this tab was away says no goodbye to it any more.
    async fn forget_who_went(self) {
        let mut waited = 0;
        let mesh = loop {
            browser::sleep(INTRODUCED).await;
            waited += 1;
            let mesh = self.inner.with_value(|inner| inner.mesh.clone());
            match mesh {
                Some(mesh) if !mesh.links().is_empty() => break mesh,
                Some(_) | None if waited > PATIENCE => return,
                Some(_) | None => {}
            }
        };
        browser::sleep(INTRODUCED).await;
        let here: Vec<PeerId> = mesh.peers().iter().map(|peer| peer.peer).collect();
        for key in self.store.machines_of_others() {
            if !here.contains(&key.peer) {
                self.store.apply(Input::Gone(key));
            }
        }
    }

    /// Dials what somebody typed, once. The answer is a sentence.
    pub async fn dial(self, typed: &str) -> Result<String, String> {
        let target = JoinTarget::parse(typed).map_err(|error| error.to_string())?;
        let Some(mesh) = self.inner.with_value(|inner| inner.mesh.clone()) else {
            return Err(words::not_dialled("this tab is in no mesh"));
        };
        let addresses = match &target {
            JoinTarget::Address { text, .. } => vec![text.clone()],
            JoinTarget::Link(link) if link.topic != mesh.topic() => {
                let theirs = crate::model::Shown::new(&link.topic);
                return Err(words::other_mesh(target.name(), &theirs.plain()));
            }
            JoinTarget::Link(link) => link.addresses.clone(),
            JoinTarget::Page { origin } => {
                let answer = Answer::of(origin).await;
                let answer = answer.map_err(|_| words::not_dialled("no relay answers there"))?;
                if answer.topic != mesh.topic() {
                    let theirs = crate::model::Shown::new(&answer.topic);
                    return Err(words::other_mesh(target.name(), &theirs.plain()));
                }
                answer.addresses
            }
        };
        let mut problem = words::not_dialled("it names no address that a browser can dial");
        for text in addresses.iter().filter(|text| is_dialable(text)) {
            let Ok(address) = text.parse::<Multiaddr>() else {
                continue;
            };
            match mesh.dial(address).await {
                Ok(peer) => return Ok(words::dialled(&peer.short(8))),
                Err(failure) => problem = words::not_dialled(&convert::plain(failure.reason)),
            }
        }
        Err(problem)
    }

    /// The tab's key: the one kept in this browser if somebody asked for that and no other tab uses it, else a new one.
    pub(super) async fn identity(self) -> Identity {
        if let Some(identity) = self.inner.with_value(|inner| inner.identity.clone()) {
            return identity;
        }
        let kept = browser::kept_key().and_then(|text| read_key(&text));
        let identity = match kept {
            Some(identity) if browser::lock(KEY_LOCK).await => identity,
            Some(_) | None => Identity::generate(),
        };
        self.inner
            .update_value(|inner| inner.identity = Some(identity.clone()));
        identity
    }

    /// Keeps this tab's key in this browser; false: it keeps nothing.
    pub fn keep_key(self) -> bool {
        let identity = self.inner.with_value(|inner| inner.identity.clone());
        let Some(identity) = identity else {
            return false;
        };
        let kept = browser::keep_key(Some(&write_key(&identity)));
        if kept {
            // Another tab that begins now takes a new one.
            spawn_local(async move {
                browser::lock(KEY_LOCK).await;
            });
        }
        kept
    }

    /// Notes the visit for the Join page, now and then.
    pub(super) fn note_visit(self) {
        let is_due = self.inner.try_update_value(|inner| {
            let is_due = inner.until_noted == 0;
            inner.until_noted = inner.until_noted.checked_sub(1).unwrap_or(NOTED_EVERY);
            is_due
        });
        let machines = self.store.machine_count();
        let is_live = self
            .store
            .connection
            .with_untracked(|connection| connection.is_live());
        let topic = self.store.topic.get_untracked();
        let Some(name) = topic.filter(|_| is_due == Some(true) && is_live) else {
            return;
        };
        let target = self.inner.with_value(|inner| match &inner.target {
            Some(JoinTarget::Page { origin }) => origin.clone(),
            Some(JoinTarget::Address { text, .. }) => text.clone(),
            Some(JoinTarget::Link(link)) => format!("#j={}", link.value()),
            None => browser::origin(),
        });
        let visit = KnownMesh {
            name,
            target,
            at: browser::epoch() + browser::now().0,
            machines,
        };
        let known = with_visit(read_known(&browser::known_meshes()), visit);
        browser::keep_known_meshes(&write_known(&known));
    }
}

/// The peer that a kept key makes this tab; `None`: none is kept.
#[must_use]
pub fn kept_peer() -> Option<(PeerId, String)> {
    let text = browser::kept_key()?;
    Some((read_key(&text)?.peer_id(), text))
}

/// `v1 ` and the key's bytes as digits.
fn write_key(identity: &Identity) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let bytes = identity.to_bytes();
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    "v1 ".chars().chain(digits).collect()
}

fn read_key(text: &str) -> Option<Identity> {
    let digits = text.strip_prefix("v1 ")?;
    if digits.len() > 2 * MAX_KEY || !digits.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    Identity::from_bytes(&bytes?)
}

/// Whoever holds it uses the kept key.
const KEY_LOCK: &str = "statemesh:key";
/// Bytes of a key, at most.
const MAX_KEY: usize = 512;
/// Looks at the lists between two notes of the visit: ten seconds of them.
const NOTED_EVERY: u32 = 40;
/// Milliseconds until those who are here are known.
const INTRODUCED: i32 = 3_000;
/// So many times as long it is waited for a link.
const PATIENCE: u32 = 200;
