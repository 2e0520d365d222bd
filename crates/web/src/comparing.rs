//! What is compared, and how far that is: two sides chosen from what is live, from a recording shown, from a link, a
//! bookmark or a file, and the comparison of them, which is made in slices between frames.
//!
//! The page's address names both sides; files cannot stand in it, so whoever opens such a link is asked for them.

mod find;
mod go;

use std::time::Duration;

use crate::ui::prelude::*;

use crate::browser;
use crate::history::{Position, Recording, Seen};
use crate::model::compare::{Alignment, Comparison, Job, Line, Reading, Row, Table};
use crate::model::{MachineKey, MomentLink, Route, Shown};
use crate::router::Router;
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Comparing {
    store: Store,
    router: Router,
    sharing: Sharing,
    inner: StoredValue<Inner, LocalStorage>,
    /// A and B.
    pub sides: RwSignal<[Option<Chosen>; 2]>,
    /// Where both begin.
    pub alignment: RwSignal<Alignment>,
    /// Names of the files that were read.
    pub files: RwSignal<Vec<String>>,
    /// Percent, while it is computed.
    pub progress: RwSignal<Option<u64>>,
    /// Counts up when there is something else to draw.
    pub drawn: RwSignal<u32>,
    /// Counts comparisons that were finished.
    pub made: RwSignal<u32>,
    /// Rows chosen by hand; `None`: nobody chooses.
    pub hand: RwSignal<Option<[Option<u32>; 2]>>,
}

/// A side as it was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Where it is; `None`: wherever it is found.
    pub source: Option<Source>,
    /// Machine and moment; without a moment as it is now, or where the recording ends.
    pub link: MomentLink,
}

/// Where a history comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The mesh.
    Live,
    /// The recording that the page shows.
    Shown,
    /// A file, by its number.
    File(usize),
}

/// What is known of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its machine.
    pub name: Shown,
    /// Where it is from; `None`: it is not here.
    pub source: Option<String>,
    /// What was compared of it.
    pub span: Option<(Seen, Seen)>,
    /// How well it is known.
    pub level: Option<&'static str>,
}

#[derive(Default)]
struct Inner {
    files: Vec<Recording>,
    /// A run of slices ends when another begins.
    run: u32,
    job: Option<Job>,
    found: [Option<Side>; 2],
    comparison: Option<Comparison>,
    table: Table,
    /// Something chosen is not there yet.
    waits: bool,
}

/// A side as it was found.
#[derive(Clone, Debug)]
struct Side {
    source: Source,
    key: MachineKey,
    until: Position,
    from: Option<Seen>,
    /// How it was found, if that needs saying.
    told: Option<String>,
}

impl Comparing {
    /// Nothing chosen.
    #[must_use]
    pub fn new(store: Store, router: Router, sharing: Sharing) -> Self {
        Self {
            store,
            router,
            sharing,
            inner: StoredValue::new_local(Inner::default()),
            sides: RwSignal::new([None, None]),
            alignment: RwSignal::new(Alignment::default()),
            files: RwSignal::new(Vec::new()),
            progress: RwSignal::new(None),
            drawn: RwSignal::new(0),
            made: RwSignal::new(0),
            hand: RwSignal::new(None),
        }
    }

    /// Chooses a side.
    pub fn choose(self, side: usize, chosen: Chosen) {
        let mut sides = self.sides.get_untracked();
        sides[side] = Some(chosen);
        self.set(sides);
    }

    /// Chooses what is looked at as A, and opens the view.
    pub fn take_here(self) {
        let link = self.store.link();
        self.choose(0, Chosen::of(link));
        self.router.show(Route::Compare);
    }

    /// Chooses a moment as A, or as B when there is an A already, and opens the view.
    pub fn with_moment(self, link: MomentLink) {
        let side = usize::from(self.sides.with_untracked(|sides| sides[0].is_some()));
        self.choose(side, Chosen::of(link));
        self.router.show(Route::Compare);
    }

    /// A is B, and B is A.
    pub fn swap(self) {
        let [a, b] = self.sides.get_untracked();
        if let Alignment::Hand(a, b) = self.alignment.get_untracked() {
            self.alignment.set(Alignment::Hand(b, a));
        }
        self.set([b, a]);
    }

    fn set(self, sides: [Option<Chosen>; 2]) {
        if let Alignment::Hand(..) = self.alignment.get_untracked()
            && self
                .sides
                .with_untracked(|old| old.iter().any(|it| !sides.contains(it)))
        {
            // Rows of other sides.
            self.alignment.set(Alignment::default());
        }
        self.hand.set(None);
        self.sides.set(sides);
        self.start();
    }

    /// Aligns both in another way.
    pub fn align(self, alignment: Alignment) {
        self.hand.set(None);
        self.alignment.set(alignment);
        self.start();
    }

    /// Takes a row by hand; with one of each side they are aligned there.
    pub fn pick(self, side: usize, item: u32) {
        let mut picked = self.hand.get_untracked().unwrap_or_default();
        picked[side] = Some(item);
        match picked {
            [Some(a), Some(b)] => self.align(Alignment::Hand(a as usize, b as usize)),
            [_, _] => self.hand.set(Some(picked)),
        }
    }

    /// Reads what an address names.
    pub fn arrive(self, fragment: &str) {
        let Some(link) = MomentLink::of_text(fragment) else {
            return;
        };
        let mut link = link;
        let other = link.compared.take().map(|other| *other);
        let is_named = link.machine.is_some() || link.is_moment();
        let wanted = [is_named.then_some(link), other];
        let now = self.sides.get_untracked();
        let links = now
            .each_ref()
            .map(|it| it.as_ref().map(|it| it.link.clone()));
        if links != wanted {
            let sides = wanted.map(|link| {
                let source = None;
                Some(Chosen {
                    source,
                    link: link?,
                })
            });
            self.set(sides);
        }
    }

    /// The fragment that names both sides.
    #[must_use]
    pub fn fragment(self) -> String {
        let [a, b] = self.sides.get();
        let compared = b
            .map(|b| Box::new(b.link))
            .filter(|it| it.machine.is_some());
        let link = MomentLink {
            compared,
            ..a.map(|a| a.link).unwrap_or_default()
        };
        if link == MomentLink::default() {
            return String::new();
        }
        link.fragment()
    }

    /// Begins to compare what is chosen.
    pub fn start(self) {
        let sides = self.sides.get_untracked();
        let found = sides.each_ref().map(|side| self.find(side.as_ref()?));
        let readings = found.each_ref().map(|side| {
            let side = side.as_ref()?;
            self.read(side.source, |history| {
                Reading::new(history.track(&side.key)?, side.until, side.from)
            })?
        });
        let is_chosen = |side: &Option<Chosen>| {
            let link = side.as_ref().map(|side| &side.link);
            link.is_some_and(|link| link.machine.is_some())
        };
        let alignment = self.alignment.get_untracked();
        let run = self.inner.try_update_value(|inner| {
            inner.run += 1;
            inner.waits = sides
                .iter()
                .zip(&found)
                .any(|(side, found)| is_chosen(side) && found.is_none());
            inner.found = found;
            inner.comparison = None;
            inner.table = Table::default();
            inner.job = match readings {
                [Some(a), Some(b)] => Some(Job::new([a, b], alignment)),
                [_, _] => None,
            };
            inner.job.is_some().then_some(inner.run)
        });
        let run = run.flatten();
        self.progress.set(run.map(|_| 0));
        self.draw();
        if let Some(run) = run {
            self.slice(run);
        }
    }

    /// Tries again when something is missing that may come.
    pub fn try_again(self) {
        if self.inner.with_value(|inner| inner.waits) {
            self.start();
        }
    }

    /// Stops.
    pub fn cancel(self) {
        self.inner.update_value(|inner| {
            inner.run += 1;
            inner.job = None;
        });
        self.progress.set(None);
    }

    /// Works for a few milliseconds, and goes on when the page had its turn.
    fn slice(self, run: u32) {
        let job = self.inner.try_update_value(|inner| {
            let is_it = inner.run == run;
            inner
                .job
                .take_if(|_| is_it)
                .map(|job| (job, inner.found.clone()))
        });
        let Some((mut job, found)) = job.flatten() else {
            return;
        };
        let began = browser::now();
        let mut is_due = || browser::now().since(began) >= SLICE;
        let mut done = None;
        while done.is_none() && !is_due() {
            match job.wants() {
                Some(which) => {
                    let side = found[which].as_ref();
                    let read = side.and_then(|side| {
                        self.read(side.source, |history| {
                            job.read(which, history.track(&side.key), &mut is_due);
                        })
                    });
                    if read.is_none() {
                        job.read(which, None, &mut is_due);
                    }
                }
                None => done = job.compare(&mut is_due),
            }
        }
        let percent = done.is_none().then(|| job.percent());
        self.inner.update_value(|inner| match done {
            Some(comparison) => {
                inner.table = Table::new(&comparison.rows);
                inner.comparison = Some(comparison);
            }
            None => inner.job = Some(job),
        });
        if self.progress.get_untracked() != percent {
            self.progress.set(percent);
        }
        if percent.is_some() {
            set_timeout(move || self.slice(run), Duration::ZERO);
        } else {
            self.draw();
            self.made.update(|made| *made = made.wrapping_add(1));
        }
    }

    fn draw(self) {
        self.drawn.update(|drawn| *drawn = drawn.wrapping_add(1));
    }

    /// What came out; the reader follows it.
    pub fn with<R>(self, read: impl FnOnce(&Comparison, &Table) -> R) -> Option<R> {
        self.drawn.track();
        self.inner.with_value(|inner| {
            let comparison = inner.comparison.as_ref()?;
            Some(read(comparison, &inner.table))
        })
    }

    /// Opens a stretch of equal rows, or closes it.
    pub fn toggle(self, block: usize) {
        self.inner.update_value(|inner| inner.table.toggle(block));
        self.draw();
    }

    /// What is known of a side; `None`: nothing is chosen.
    #[must_use]
    pub fn about(self, side: usize) -> Option<About> {
        self.drawn.track();
        let chosen = self.sides.with(|sides| sides[side].clone())?;
        let sources = self.sources();
        let called = |source: Source| {
            let found = sources.iter().find(|(it, _)| *it == source);
            found.map(|(_, name)| Shown::new(name).plain())
        };
        let name = Shown::new(&chosen.link.machine.as_ref()?.id);
        self.inner.with_value(|inner| {
            let found = inner.found[side].as_ref();
            let read = inner.comparison.as_ref().map(|it| &it.sides[side]);
            Some(About {
                name,
                source: found.and_then(|found| called(found.source)),
                span: read.map(|read| read.span),
                level: read.map(|read| words::compare::level(read.level)),
            })
        })
    }

    /// How a side was found, where that needs saying.
    #[must_use]
    pub fn told(self, side: usize) -> Option<String> {
        self.drawn.track();
        self.inner
            .with_value(|inner| inner.found[side].as_ref()?.told.clone())
    }

    /// Records of sides that go on, which came since they were compared.
    #[must_use]
    pub fn since(self) -> u64 {
        self.drawn.track();
        let sides = self.sides.get_untracked();
        let found = self.inner.with_value(|inner| {
            let is_there = inner.comparison.is_some();
            is_there.then(|| inner.found.clone())
        });
        let found = found.unwrap_or_default();
        let of = |(chosen, found): (&Option<Chosen>, &Option<Side>)| {
            let (chosen, found) = (chosen.as_ref()?, found.as_ref()?);
            if chosen.link.is_moment() || found.source != Source::Live {
                return None;
            }
            self.read(Source::Live, |history| {
                let track = history.track(&found.key)?;
                let read = track.at(found.until)?;
                Some(track.places().1.0 - read.0 - 1)
            })?
        };
        sides.iter().zip(&found).filter_map(of).sum()
    }

    /// The line of the first difference.
    #[must_use]
    pub fn first_line(self) -> Option<usize> {
        self.with(|comparison, table| Some(table.line_of(comparison.first?)))
            .flatten()
    }

    /// A line and the row in it.
    #[must_use]
    pub fn row_at(self, line: usize) -> Option<(Line, Option<Row>)> {
        self.inner.with_value(|inner| {
            let line = inner.table.line(line)?;
            let row = match line {
                Line::Row(row) => inner.comparison.as_ref()?.rows.get(row).copied(),
                Line::Fold(..) => None,
            };
            Some((line, row))
        })
    }
}

impl Chosen {
    /// All of the run until that moment, wherever it is found.
    #[must_use]
    pub fn of(link: MomentLink) -> Self {
        Self {
            source: None,
            link: MomentLink {
                window: None,
                state: None,
                compared: None,
                ..link
            },
        }
    }
}

/// Milliseconds of work at once (dashboard design 5.5).
const SLICE: u64 = 8;
