//! The picture of the network for the Mesh page, drawn while that is open.

use crate::ui::prelude::*;
use statemesh::PeerId;

use super::Store;
use super::time::Time;
use crate::history::{Journal, events, network};
use crate::model::{
    EventKind, GraphFrame, MachineKey, NetEvent, PeerRef, Places, Role, Seen, Shown, World,
};
use crate::words;

/// What the page remembers of it.
#[derive(Default)]
pub struct GraphView {
    open: bool,
    about: PeerRef,
    places: Places,
    opened: Option<PeerId>,
}

/// What the Mesh page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeshScreen {
    /// The network at the moment looked at.
    pub frame: GraphFrame,
    /// The peer that the address names, if it is there.
    pub selected: Option<PeerId>,
    /// The other end of the link that it names.
    pub link: Option<PeerId>,
    /// What happened, newest first.
    pub happened: Vec<Happened>,
}

/// Something that happened, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Seen,
    /// To whom.
    pub who: Shown,
    /// What.
    pub what: String,
    /// For style sheets: machines' health.
    pub mark: &'static str,
}

impl GraphView {
    /// The picture of `at`, if anybody looks.
    pub fn draw(
        &mut self,
        world: &World,
        present: &World,
        time: &Time,
        at: Seen,
        now: Seen,
    ) -> Option<MeshScreen> {
        self.open
            .then(|| self.screen(world, present, time, at, now))
    }

    /// A function of its own: a first visit does without it.
    #[inline(never)]
    fn screen(
        &mut self,
        world: &World,
        present: &World,
        time: &Time,
        at: Seen,
        now: Seen,
    ) -> MeshScreen {
        let journal = time.recorder().journal();
        let network = network(journal, at);
        let rate = |key: &MachineKey| rate(time, key, at);
        let (places, chosen) = (&mut self.places, self.about.peer.as_deref());
        let frame = GraphFrame::new(world, &network, places, self.opened, chosen, rate, now);
        let find = |short: &Option<String>| PeerRef::find(&frame, short.as_deref()?);
        let selected = find(&self.about.peer);
        let list = events(journal, present.turns(), selected, EVENTS);
        MeshScreen {
            selected,
            link: find(&self.about.link),
            happened: list.iter().map(|event| happened(journal, event)).collect(),
            frame,
        }
    }
}

fn rate(time: &Time, key: &MachineKey, at: Seen) -> (u64, bool) {
    let Some(track) = time.recorder().history().track(key) else {
        return (0, true);
    };
    (track.rate(at), track.standing().fidelity.level() > 1)
}

fn happened(journal: &Journal, event: &NetEvent) -> Happened {
    let name = |peer: &PeerId| name_of(journal, peer);
    Happened {
        at: event.at,
        who: name(&event.peer),
        what: words::mesh::event(&event.kind, |peer| name(peer).plain()),
        mark: match &event.kind {
            EventKind::Health { health, .. } => health.mark(),
            _ => "",
        },
    }
}

/// Its name, else the end of its id.
pub(super) fn name_of(journal: &Journal, peer: &PeerId) -> Shown {
    if journal.own() == Some(*peer) {
        return Shown::new("this tab");
    }
    let voice = journal.voice(peer);
    if let Some(name) = voice.and_then(|voice| voice.name()) {
        return name.clone();
    }
    let what = match voice.and_then(|voice| voice.role()) {
        Some(Role::Relay) => "relay",
        Some(Role::Tab) => "tab",
        Some(Role::Peer | Role::Application) | None => "peer",
    };
    Shown::new(&format!("{what} {}", peer.short(SHORT)))
}

impl Store {
    /// The Mesh page is open, about what its address names.
    pub fn open_mesh(self, about: PeerRef) {
        self.look_anew(|view| (view.open, view.about) = (true, about));
    }

    /// The Mesh page was left.
    pub fn close_mesh(self) {
        self.inner.update_value(|inner| inner.graph.open = false);
    }

    /// Everybody is placed anew.
    pub fn lay_out(self) {
        self.look_anew(|view| view.places.clear());
    }

    /// Somebody moved a peer.
    pub fn put(self, peer: PeerId, at: (i32, i32)) {
        self.look_anew(|view| view.places.put(&peer, at));
    }

    /// Shows the peers behind a relay, or all relays again.
    pub fn open_cluster(self, relay: Option<PeerId>) {
        self.look_anew(|view| {
            view.opened = relay;
            view.places.clear();
        });
    }

    fn look_anew(self, change: impl FnOnce(&mut GraphView)) {
        self.inner.update_value(|inner| {
            change(&mut inner.graph);
            inner.timer_passed = true;
        });
        self.draw();
    }
}

/// Events in the list (guess: what somebody scrolls through).
const EVENTS: usize = 100;
/// Characters of an id shown where space is scarce.
const SHORT: usize = 8;
