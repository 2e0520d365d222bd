//! The Peers page as of the moment looked at, drawn while that is open.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::PeerId;
use statemesh::core::collections::sort_by;

use super::Store;
use super::graph::name_of;
use super::time::Time;
use crate::history::{Journal, Stint, network};
use crate::model::{
    Carrier, Health, LinkClass, LinkEnd, Machine, MachineRef, NetLink, Network, PeerColumn,
    PeerFilter, PeerLine, PeerOrder, PeerWord, Seen, Shown, World, peer_lines,
};

/// What the page remembers of it.
#[derive(Default)]
pub struct PeersView {
    open: bool,
    about: Option<String>,
    order: PeerOrder,
    filter: PeerFilter,
    /// A pointer or the focus is in the table: nothing jumps.
    held: bool,
    places: Vec<PeerId>,
    sorted: Option<Seen>,
}

/// What the Peers page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeersScreen {
    /// What the filter lets through, in order.
    pub lines: Vec<Arc<PeerLine>>,
    /// Everybody, and those heard first hand.
    pub counts: (usize, usize),
    /// The order they are in.
    pub order: PeerOrder,
    /// The tab's own place.
    pub tab: TabScreen,
    /// The peer that the address names.
    pub detail: Option<Arc<PeerDetail>>,
    /// It names one that is not here.
    pub is_missing: bool,
}

/// The tab's own place in the mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabScreen {
    /// Its id.
    pub id: Option<String>,
    /// Its open links, relays first and the oldest of them.
    pub links: Vec<OwnLink>,
    /// First connected.
    pub joined: Option<Seen>,
    /// How often it was not, after that.
    pub losses: usize,
    /// Bytes and messages that come, bytes and messages that go, in a thousand seconds.
    pub traffic: [Option<u64>; 4],
    /// Messages refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// The relay in use, and behind it by QUIC: peers, and Go peers of them.
    pub behind: Option<(Shown, usize, usize)>,
    /// Relays heard of that have no link.
    pub spare: usize,
    /// Its own machines.
    pub machines: Vec<PeerMachine>,
}

/// A link of the tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLink {
    /// Neighbour.
    pub peer: PeerId,
    /// What it is called.
    pub name: Shown,
    /// It relays.
    pub is_relay: bool,
    /// Its address; known while the link is open now.
    pub address: Option<Shown>,
    /// What carries it.
    pub carrier: Option<Carrier>,
    /// Round trip, and what it was below in 99 of a hundred.
    pub rtt: (Option<u64>, Option<u64>),
    /// Open since.
    pub since: Seen,
}

/// A machine, and where to look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMachine {
    /// Its page.
    pub href: String,
    /// Its id.
    pub name: Shown,
    /// Its health.
    pub health: Health,
    /// Machine time.
    pub time: u64,
}

/// One peer in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerDetail {
    /// As in the table.
    pub line: Arc<PeerLine>,
    /// Where it can be reached.
    pub addresses: Vec<Shown>,
    /// Its links, open ones and then those that closed, the newest first.
    pub links: Vec<LinkSpan>,
    /// What it shares.
    pub machines: Vec<PeerMachine>,
    /// Messages refused, by reason, as of now.
    pub refused: Vec<(&'static str, u64)>,
}

/// A link that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpan {
    /// The other end.
    pub other: Shown,
    /// Its page.
    pub href: String,
    /// What carried it.
    pub carrier: Option<Carrier>,
    /// Round trip at its end, or now.
    pub rtt: Option<u64>,
    /// From.
    pub from: Seen,
    /// Until; `None`: it lasts.
    pub to: Option<Seen>,
}

impl PeersView {
    /// The page as of `at`, if anybody looks.
    pub fn draw(
        &mut self,
        world: &World,
        time: &Time,
        at: Seen,
        now: Seen,
        origin: u64,
    ) -> Option<PeersScreen> {
        if !self.open {
            return None;
        }
        let journal = time.recorder().journal();
        let (network, lines) = everybody(world, journal, at, at == now, origin);
        let first_hand = |line: &&PeerLine| matches!(line.known, "measured" | "first hand");
        let counts = (lines.len(), lines.iter().filter(first_hand).count());
        let mut lines: Vec<Arc<PeerLine>> = lines.into_iter().map(Arc::new).collect();
        let detail = self.about.as_deref().and_then(|end| {
            let line = lines.iter().find(|line| line.id.ends_with(end))?;
            Some(Arc::new(detail(world, journal, &network, line, at)))
        });
        lines.retain(|line| self.filter.shows(line));
        self.put_in_order(&mut lines, now);
        Some(PeersScreen {
            lines,
            counts,
            order: self.order,
            tab: tab(world, journal, &network, at),
            is_missing: self.about.is_some() && detail.is_none(),
            detail,
        })
    }

    /// At most once a second, and not under a pointer: whoever is new comes last then.
    fn put_in_order(&mut self, lines: &mut Vec<Arc<PeerLine>>, now: Seen) {
        let is_due = self
            .sorted
            .is_none_or(|at| !self.held && now.since(at) >= SORTED_FOR);
        if is_due {
            self.order.sort(lines);
            self.sorted = Some(now);
            self.places = lines.iter().map(|line| line.peer).collect();
        } else {
            let places = &self.places;
            let place = |line: &PeerLine| places.iter().position(|it| *it == line.peer);
            sort_by(lines, |a, b| {
                let key = |line| place(line).unwrap_or(usize::MAX);
                key(a).cmp(&key(b))
            });
        }
    }
}

/// The network, and everybody in it, in no order that matters.
pub fn everybody(
    world: &World,
    journal: &Journal,
    at: Seen,
    is_now: bool,
    origin: u64,
) -> (Network, Vec<PeerLine>) {
    let network = network(journal, at);
    let word = |peer: &PeerId| {
        let Some(voice) = journal.voice(peer) else {
            return PeerWord::default();
        };
        let pulses = voice.pulses();
        PeerWord {
            heard: voice.heard().filter(|_| is_now),
            ahead: pulses.ahead(at),
            rate: pulses.rate(0, at),
            refused: pulses.count(1, at),
        }
    };
    let lines = peer_lines(world, &network, word, origin);
    (network, lines)
}

fn tab(world: &World, journal: &Journal, network: &Network, at: Seen) -> TabScreen {
    let own = world.own();
    let is_relay = |peer: &PeerId| {
        let role = journal.voice(peer).and_then(|voice| voice.role());
        role == Some(crate::model::Role::Relay)
    };
    let open = |link: &&NetLink| link.class == LinkClass::Measured && link.closed.is_none();
    let mut links: Vec<OwnLink> = network
        .links
        .iter()
        .filter(open)
        .filter_map(|link| {
            let own = own?;
            let peer = if link.ends.0 == own {
                link.ends.1
            } else {
                link.ends.0
            };
            let claim = journal.claims().get(own, LinkEnd::from(peer));
            let stint = claim.and_then(|claim| claim.at(at));
            let facts = world.links().find(|facts| facts.peer == peer);
            Some(OwnLink {
                peer,
                name: name_of(journal, &peer),
                is_relay: is_relay(&peer),
                address: facts.map(|facts| Shown::new(&facts.address)),
                carrier: link.carrier,
                rtt: (link.rtt, stint.and_then(|stint| stint.percentile(at, 99))),
                since: link.since,
            })
        })
        .collect();
    sort_by(&mut links, |a, b| {
        (!a.is_relay, a.since).cmp(&(!b.is_relay, b.since))
    });
    let spare = network.peers.iter().filter(|it| {
        let is_linked = links.iter().any(|link| link.peer == it.peer);
        it.left.is_none() && is_relay(&it.peer) && !is_linked
    });
    let relay = links.iter().find(|link| link.is_relay);
    let traffic = journal.traffic();
    let machines = world.machines().filter(|one| one.own && one.gone.is_none());
    TabScreen {
        id: own.map(|own| own.to_string()),
        joined: journal.joined().filter(|joined| *joined <= at),
        losses: journal.lost().iter().filter(|it| it.from <= at).count(),
        traffic: [0, 1, 2, 3].map(|which| traffic.rate(which, at)),
        refused: world.traffic().refused.clone(),
        behind: relay.map(|relay| behind(network, relay)),
        spare: spare.count(),
        machines: machines.map(|one| machine(world, one)).collect(),
        links,
    }
}

/// Who is linked to a relay by QUIC.
fn behind(network: &Network, relay: &OwnLink) -> (Shown, usize, usize) {
    let quic = network
        .links
        .iter()
        .filter(|link| link.closed.is_none() && link.carrier == Some(Carrier::Other("quic")));
    let others = quic.filter_map(|link| match link.ends {
        (a, b) if a == relay.peer => Some(b),
        (a, b) if b == relay.peer => Some(a),
        _ => None,
    });
    let (mut all, mut go) = (0, 0);
    for other in others {
        let facts = network.peers.iter().find(|it| it.peer == other);
        all += 1;
        go += usize::from(facts.is_some_and(|it| it.first_hand && !it.is_statemesh));
    }
    (relay.name.clone(), all, go)
}

fn machine(world: &World, one: &Machine) -> PeerMachine {
    PeerMachine {
        href: MachineRef::of(world, one).href(),
        name: one.shown.clone(),
        health: world.assessment(&one.key).health,
        time: one.machine_time(),
    }
}

fn detail(
    world: &World,
    journal: &Journal,
    network: &Network,
    line: &Arc<PeerLine>,
    at: Seen,
) -> PeerDetail {
    let peer = line.peer;
    let facts = world.links().find(|link| link.peer == peer);
    let contact = journal.voice(&peer).and_then(|voice| voice.contact());
    let told = contact.into_iter().flat_map(|it| it.addresses.iter());
    let mut addresses: Vec<Shown> = facts
        .map(|link| Shown::new(&link.address))
        .into_iter()
        .collect();
    for address in told {
        // With its id the address is one that can be dialled.
        let full = Shown::new(&format!("{address}/p2p/{}", line.id));
        if !addresses.contains(&full) {
            addresses.push(full);
        }
    }
    let machines = world.machines();
    let shared = machines.filter(|one| one.key.peer == peer && one.gone.is_none());
    let refused = world.peer(&peer).map(|facts| facts.refused.clone());
    PeerDetail {
        line: Arc::clone(line),
        addresses,
        links: link_spans(journal, network, peer, at),
        machines: shared.map(|one| machine(world, one)).collect(),
        refused: refused.unwrap_or_default(),
    }
}

/// The links of a peer until a moment: as the tab saw its own, else as the peer says, else as the other end does.
fn link_spans(journal: &Journal, network: &Network, peer: PeerId, at: Seen) -> Vec<LinkSpan> {
    let mut spans = Vec::new();
    let known = journal.voices().map(|(peer, _)| *peer);
    for other in known.chain(journal.own()).filter(|other| *other != peer) {
        let said = |by: PeerId, of: PeerId| journal.claims().get(by, LinkEnd::from(of));
        let (its, theirs) = (said(peer, other), said(other, peer));
        let claim = if journal.own() == Some(other) {
            theirs.or(its)
        } else {
            its.or(theirs)
        };
        let Some(claim) = claim else { continue };
        let is_closed = network
            .links
            .iter()
            .any(|link| link.ends == (peer.min(other), peer.max(other)) && link.closed.is_some());
        let short = other.short(8);
        let span = |stint: &Stint| {
            let to = stint.to.filter(|to| *to <= at);
            let look = stint.look(to.unwrap_or(at));
            LinkSpan {
                other: name_of(journal, &other),
                href: format!("/peers#peer={short}"),
                carrier: look.and_then(|look| look.carrier),
                rtt: look.and_then(|look| look.rtt),
                from: stint.from,
                to: to.or_else(|| is_closed.then_some(at)),
            }
        };
        spans.extend(claim.stints().filter(|stint| stint.from <= at).map(span));
    }
    sort_by(&mut spans, |a: &LinkSpan, b| {
        let key = |it: &LinkSpan| (it.to.is_some(), u64::MAX - it.from.0);
        key(a).cmp(&key(b))
    });
    spans.truncate(SPANS);
    spans
}

impl Store {
    /// The Peers page is open, about the peer whose id ends so.
    pub fn open_peers(self, about: Option<String>) {
        self.look_at_peers(|view| (view.open, view.about) = (true, about));
    }

    /// The Peers page was left.
    pub fn close_peers(self) {
        self.inner.update_value(|inner| inner.peers.open = false);
    }

    /// Orders the table by a column; again, the other way round.
    pub fn order_peers(self, column: PeerColumn) {
        self.look_at_peers(|view| {
            view.order = view.order.chosen(column);
            view.sorted = None;
        });
    }

    /// Shows some peers only.
    pub fn filter_peers(self, typed: &str) {
        self.look_at_peers(|view| {
            view.filter = PeerFilter::parse(typed);
            view.sorted = None;
        });
    }

    /// While it holds no row changes its place.
    pub fn hold_peers(self, held: bool) {
        self.inner.update_value(|inner| inner.peers.held = held);
    }

    fn look_at_peers(self, change: impl FnOnce(&mut PeersView)) {
        self.inner.update_value(|inner| {
            change(&mut inner.peers);
            inner.timer_passed = true;
        });
        self.draw();
    }
}

/// Milliseconds between two orders (dashboard design 5.1).
const SORTED_FOR: u64 = 1_000;
/// Links listed of a peer (guess: more than anybody reads).
const SPANS: usize = 40;
