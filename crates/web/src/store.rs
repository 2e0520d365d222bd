//! What the components read: one signal for each thing that changes by itself, one for each row.
//!
//! Events change the [`World`] at once and only ask for a frame; [`Store::draw`] runs once in that frame and sets the
//! signals of what looks different. So one tick repaints one row, however many events came.
//!
//! Every event goes into the history, too. While the page looks at a moment of it ([`time`]), the same signals are set
//! from the [`World`] of that moment, and the live one goes on unseen.

mod compare;
pub mod graph;
mod link;
mod list;
mod machine;
mod news;
pub mod peers;
pub mod picture;
pub mod recording;
mod search;
pub mod shelf;
mod sift;
mod snapshot;
mod steps;
pub mod time;
mod trail;
mod views;
mod watch;

use crate::ui::prelude::*;
use statemesh::PeerId;

use self::graph::{GraphView, MeshScreen};
use self::link::Follow;
use self::list::Scene;
pub use self::list::{FleetBar, Told};
pub use self::news::{News, What};
use self::peers::{PeersScreen, PeersView};
use self::recording::{Aside, Shown};
pub use self::steps::{AtStep, CauseTrail, StepView, TrailRow};
use self::time::{Dock, Time};
pub use self::trail::{Hop, Trail};
use self::views::{Changes, Drawn, Views};
use self::watch::Watch;
use crate::browser;
use crate::history::{Limits, Sift};
use crate::model::{
    AttentionRow, Connection, FleetRow, Frame, Group, Health, Input, LinkFacts, MachineKey,
    MachineRef, MachineScreen, NoFrame, Phase, Piece, Role, Seen, Thresholds, Verdict, WallClock,
    World, Zone, attention_rows, fleet_row, join_rows, past_verdict, verdict,
};
use statemesh::core::collections::OrderedSet;

/// A handle on everything shown; copies are the same store.
#[derive(Clone, Copy)]
pub struct Store {
    inner: StoredValue<Inner, LocalStorage>,
    /// The moment that is looked at, four times a second; the page's time while that is live.
    pub now: RwSignal<Seen>,
    /// The page's time, four times a second, whatever is looked at.
    pub clock: RwSignal<Seen>,
    /// The time dock.
    pub dock: RwSignal<Dock>,
    /// How the moment was found that a link named, if that needs saying.
    pub found: RwSignal<Option<String>>,
    /// The picture a link brought, where the history is gone.
    pub brought: RwSignal<Option<Result<Frame, NoFrame>>>,
    /// The recording that is shown instead of what is live.
    pub recording: RwSignal<Option<Shown>>,
    /// The selected state of the machine shown.
    pub state: RwSignal<Option<String>>,
    /// The step looked at of the transition at the cursor.
    pub step: RwSignal<Option<AtStep>>,
    /// Timelines of the dock, 0 to 2.
    pub timelines: RwSignal<u8>,
    /// What the Machine view leaves out.
    pub sift: RwSignal<Sift>,
    /// Counts up four times a second, while the page is seen.
    pub beat: RwSignal<u32>,
    /// Counts up when lanes and timelines are to be drawn again.
    pub frame: RwSignal<u32>,
    /// Where the tab's peer stands.
    pub connection: RwSignal<Connection>,
    /// Name of the mesh.
    pub topic: RwSignal<Option<String>>,
    /// The headline.
    pub verdict: RwSignal<Verdict>,
    /// The attention list.
    pub attention: RwSignal<Vec<AttentionRow>>,
    /// What needs attention now, watch rules among it, whatever is looked at.
    pub alerts: RwSignal<usize>,
    /// Hosts in order.
    pub hosts: RwSignal<Vec<PeerId>>,
    /// The fleet of the Overview.
    pub fleet: FleetBar,
    /// The Peers page.
    pub peers: RwSignal<PeersScreen>,
    /// The link that matters most.
    pub link: RwSignal<Option<LinkFacts>>,
    /// What the connection bar says of what came before.
    pub news: RwSignal<Option<News>>,
    /// The Machine page.
    pub screen: RwSignal<MachineScreen>,
    /// The Mesh page.
    pub mesh: RwSignal<MeshScreen>,
    /// The dialog that is open.
    pub panel: RwSignal<Option<Panel>>,
    /// What a screen reader is told.
    pub announcement: RwSignal<String>,
    /// Formats time.
    pub wall: Wall,
}

/// The clock on the wall, which may be set to another zone; its readers follow it.
#[derive(Clone, Copy)]
pub struct Wall(RwSignal<WallClock>);

impl Wall {
    /// As it is.
    #[must_use]
    pub fn get(self) -> WallClock {
        self.0.get()
    }

    /// [`WallClock::text`].
    #[must_use]
    pub fn text(self, at: Seen, digits: usize) -> String {
        self.get().text(at, digits)
    }
}

/// A dialog above the views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// Search everything.
    Search,
    /// Keys and marks.
    Keys,
    /// Links to what is looked at.
    Links,
}

struct Inner {
    world: World,
    time: Time,
    views: Views,
    graph: GraphView,
    peers: PeersView,
    rules: Thresholds,
    limits: Limits,
    wanted: Option<Follow>,
    watch: Watch,
    aside: Option<Box<Aside>>,
    /// What is shown was replaced as a whole.
    turned: bool,
    /// Wall time of the zero of what is shown, in milliseconds since 1970.
    origin: u64,
    frame_asked: bool,
    /// Everything is to be drawn anew.
    timer_passed: bool,
    /// A quarter of a second passed.
    ticked: bool,
    marked: bool,
    announced: Option<(Seen, String)>,
    /// When the connection bar last waited for somebody.
    awaited_until: Seen,
    /// When it was drawn last, and when it was drawn again after so many milliseconds.
    drawn: (Seen, Option<(Seen, u64)>),
}

impl Store {
    /// An empty store that dials `relay`.
    #[must_use]
    pub fn new(relay: String) -> Self {
        let now = browser::now();
        let origin = browser::epoch();
        let world = World::new(relay, browser::is_https(), now);
        Self {
            now: RwSignal::new(now),
            clock: RwSignal::new(now),
            dock: RwSignal::new(Dock::default()),
            found: RwSignal::new(None),
            brought: RwSignal::new(None),
            recording: RwSignal::new(None),
            state: RwSignal::new(None),
            step: RwSignal::new(None),
            timelines: RwSignal::new(2),
            sift: RwSignal::new(Sift::default()),
            beat: RwSignal::new(0),
            frame: RwSignal::new(0),
            connection: RwSignal::new(world.connection().clone()),
            topic: RwSignal::new(None),
            verdict: RwSignal::new(Verdict::default()),
            attention: RwSignal::new(Vec::new()),
            alerts: RwSignal::new(0),
            hosts: RwSignal::new(Vec::new()),
            fleet: FleetBar::default(),
            peers: RwSignal::new(PeersScreen::default()),
            link: RwSignal::new(None),
            news: RwSignal::new(None),
            screen: RwSignal::new(MachineScreen::Nothing),
            mesh: RwSignal::new(MeshScreen::default()),
            panel: RwSignal::new(None),
            announcement: RwSignal::new(String::new()),
            wall: Wall(RwSignal::new(browser::wall_clock(origin, Zone::Local))),
            inner: StoredValue::new_local(Inner {
                world,
                time: Time::default(),
                views: Views::default(),
                graph: GraphView::default(),
                peers: PeersView::default(),
                rules: Thresholds::default(),
                limits: Limits::default(),
                wanted: None,
                watch: Watch::default(),
                aside: None,
                turned: false,
                origin,
                frame_asked: false,
                timer_passed: true,
                ticked: true,
                marked: false,
                announced: None,
                awaited_until: Seen(0),
                drawn: (now, None),
            }),
        }
    }

    /// Forgets everything and begins anew with another relay.
    pub fn restart(self, relay: String) {
        let now = browser::now();
        self.close();
        self.inner.update_value(|inner| {
            inner.world = World::new(relay, browser::is_https(), now);
            inner.time = Time::default();
            inner.watch.forget(true);
            inner.obey();
            inner.timer_passed = true;
        });
        self.topic.set(None);
        self.ask_frame();
    }

    /// Shows the time of another zone.
    pub fn set_zone(self, zone: Zone) {
        let origin = self.inner.with_value(|inner| inner.origin);
        set(self.wall.0, browser::wall_clock(origin, zone));
        self.inner.update_value(|inner| inner.timer_passed = true);
        self.ask_frame();
    }

    /// How long the rules of health wait, and how much is kept.
    pub fn tune(self, rules: Thresholds, limits: Limits) {
        self.inner.update_value(|inner| {
            (inner.rules, inner.limits) = (rules, limits);
            inner.obey();
            inner.timer_passed = true;
        });
        self.ask_frame();
    }

    /// Takes an event and asks for a frame.
    pub fn apply(self, input: Input) {
        let now = browser::now();
        self.inner.update_value(|inner| {
            let (world, time) = inner.live();
            time.record(&input, now);
            world.apply(input, now);
        });
        self.ask_frame();
    }

    /// A quarter of a second passed: ages count on, waiting times end.
    pub fn tick(self) {
        if browser::is_hidden() {
            return self.look_out_unseen();
        }
        self.beat.update(|beat| *beat = beat.wrapping_add(1));
        self.inner.update_value(|inner| inner.ticked = true);
        self.ask_frame();
    }

    /// The Machine page is open, about this machine; `None`: the last one, or a sensible first.
    pub fn want(self, wanted: Option<MachineRef>) {
        self.inner.update_value(|inner| {
            inner.views.open_machine(wanted);
            inner.timer_passed = true;
        });
        self.draw();
    }

    /// The Machine page was left.
    pub fn want_none(self) {
        self.inner.update_value(|inner| inner.views.close_machine());
    }

    /// This tab's id.
    #[must_use]
    pub fn own_peer(self) -> Option<PeerId> {
        self.inner
            .try_update_value(|inner| inner.live().0.own())
            .flatten()
    }

    /// Machines that count, as in the headline.
    #[must_use]
    pub fn machine_count(self) -> u64 {
        let count = self.inner.try_update_value(|inner| {
            let machines = inner.live().0.machines();
            machines
                .filter(|one| one.counts() && one.gone.is_none())
                .count()
        });
        count.unwrap_or_default() as u64
    }

    /// Machines of others that are here.
    #[must_use]
    pub fn machines_of_others(self) -> Vec<MachineKey> {
        self.inner
            .try_update_value(|inner| {
                let machines = inner.live().0.machines();
                let others = machines.filter(|one| !one.own && one.gone.is_none());
                others.map(|one| one.key).collect()
            })
            .unwrap_or_default()
    }

    /// The signal of one row, as long as whoever asks is there.
    #[must_use]
    pub fn row(self, key: &MachineKey) -> Option<ArcRwSignal<FleetRow>> {
        let key = *key;
        let row = self.inner.try_update_value(|inner| {
            let (past, at) = inner.time.past(inner.now());
            let world = past.unwrap_or(&inner.world);
            let row = || Some(fleet_row(world, world.machine(&key)?, at));
            inner.views.row(&key, row)
        });
        let row = row.flatten()?;
        on_cleanup(move || {
            self.inner
                .try_update_value(|inner| inner.views.release(&key));
        });
        Some(row)
    }

    /// One row as it is drawn now.
    #[must_use]
    pub fn row_now(self, key: &MachineKey) -> Option<FleetRow> {
        self.inner.with_value(|inner| {
            let (past, at) = inner.time.past(inner.now());
            let world = past.unwrap_or(&inner.world);
            Some(fleet_row(world, world.machine(key)?, at))
        })
    }

    /// The id of a machine, at whatever moment it was known.
    #[must_use]
    pub fn id_of(self, key: &MachineKey) -> Option<String> {
        self.inner.with_value(|inner| {
            let id = inner.time.recorder().history().id(key);
            id.map(|id| id.as_ref().to_owned())
        })
    }

    /// Health of one machine as it is drawn now.
    #[must_use]
    pub fn health(self, key: &MachineKey) -> Health {
        self.inner.with_value(|inner| {
            let (past, _) = inner.time.past(inner.now());
            past.unwrap_or(&inner.world).assessment(key).health
        })
    }

    /// The signal of one host.
    #[must_use]
    pub fn host(self, peer: &PeerId) -> Option<ArcRwSignal<Group>> {
        self.inner.with_value(|inner| inner.views.host(peer))
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
        let Some(now) = self.inner.try_with_value(Inner::now) else {
            return;
        };
        self.follow_on(now);
        let Some(drawing) = self.inner.try_update_value(|inner| {
            inner.note_drawn();
            inner.draw(self.wall.0.get_untracked(), now)
        }) else {
            return;
        };
        if drawing.slow {
            self.look_out();
            set(self.clock, now);
        }
        if drawing.counts {
            set(self.now, drawing.at);
            self.frame.update(|frame| *frame = frame.wrapping_add(1));
        }
        set(self.dock, drawing.dock);
        set(self.connection, drawing.connection);
        set(self.link, drawing.link);
        if let Some(news) = drawing.news {
            set(self.news, news);
        }
        if let Some(verdict) = drawing.verdict {
            set(self.verdict, verdict);
        }
        if let Some(attention) = drawing.attention {
            set(self.attention, attention);
        }
        for (signal, row) in drawing.drawn.rows {
            signal.set(row);
        }
        for (signal, group) in drawing.drawn.groups {
            signal.set(group);
        }
        if let Some(hosts) = drawing.drawn.hosts {
            set(self.hosts, hosts);
        }
        if let Some(list) = drawing.drawn.fleet {
            self.fleet.list.set(list);
        }
        if let Some(screen) = drawing.drawn.screen {
            set(self.screen, screen);
        }
        if let Some(peers) = drawing.peers {
            set(self.peers, peers);
        }
        if let Some(mesh) = drawing.mesh {
            set(self.mesh, mesh);
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
    /// Another moment is looked at, or time passed in the one looked at.
    counts: bool,
    at: Seen,
    dock: Dock,
    connection: Connection,
    verdict: Option<Verdict>,
    attention: Option<Vec<AttentionRow>>,
    drawn: Drawn,
    peers: Option<PeersScreen>,
    link: Option<LinkFacts>,
    news: Option<Option<News>>,
    mesh: Option<MeshScreen>,
    announcement: Option<String>,
    first_remote: bool,
}

impl Inner {
    fn obey(&mut self) {
        self.world.set_rules(self.rules);
        self.time.tune(self.rules, self.limits);
    }

    fn draw(&mut self, wall: WallClock, now: Seen) -> Drawing {
        if let Some(aside) = &mut self.aside {
            aside.world.settle(browser::now());
        } else {
            self.world.settle(now);
        }
        let asked = std::mem::take(&mut self.timer_passed);
        let slow = std::mem::take(&mut self.ticked) | asked;
        let moved =
            self.time.look(&self.world, self.views.shown(), now) | std::mem::take(&mut self.turned);
        let fresh = asked || moved;
        // A moment that was drawn stays as it is; of a recording, everything does.
        let is_past = self.time.past(now).0.is_some();
        let is_still = is_past && !fresh;
        let counts = fresh || slow && !(is_still && self.aside.is_some());
        let watched = self.watch(fresh || slow && !is_still, now);
        let (past, at) = self.time.past(now);
        let mut changes = Changes {
            slow: slow && !is_still,
            reshaped: moved,
            moved: fresh,
            dirty: OrderedSet::new(),
        };
        let mut is_judged = true;
        if past.is_none() {
            // What came while something else was looked at is drawn now.
            changes.reshaped |= self.world.take_reshaped();
            changes.dirty = self.world.take_dirty();
            is_judged = self.world.take_judged();
        }
        let world = past.unwrap_or(&self.world);
        let verdict =
            (counts || !is_past && is_judged).then(|| self.headline(past, at, now, watched, wall));
        let drawn = {
            let told = &self.time.told(at);
            let scene = Scene {
                world,
                at,
                now,
                told,
                is_still,
            };
            self.views.draw(&scene, &changes)
        };
        let attention = (counts && !is_still || !is_past && is_judged)
            .then(|| join_rows(attention_rows(world, at), &self.watch.rows));
        let mesh = counts
            .then(|| self.graph.draw(world, &self.world, &self.time, at, now))
            .flatten();
        let peers = counts
            .then(|| self.peers.draw(world, &self.time, at, now, self.origin))
            .flatten();
        Drawing {
            slow,
            counts,
            at,
            attention,
            drawn,
            peers,
            link: self.world.main_link().cloned(),
            news: slow.then(|| self.news(now)),
            dock: self.time.dock(&self.world, self.views.shown(), now),
            connection: self.world.connection().clone(),
            mesh,
            announcement: verdict
                .as_ref()
                .and_then(|verdict| self.announce(verdict, now)),
            verdict,
            first_remote: self.is_first_remote(),
        }
    }

    /// The headline of a moment; `watched`: machines that only rules are about.
    fn headline(
        &self,
        past: Option<&World>,
        at: Seen,
        now: Seen,
        watched: usize,
        wall: WallClock,
    ) -> Verdict {
        let verdict = match past {
            None => verdict(&self.world, wall, now),
            Some(then) => past_verdict(then, at, self.present(), wall),
        };
        match self.aside {
            // What is live is not in view.
            Some(_) => verdict,
            None => Verdict {
                attention: verdict.attention + watched,
                ..verdict
            },
        }
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
            Some((_, old)) if *old == words => None,
            // A recording ends before what was announced live: that is no haste.
            Some((at, _)) if *at <= now && now.since(*at) < ANNOUNCE_EVERY => None,
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
