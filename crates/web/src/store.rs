//! What the components read: one signal for each thing that changes by itself, one for each row.
//!
//! Events change the [`World`] at once and only ask for a frame; [`Store::draw`] runs once in that frame and sets the
//! signals of what looks different. So one tick repaints one row, however many events came.

use leptos::prelude::*;
use statemesh::PeerId;

use crate::browser;
use crate::model::{
    AttentionRow, Connection, FleetRow, Group, Input, MachineKey, MachineRef, MachineScreen,
    PeerRow, Phase, Piece, Resolution, Role, Seen, Verdict, WallClock, World, attention_rows,
    fleet, fleet_row, machine_screen, peer_rows, resolve, verdict,
};
use statemesh::core::collections::OrderedMap;

/// A handle on everything shown; copies are the same store.
#[derive(Clone, Copy)]
pub struct Store {
    inner: StoredValue<Inner, LocalStorage>,
    /// The page's time, four times a second.
    pub now: RwSignal<Seen>,
    /// Where the tab's peer stands.
    pub connection: RwSignal<Connection>,
    /// Name of the mesh.
    pub topic: RwSignal<Option<String>>,
    /// The headline.
    pub verdict: RwSignal<Verdict>,
    /// The attention list.
    pub attention: RwSignal<Vec<AttentionRow>>,
    /// Hosts in order.
    pub hosts: RwSignal<Vec<PeerId>>,
    /// The Peers page.
    pub peers: RwSignal<Vec<PeerRow>>,
    /// The Machine page.
    pub screen: RwSignal<MachineScreen>,
    /// What a screen reader is told.
    pub announcement: RwSignal<String>,
    /// Formats local time.
    pub wall: WallClock,
}

struct Inner {
    world: World,
    groups: OrderedMap<PeerId, ArcRwSignal<Group>>,
    rows: OrderedMap<MachineKey, ArcRwSignal<FleetRow>>,
    wanted: Option<MachineRef>,
    machine_page: bool,
    frame_asked: bool,
    timer_passed: bool,
    marked: bool,
    announced: Option<(Seen, String)>,
}

impl Store {
    /// An empty store that dials `relay`.
    #[must_use]
    pub fn new(relay: String) -> Self {
        let now = browser::now();
        let world = World::new(relay, browser::is_https(), now);
        Self {
            now: RwSignal::new(now),
            connection: RwSignal::new(world.connection().clone()),
            topic: RwSignal::new(None),
            verdict: RwSignal::new(Verdict::default()),
            attention: RwSignal::new(Vec::new()),
            hosts: RwSignal::new(Vec::new()),
            peers: RwSignal::new(Vec::new()),
            screen: RwSignal::new(MachineScreen::Nothing),
            announcement: RwSignal::new(String::new()),
            wall: browser::wall_clock(),
            inner: StoredValue::new_local(Inner {
                world,
                groups: OrderedMap::new(),
                rows: OrderedMap::new(),
                wanted: None,
                machine_page: false,
                frame_asked: false,
                timer_passed: true,
                marked: false,
                announced: None,
            }),
        }
    }

    /// Forgets everything and begins anew with another relay.
    pub fn restart(self, relay: String) {
        let now = browser::now();
        self.inner.update_value(|inner| {
            inner.world = World::new(relay, browser::is_https(), now);
            inner.timer_passed = true;
        });
        self.topic.set(None);
        self.ask_frame();
    }

    /// Takes an event and asks for a frame.
    pub fn apply(self, input: Input) {
        let now = browser::now();
        self.inner
            .update_value(|inner| inner.world.apply(input, now));
        self.ask_frame();
    }

    /// A quarter of a second passed: ages count on, waiting times end.
    pub fn tick(self) {
        if browser::is_hidden() {
            return;
        }
        self.inner.update_value(|inner| inner.timer_passed = true);
        self.ask_frame();
    }

    /// The Machine page is open, about this machine; `None`: the last one, or a sensible first.
    pub fn want(self, wanted: Option<MachineRef>) {
        self.inner.update_value(|inner| {
            if wanted.is_some() {
                inner.wanted = wanted;
            }
            inner.machine_page = true;
            inner.timer_passed = true;
        });
        self.draw();
    }

    /// The Machine page was left.
    pub fn want_none(self) {
        self.inner.update_value(|inner| inner.machine_page = false);
    }

    /// The signal of one row. Rows live as long as their machine is known.
    #[must_use]
    pub fn row(self, key: &MachineKey) -> Option<ArcRwSignal<FleetRow>> {
        self.inner.with_value(|inner| inner.rows.get(key).cloned())
    }

    /// The signal of one host.
    #[must_use]
    pub fn host(self, peer: &PeerId) -> Option<ArcRwSignal<Group>> {
        self.inner
            .with_value(|inner| inner.groups.get(peer).cloned())
    }

    fn ask_frame(self) {
        let asked = self
            .inner
            .try_update_value(|inner| std::mem::replace(&mut inner.frame_asked, true));
        if asked == Some(false) {
            request_animation_frame(move || {
                self.inner.update_value(|inner| inner.frame_asked = false);
                self.draw();
            });
        }
    }

    /// Sets the signals of what looks different now.
    fn draw(self) {
        let now = browser::now();
        let Some(drawing) = self
            .inner
            .try_update_value(|inner| inner.draw(self.wall, now))
        else {
            return;
        };
        if drawing.slow {
            self.now.set(now);
        }
        set(self.connection, drawing.connection);
        set(self.verdict, drawing.verdict);
        set(self.attention, drawing.attention);
        for (signal, row) in drawing.rows {
            signal.set(row);
        }
        for (signal, group) in drawing.groups {
            signal.set(group);
        }
        if let Some(hosts) = drawing.hosts {
            set(self.hosts, hosts);
        }
        if let Some(screen) = drawing.screen {
            set(self.screen, screen);
        }
        if let Some(peers) = drawing.peers {
            set(self.peers, peers);
        }
        if let Some(words) = drawing.announcement {
            self.announcement.set(words);
        }
        if drawing.first_remote {
            // The frame after the one that paints it.
            request_animation_frame(|| browser::mark("statemesh:first-remote"));
        }
    }
}

/// What one frame changes; computed while the store is borrowed, applied after.
struct Drawing {
    slow: bool,
    connection: Connection,
    verdict: Verdict,
    attention: Vec<AttentionRow>,
    rows: Vec<(ArcRwSignal<FleetRow>, FleetRow)>,
    groups: Vec<(ArcRwSignal<Group>, Group)>,
    hosts: Option<Vec<PeerId>>,
    screen: Option<MachineScreen>,
    peers: Option<Vec<PeerRow>>,
    announcement: Option<String>,
    first_remote: bool,
}

impl Inner {
    fn draw(&mut self, wall: WallClock, now: Seen) -> Drawing {
        self.world.settle(now);
        let slow = std::mem::take(&mut self.timer_passed);
        let reshaped = self.world.take_reshaped();
        let dirty = self.world.take_dirty();
        let mut rows = Vec::new();
        for key in &dirty {
            if let Some(machine) = self.world.machine(key) {
                let row = fleet_row(&self.world, machine, now);
                match self.rows.get(key) {
                    Some(signal) if signal.with_untracked(|old| *old != row) => {
                        rows.push((signal.clone(), row));
                    }
                    Some(_) => {}
                    None => {
                        self.rows.insert(*key, ArcRwSignal::new(row));
                    }
                }
            }
        }
        let (groups, hosts) = if slow || reshaped {
            let (groups, hosts) = self.draw_groups(now);
            (groups, Some(hosts))
        } else {
            (Vec::new(), None)
        };
        let verdict = verdict(&self.world, wall, now);
        let redraw = slow || reshaped || !dirty.is_empty();
        let screen = (self.machine_page && redraw).then(|| self.draw_screen(now));
        Drawing {
            slow,
            connection: self.world.connection().clone(),
            attention: attention_rows(&self.world, now),
            announcement: self.announce(&verdict, now),
            verdict,
            rows,
            groups,
            hosts,
            screen,
            peers: slow.then(|| peer_rows(&self.world, now)),
            first_remote: self.is_first_remote(),
        }
    }

    /// A machine shown because none was named stays the one shown.
    fn draw_screen(&mut self, now: Seen) -> MachineScreen {
        let found = resolve(&self.world, self.wanted.as_ref());
        if let (None, Resolution::Found(key)) = (&self.wanted, &found) {
            self.wanted = self
                .world
                .machine(key)
                .map(|machine| MachineRef::of(&self.world, machine));
        }
        machine_screen(&self.world, self.wanted.as_ref(), &found, now)
    }

    fn draw_groups(&mut self, now: Seen) -> (Vec<(ArcRwSignal<Group>, Group)>, Vec<PeerId>) {
        let world = &self.world;
        self.rows.retain(|key, _| world.machine(key).is_some());
        let fleet = fleet(world, now);
        let hosts: Vec<PeerId> = fleet.iter().map(|group| group.peer).collect();
        self.groups.retain(|peer, _| hosts.contains(peer));
        let mut changed = Vec::new();
        for group in fleet {
            match self.groups.get(&group.peer) {
                Some(signal) if signal.with_untracked(|old| *old != group) => {
                    changed.push((signal.clone(), group));
                }
                Some(_) => {}
                None => {
                    self.groups.insert(group.peer, ArcRwSignal::new(group));
                }
            }
        }
        (changed, hosts)
    }

    /// The headline for the live region, when it changed, at most once in five seconds. Why there is no connection
    /// is an alert of the page itself.
    fn announce(&mut self, verdict: &Verdict, now: Seen) -> Option<String> {
        if !self.world.connection().failures().is_empty()
            || matches!(self.world.connection().phase, Phase::Stopped(_))
        {
            return None;
        }
        let words = Piece::plain(&verdict.headline);
        match &self.announced {
            Some((at, old)) if *old == words || now.since(*at) < ANNOUNCE_EVERY => None,
            Some(_) | None => {
                self.announced = Some((now, words.clone()));
                Some(words)
            }
        }
    }

    /// True once: the first machine is drawn that is neither this tab's nor the relay's own.
    fn is_first_remote(&mut self) -> bool {
        let first = !self.marked
            && self
                .world
                .machines()
                .any(|machine| !machine.own && machine.role != Role::Relay);
        self.marked |= first;
        first
    }
}

/// Sets a signal only to something different.
fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

/// Milliseconds between announcements (dashboard design 10).
const ANNOUNCE_EVERY: u64 = 5_000;
