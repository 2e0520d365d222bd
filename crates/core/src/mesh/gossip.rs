//! Who is asked for what, who is answered, and when: requests with backoff, answers with suppression.
//!
//! ```text
//! an id named, never introduced -> Asks::want -> due -> reqinfo [ids] -> (info) -> Asks::settle
//! reqinfo [other's id] heard    -> Answers::schedule -> due -> info, unless somebody else's came first
//! ```
//!
//! Invariants: one entry per id; both tables are capped; an id nobody answers for costs a bounded number of requests; a claim
//! never buys more than one place in a request that is sent anyway. Knows nothing about machines.

use std::time::Duration;

use crate::collections::{OrderedMap, OrderedSet};
use crate::ids::PeerId;
use crate::time::Instant;

/// What is asked for, the stronger last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Want {
    Updates,
    Info,
}

#[derive(Clone, Debug)]
struct Ask {
    want: Want,
    /// Requests sent since the id was last left alone.
    tries: u32,
    /// When it is asked for next; nothing while settled.
    next: Option<Instant>,
    /// When we last asked for it.
    last: Option<Instant>,
    /// Delay after the first request; doubled after each further one.
    base: Duration,
    /// Neighbours are asked directly until then, and only then the topic.
    topic_at: Option<Instant>,
}

/// Ids to ask for.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    table: OrderedMap<PeerId, Ask>,
    /// Those asked for next, by time: one entry per ask that has one.
    due: OrderedSet<(Instant, PeerId)>,
    /// What was due before was put off as often as it may be: it waits for the topic.
    put_off_until: Instant,
}

impl Asks {
    /// Asks for an id, after `delay` at the earliest, later when it was asked for recently. Refused when the table is full
    /// of ids that are still wanted.
    pub(crate) fn want(&mut self, id: PeerId, want: Want, pace: Pace, now: Instant) -> bool {
        self.forgive(id, now);
        if !self.table.contains_key(&id) && self.table.len() >= MAX_ASKS && !self.evict() {
            return false;
        }
        let ask = self.table.get_or_insert_with(id, || Ask {
            want,
            tries: 0,
            next: None,
            last: None,
            base: pace.base,
            topic_at: None,
        });
        let asked = now + pace.delay;
        let spaced = ask.last.map(|last| last + backoff(ask.base, ask.tries));
        let at = spaced.map_or(asked, |spaced| spaced.max(asked));
        let at = match ask.next {
            None => {
                ask.want = want;
                at
            }
            Some(next) => {
                ask.want = ask.want.max(want);
                next.min(at)
            }
        };
        plan(&mut self.due, id, ask, Some(at));
        true
    }

    /// The id has answered for itself. Its history stays a while, so that being named again and again costs little.
    pub(crate) fn settle(&mut self, id: PeerId, answered: Want) {
        if let Some(ask) = self.table.get_mut(&id)
            && ask.want <= answered
        {
            plan(&mut self.due, id, ask, None);
            ask.tries = ask.tries.min(MAX_TRIES - 1);
        }
    }

    /// The id is gone.
    pub(crate) fn forget(&mut self, id: PeerId) {
        if let Some(mut ask) = self.table.remove(&id) {
            plan(&mut self.due, id, &mut ask, None);
        }
    }

    /// Somebody else asked for it: the answer will be for all.
    pub(crate) fn overheard(&mut self, id: PeerId, want: Want, now: Instant) {
        if let Some(ask) = self.table.get_mut(&id)
            && let Some(next) = ask.next
            && ask.want == want
        {
            plan(&mut self.due, id, ask, Some(next.max(now + OVERHEARD)));
        }
    }

    /// Ids whose time has come, at most [`MAX_IDS_PER_REQUEST`] of one kind. Those not asked for again are dropped.
    pub(crate) fn take_due(&mut self, want: Want, now: Instant) -> Vec<PeerId> {
        let soon = now + GATHER;
        let next = self.due.iter().take_while(|(at, _)| *at <= soon);
        let next: Vec<PeerId> = next.map(|(_, id)| *id).collect();
        let mut due = Vec::new();
        for id in next {
            let Some(ask) = self.table.get_mut(&id) else {
                continue;
            };
            if ask.want != want {
                continue;
            }
            if ask.tries >= MAX_TRIES {
                self.forget(id);
                continue;
            }
            due.push(id);
            ask.last = Some(now);
            ask.tries += 1;
            let again = now + backoff(ask.base, ask.tries);
            plan(&mut self.due, id, ask, Some(again));
            if due.len() == MAX_IDS_PER_REQUEST {
                break;
            }
        }
        due
    }

    /// Puts off ids that the topic was never asked for: neighbours are asked directly, one after the other, for that long.
    /// Returns whether there are any.
    pub(crate) fn put_off(&mut self, patience: Duration, now: Instant) -> bool {
        // Nothing is ever planned for the past.
        let from = std::mem::replace(&mut self.put_off_until, now);
        let due = self.due.iter_from(|(at, _)| *at < from);
        let due = due.take_while(|(at, _)| *at <= now);
        let due: Vec<PeerId> = due.map(|(_, id)| *id).collect();
        let mut any = false;
        for id in due {
            if let Some(ask) = self.table.get_mut(&id)
                && ask.tries == 0
                && let topic_at = *ask.topic_at.get_or_insert(now + patience)
                && now < topic_at
            {
                any = true;
                plan(
                    &mut self.due,
                    id,
                    ask,
                    Some(topic_at.min(now + NEXT_NEIGHBOUR)),
                );
            }
        }
        any
    }

    /// When [`Self::take_due`] has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Ids that are asked for.
    pub(crate) fn wanted(&self) -> usize {
        self.due.len()
    }

    /// Whether the id is asked for, or was a while ago.
    pub(crate) fn has(&self, id: PeerId) -> bool {
        self.table.contains_key(&id)
    }

    /// Gives an id up that was asked for most often of those never heard, to make place for one that was.
    pub(crate) fn evict_unheard(&mut self, is_heard: impl Fn(PeerId) -> bool) {
        let named = self.table.iter().filter(|(id, _)| !is_heard(**id));
        let vainest = named.max_by_key(|(_, ask)| ask.tries);
        if let Some(id) = vainest.map(|(id, _)| *id) {
            self.forget(id);
        }
    }

    /// Ids held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Left alone for a while: the next time starts from the beginning.
    fn forgive(&mut self, id: PeerId, now: Instant) {
        if let Some(ask) = self.table.get(&id)
            && ask.next.is_none()
            && ask.last.is_none_or(|last| now.since(last) >= FORGIVE)
        {
            self.table.remove(&id);
        }
    }

    /// Makes room at the cost of a settled id.
    fn evict(&mut self) -> bool {
        let settled = self.table.iter().filter(|(_, ask)| ask.next.is_none());
        let oldest = settled.min_by_key(|(_, ask)| ask.last).map(|(id, _)| *id);
        oldest.is_some_and(|id| self.table.remove(&id).is_some())
    }
}

/// Moves an ask to another time, or to none.
fn plan(due: &mut OrderedSet<(Instant, PeerId)>, id: PeerId, ask: &mut Ask, at: Option<Instant>) {
    if ask.next == at {
        return;
    }
    if let Some(before) = std::mem::replace(&mut ask.next, at) {
        due.remove(&(before, id));
    }
    if let Some(at) = at {
        due.insert((at, id));
    }
}

/// When to ask first, and how patiently after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) delay: Duration,
    pub(crate) base: Duration,
}

impl Pace {
    /// For an id that was named: again after `base`, 0.5 s or more, then after twice as long, ... 25 s (spec P20).
    pub(crate) fn missing(delay: Duration, base: Duration) -> Self {
        Self { delay, base }
    }

    /// For somebody who takes its time, as Go peers do: again after 5 s, 10, 20, 25 s (spec P24).
    pub(crate) fn patient(delay: Duration) -> Self {
        Self {
            delay,
            base: Duration::from_secs(5),
        }
    }
}

/// Delay after the given number of requests.
fn backoff(base: Duration, tries: u32) -> Duration {
    MAX_BACKOFF.min(base * 2_u32.pow(tries.saturating_sub(1).min(6)))
}

#[derive(Clone, Debug)]
struct Answer {
    info: Option<Instant>,
    updates: Option<Instant>,
    /// No further answer before.
    quiet_until: Instant,
}

/// Answers on behalf of others, waiting for somebody else to be faster.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    table: OrderedMap<PeerId, Answer>,
}

impl Answers {
    /// Plans an answer after `delay`, unless one is planned or was given within [`QUIET`].
    pub(crate) fn schedule(&mut self, id: PeerId, want: Want, delay: Duration, now: Instant) {
        if !self.table.contains_key(&id) && self.table.len() >= MAX_ANSWERS {
            self.table
                .retain(|_, answer| answer.next().is_some() || answer.quiet_until > now);
            if self.table.len() >= MAX_ANSWERS {
                return;
            }
        }
        let answer = self.table.get_or_insert_with(id, || Answer {
            info: None,
            updates: None,
            quiet_until: now,
        });
        if answer.quiet_until > now {
            return;
        }
        answer.slot(want).get_or_insert(now + delay);
    }

    /// Somebody answered for that id.
    pub(crate) fn cancel(&mut self, id: PeerId, want: Want) {
        if let Some(answer) = self.table.get_mut(&id) {
            *answer.slot(want) = None;
        }
    }

    /// The id is gone.
    pub(crate) fn forget(&mut self, id: PeerId) {
        self.table.remove(&id);
    }

    /// An id to answer for now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(PeerId, Want)> {
        let (id, want) = self
            .table
            .iter()
            .find_map(|(id, answer)| Some((*id, answer.due(now)?)))?;
        let answer = self.table.get_mut(&id)?;
        *answer.slot(want) = None;
        answer.quiet_until = now + QUIET;
        Some((id, want))
    }

    /// When [`Self::take_due`] has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.table.values().filter_map(Answer::next).min()
    }

    /// Ids held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

impl Answer {
    /// What is to be said by `now`.
    fn due(&self, now: Instant) -> Option<Want> {
        if self.info.is_some_and(|at| at <= now) {
            return Some(Want::Info);
        }
        self.updates
            .is_some_and(|at| at <= now)
            .then_some(Want::Updates)
    }

    fn slot(&mut self, want: Want) -> &mut Option<Instant> {
        match want {
            Want::Info => &mut self.info,
            Want::Updates => &mut self.updates,
        }
    }

    fn next(&self) -> Option<Instant> {
        crate::time::earliest(self.info, self.updates)
    }
}

/// Ids asked for at the same time. A mesh of that many unknown peers is asked for in full.
pub(crate) const MAX_ASKS: usize = 1024;
/// Planned answers at the same time.
pub(crate) const MAX_ANSWERS: usize = 1024;
/// Ids in one request.
pub(crate) const MAX_IDS_PER_REQUEST: usize = 64;
/// Requests for one id before it is given up: 80 s with the backoff.
const MAX_TRIES: u32 = 8;
/// Longest delay between two requests for an id: Go's own spacing (spec 3.2).
const MAX_BACKOFF: Duration = Duration::from_secs(25);
/// An id is asked for from the beginning after that long without.
const FORGIVE: Duration = Duration::from_secs(60);
/// Wait after somebody else's request: an owner of this project answers within 0.2 s.
const OVERHEARD: Duration = Duration::from_secs(1);
/// Ids due this soon go along with a request.
const GATHER: Duration = Duration::from_millis(30);
/// From one neighbour to the next.
const NEXT_NEIGHBOUR: Duration = Duration::from_millis(500);
/// One answer per id in this time (spec R-ANSWER).
const QUIET: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::peer_id as id;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    const NOW: Pace = Pace {
        delay: Duration::ZERO,
        base: Duration::from_millis(500),
    };

    #[test]
    fn asks_are_capped_and_make_place_at_the_cost_of_settled_ones() {
        let mut asks = Asks::default();
        for number in 0..MAX_ASKS {
            assert!(asks.want(id(number), Want::Info, NOW, at(1)));
        }
        assert!(
            !asks.want(id(MAX_ASKS), Want::Info, NOW, at(1)),
            "all are still wanted"
        );
        asks.settle(id(3), Want::Info);
        assert!(asks.want(id(MAX_ASKS), Want::Info, NOW, at(2)));
        assert_eq!(asks.len(), MAX_ASKS);
    }

    #[test]
    fn neighbours_are_asked_one_after_the_other_before_the_topic_is() {
        let mut asks = Asks::default();
        asks.want(id(1), Want::Info, NOW, at(0));
        let patience = Duration::from_millis(1200);
        let mut asked = Vec::new();
        while let Some(due) = asks.next()
            && asks.put_off(patience, due)
        {
            asked.push(due);
        }
        assert_eq!(asked, [at(0), at(500), at(1000)]);
        assert_eq!(asks.next(), Some(at(1200)));
        assert_eq!(asks.take_due(Want::Info, at(1200)), [id(1)]);
        assert!(!asks.put_off(patience, at(5000)), "the topic was asked");
    }

    #[test]
    fn a_settled_id_named_again_keeps_its_backoff_until_left_alone() {
        let mut asks = Asks::default();
        let mut requests = Vec::new();
        for ms in 0..100_000 {
            asks.want(id(1), Want::Info, NOW, at(ms));
            if asks.next().is_some_and(|next| next <= at(ms)) {
                requests.extend(asks.take_due(Want::Info, at(ms)).iter().map(|_| ms));
                asks.settle(id(1), Want::Info);
            }
        }
        assert!(requests.len() <= 10, "{requests:?}");
        asks.settle(id(1), Want::Info);
        asks.want(id(1), Want::Info, NOW, at(200_000));
        assert_eq!(asks.next(), Some(at(200_000)));
        asks.take_due(Want::Info, at(200_000));
        assert_eq!(asks.next(), Some(at(200_500)), "forgiven");
    }

    #[test]
    fn a_stronger_want_replaces_a_weaker_one_and_is_not_settled_by_it() {
        let mut asks = Asks::default();
        asks.want(id(1), Want::Updates, NOW, at(1));
        asks.want(id(1), Want::Info, NOW, at(1));
        asks.settle(id(1), Want::Updates);
        assert!(asks.take_due(Want::Updates, at(1)).is_empty());
        assert_eq!(asks.take_due(Want::Info, at(1)), [id(1)]);
        asks.settle(id(1), Want::Info);
        assert_eq!(asks.next(), None);
    }

    #[test]
    fn an_overheard_request_delays_ours() {
        let mut asks = Asks::default();
        asks.want(id(1), Want::Info, NOW, at(0));
        asks.overheard(id(1), Want::Info, at(0));
        assert_eq!(asks.next(), Some(at(1000)));
    }

    #[test]
    fn answers_are_capped_and_given_once_in_five_seconds() {
        let mut answers = Answers::default();
        for number in 0..2 * MAX_ANSWERS {
            answers.schedule(id(number), Want::Info, Duration::from_millis(5), at(0));
        }
        assert_eq!(answers.len(), MAX_ANSWERS);
        let mut given = 0;
        while answers.take_due(at(5)).is_some() {
            given += 1;
        }
        assert_eq!(given, MAX_ANSWERS);
        answers.schedule(id(1), Want::Info, Duration::ZERO, at(4_999));
        assert_eq!(answers.next(), None, "answered a moment ago");
        // What is no longer held back makes place.
        answers.schedule(id(MAX_ANSWERS), Want::Updates, Duration::ZERO, at(6_000));
        assert_eq!(
            answers.take_due(at(6_000)),
            Some((id(MAX_ANSWERS), Want::Updates))
        );
        assert_eq!(answers.len(), 1);
    }
}
