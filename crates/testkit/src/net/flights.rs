//! Messages under way: what each link does to them, and which arrives next.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use statemesh_core::Instant;
use statemesh_core::mesh::wire::MessageKind;
use statemesh_core::node::Signed;

use super::{Dice, Member};

/// What links do to messages. Probabilities are per thousand.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Shortest and longest time over one link.
    pub latency: (Duration, Duration),
    /// Lost on a link.
    pub loss: u64,
    /// Carried twice by a link.
    pub doubled: u64,
    /// Held back by a link for up to [`Weather::delay`], so that later ones overtake it.
    pub delayed: u64,
    /// Longest such delay.
    pub delay: Duration,
    /// Forwarded by a member that does not read it itself: what an application with a full queue does.
    pub unread: u64,
    /// Only this kind stays unread; every kind when `None`.
    pub unread_kind: Option<MessageKind>,
}

impl Default for Weather {
    fn default() -> Self {
        let latency = Duration::from_millis(5);
        Self {
            latency: (latency, latency),
            loss: 0,
            doubled: 0,
            delayed: 0,
            delay: Duration::ZERO,
            unread: 0,
            unread_kind: None,
        }
    }
}

impl Weather {
    /// When a message sent now over one link arrives; nothing when it is lost.
    pub(super) fn carry(&self, dice: &mut Dice) -> Option<Duration> {
        if self.loss > 0 && dice.below(1000) < self.loss {
            return None;
        }
        let held = match self.delayed {
            0 => Duration::ZERO,
            per_mille if dice.below(1000) < per_mille => dice.up_to(self.delay),
            _ => Duration::ZERO,
        };
        let (low, high) = self.latency;
        Some(low + dice.up_to(high.saturating_sub(low)) + held)
    }

    /// Whether a member does not read this message.
    pub(super) fn hides(&self, kind: Option<MessageKind>, dice: &mut Dice) -> bool {
        let is_meant = self.unread_kind.is_none_or(|unread| Some(unread) == kind);
        is_meant && self.unread > 0 && dice.below(1000) < self.unread
    }
}

/// One published message.
pub(super) struct Post {
    pub(super) serial: u64,
    pub(super) kind: Option<MessageKind>,
    pub(super) signed: Arc<Signed>,
    /// One bit per member that has it.
    seen: RefCell<Vec<u64>>,
}

impl Post {
    pub(super) fn new(kind: Option<MessageKind>, signed: Signed) -> Rc<Self> {
        Rc::new(Self {
            serial: signed.seqno,
            kind,
            signed: Arc::new(signed),
            seen: RefCell::default(),
        })
    }

    /// Whether this member has it.
    pub(super) fn has_reached(&self, member: Member) -> bool {
        let seen = self.seen.borrow();
        let word = seen.get(member / 64).copied().unwrap_or_default();
        word & (1 << (member % 64)) != 0
    }

    /// Notes that this member has it; false when it had it before.
    pub(super) fn reach(&self, member: Member) -> bool {
        let mut seen = self.seen.borrow_mut();
        let (word, bit) = (member / 64, 1 << (member % 64));
        if seen.len() <= word {
            seen.resize(word + 1, 0);
        }
        let is_new = seen[word] & bit == 0;
        seen[word] |= bit;
        is_new
    }
}

/// Something on its way to a member.
pub(super) struct Flight {
    at: Instant,
    serial: u64,
    pub(super) via: Member,
    pub(super) to: Member,
    pub(super) post: Rc<Post>,
}

/// All that is under way, by time of arrival, then by order of departure: a calendar, since a heap of a million flights
/// costs more than what they carry.
#[derive(Default)]
pub(super) struct Flights {
    /// Flights by day of arrival. Those of the first day that has any are in order, the next one last.
    days: BTreeMap<u64, Vec<Flight>>,
    /// The day that is in order.
    today: Option<u64>,
    serial: u64,
}

impl Flights {
    pub(super) fn depart(&mut self, at: Instant, via: Member, to: Member, post: Rc<Post>) {
        self.serial += 1;
        let serial = self.serial;
        let flight = Flight {
            at,
            serial,
            via,
            to,
            post,
        };
        let day = at.since(Instant::ZERO).as_micros() as u64 / DAY;
        let flights = self.days.entry(day).or_default();
        if self.today == Some(day) {
            let later = flights.partition_point(|other| (other.at, other.serial) > (at, serial));
            flights.insert(later, flight);
        } else {
            flights.push(flight);
        }
    }

    /// When the next one arrives.
    pub(super) fn next(&mut self) -> Option<Instant> {
        let mut first = self.days.first_entry()?;
        if self.today != Some(*first.key()) {
            self.today = Some(*first.key());
            let flights = first.get_mut();
            flights.sort_unstable_by_key(|flight| Reverse((flight.at, flight.serial)));
        }
        first.get().last().map(|flight| flight.at)
    }

    /// The one that [`Self::next`] told of.
    pub(super) fn arrive(&mut self) -> Option<Flight> {
        let mut first = self.days.first_entry()?;
        let flight = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
            self.today = None;
        }
        flight
    }
}

/// Microseconds of a day: a few hundred flights in a large network.
const DAY: u64 = 250;
