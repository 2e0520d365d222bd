//! Links as those at their ends report them, kept over time. A link has two ends and each may speak of it, so what is kept
//! is claims, one for each end that spoke; what they make of a link is decided when somebody asks ([`super::network`]).
//!
//! Bounded: claims in number, and of each the newest stretches and the newest looks.

use std::collections::VecDeque;

use statemesh::PeerId;
use statemesh::core::collections::OrderedMap;

use super::Seen;
use super::bytes::{Reader, put, put_bytes};
use super::file::later;
use super::journal::MAX_ID;
use crate::model::{Carrier, LinkEnd, ReportedLink};

/// What one end said of one link.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    stints: VecDeque<Stint>,
}

/// A stretch in which an end named a link.
#[derive(Clone, Debug)]
pub struct Stint {
    /// From.
    pub from: Seen,
    /// Until; `None`: it lasts.
    pub to: Option<Seen>,
    /// It ended because its reporter named all links it had, and not this one; else the reporter went or has too many.
    pub withdrawn: bool,
    looks: VecDeque<Glance>,
}

/// What a link was like from some instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// From.
    pub at: Seen,
    /// Carrier; `None`: not told.
    pub carrier: Option<Carrier>,
    /// Round trip in milliseconds.
    pub rtt: Option<u64>,
}

impl Stint {
    /// Is the instant in it?
    #[must_use]
    pub fn holds(&self, at: Seen) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// What the link was like.
    #[must_use]
    pub fn look(&self, at: Seen) -> Option<Glance> {
        let after = self.looks.partition_point(|look| look.at <= at);
        self.looks.get(after.saturating_sub(1)).copied()
    }

    /// What its round trip mostly was until then: half of the time below, half above.
    #[must_use]
    pub fn median(&self, at: Seen) -> Option<u64> {
        self.percentile(at, 50)
    }

    /// What its round trip was at most in so many of a hundred parts of the time until then.
    #[must_use]
    pub fn percentile(&self, at: Seen, percent: u64) -> Option<u64> {
        let until = at.min(self.to.unwrap_or(at));
        let ends = self.looks.iter().skip(1).map(|next| next.at);
        let spans = self.looks.iter().zip(ends.chain([until]));
        let mut spans: Vec<(u64, u64)> = spans
            .filter(|(look, _)| look.at <= until)
            .filter_map(|(look, end)| Some((look.rtt?, end.min(until).since(look.at).max(1))))
            .collect();
        spans.sort_unstable();
        let all: u64 = spans.iter().map(|(_, span)| *span).sum();
        let mut below = 0;
        let middle = spans.into_iter().find(|(_, span)| {
            below += *span;
            below.saturating_mul(100) >= all.saturating_mul(percent)
        });
        middle.map(|(rtt, _)| rtt)
    }

    fn see(&mut self, look: Glance) {
        if let Some(last) = self.looks.back()
            && (last.carrier, last.rtt) == (look.carrier, look.rtt)
        {
            return;
        }
        if self.looks.len() == MAX_LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back(look);
    }
}

impl Claim {
    /// The stretch that holds an instant, else the last before it.
    #[must_use]
    pub fn at(&self, at: Seen) -> Option<&Stint> {
        let after = self.stints.partition_point(|stint| stint.from <= at);
        self.stints.get(after.checked_sub(1)?)
    }

    /// All stretches, oldest first.
    pub fn stints(&self) -> impl DoubleEndedIterator<Item = &Stint> {
        self.stints.iter()
    }

    fn is_open(&self) -> bool {
        self.stints.back().is_some_and(|last| last.to.is_none())
    }

    fn see(&mut self, since: Seen, look: Glance) {
        if !self.is_open() {
            let before = self.stints.back().and_then(|last| last.to);
            if self.stints.len() == MAX_STINTS {
                self.stints.pop_front();
            }
            self.stints.push_back(Stint {
                from: since.max(before.unwrap_or(since)),
                to: None,
                withdrawn: false,
                looks: VecDeque::new(),
            });
        }
        if let Some(last) = self.stints.back_mut() {
            last.see(look);
        }
    }

    fn end(&mut self, now: Seen, withdrawn: bool) {
        if let Some(last) = self.stints.back_mut().filter(|last| last.to.is_none()) {
            last.to = Some(now.max(last.from));
            last.withdrawn = withdrawn;
        }
    }
}

/// All claims, by who made them.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    table: OrderedMap<(PeerId, LinkEnd), Claim>,
    /// The last report of each, so that equal ones cost nothing.
    reports: OrderedMap<PeerId, Vec<ReportedLink>>,
}

impl Claims {
    /// All claims.
    pub fn iter(&self) -> impl Iterator<Item = (&(PeerId, LinkEnd), &Claim)> {
        self.table.iter()
    }

    /// What one end says of another.
    #[must_use]
    pub fn get(&self, reporter: PeerId, end: LinkEnd) -> Option<&Claim> {
        self.table.get(&(reporter, end))
    }

    /// Links of one reporter now, each with since when it has been open.
    pub(super) fn report(
        &mut self,
        reporter: PeerId,
        links: &[ReportedLink],
        has_more: bool,
        since: impl Fn(LinkEnd) -> Seen,
        now: Seen,
    ) {
        if self
            .reports
            .get(&reporter)
            .map_or(links.is_empty(), |last| last == links)
        {
            return;
        }
        for link in links {
            let look = Glance {
                at: now,
                carrier: link.carrier,
                rtt: link.rtt,
            };
            if let Some(claim) = self.claim_mut(reporter, link.end) {
                claim.see(since(link.end), look);
            }
        }
        self.end(reporter, links, !has_more, now);
        self.reports.insert(reporter, links.to_vec());
    }

    /// For a recording.
    pub(super) fn pack(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.table.len() as u64);
        for ((reporter, end), claim) in &self.table {
            put_bytes(bytes, reporter.as_bytes());
            put(bytes, end.0);
            put(bytes, claim.stints.len() as u64);
            let mut before = 0;
            for stint in &claim.stints {
                put(bytes, stint.from.0.saturating_sub(before));
                let lasted = stint.to.map(|to| to.since(stint.from));
                put(bytes, lasted.map_or(0, |lasted| lasted + 1));
                put(bytes, u64::from(stint.withdrawn));
                put(bytes, stint.looks.len() as u64);
                let mut last = stint.from.0;
                for look in &stint.looks {
                    // A link may be older than the first word of it, never younger.
                    put(bytes, look.at.0.saturating_sub(last));
                    put_bytes(bytes, look.carrier.map_or("", Carrier::mark).as_bytes());
                    put(bytes, look.rtt.map_or(0, |rtt| rtt.saturating_add(1)));
                    last = look.at.0.max(last);
                }
                before = stint.to.unwrap_or(stint.from).0;
            }
        }
    }

    /// From a recording whose instants are `shift` later here.
    pub(super) fn unpack(reader: &mut Reader<'_>, shift: u64) -> Option<Self> {
        let mut claims = Self::default();
        for _ in 0..reader.count()? {
            let reporter = PeerId::from_bytes(reader.block(MAX_ID)?).ok()?;
            let end = LinkEnd(reader.number()?);
            let mut claim = Claim::default();
            let mut before = Seen(shift);
            for _ in 0..reader.count()? {
                let from = later(before, reader.number()?)?;
                let lasted = reader.number()?.checked_sub(1);
                let withdrawn = reader.number()? == 1;
                let mut at = from;
                for _ in 0..reader.count()? {
                    at = later(at, reader.number()?)?;
                    let carrier = Carrier::marked(reader.text(MAX_MARK)?);
                    let rtt = reader.number()?.checked_sub(1);
                    claim.see(from, Glance { at, carrier, rtt });
                }
                before = from;
                if let Some(lasted) = lasted {
                    before = later(from, lasted)?;
                    claim.end(before, withdrawn);
                }
            }
            if let Some(place) = claims.claim_mut(reporter, end) {
                *place = claim;
            }
        }
        Some(claims)
    }

    /// The tab was closed: nobody reports any more.
    pub(super) fn close(&mut self, at: Seen) {
        self.reports = OrderedMap::new();
        self.table.for_each_mut(|_, claim| claim.end(at, false));
    }

    /// A reporter went: what it said holds no longer.
    pub(super) fn part(&mut self, reporter: PeerId, now: Seen) {
        if self.reports.remove(&reporter).is_some() {
            self.end(reporter, &[], false, now);
        }
    }

    /// Ends the claims of a reporter that are not among these links.
    fn end(&mut self, reporter: PeerId, links: &[ReportedLink], withdrawn: bool, now: Seen) {
        let all = (reporter, LinkEnd(0))..=(reporter, LinkEnd(u64::MAX));
        let over: Vec<LinkEnd> = self
            .table
            .range(all)
            .filter(|((_, end), claim)| {
                claim.is_open() && !links.iter().any(|link| link.end == *end)
            })
            .map(|((_, end), _)| *end)
            .collect();
        for end in over {
            if let Some(claim) = self.table.get_mut(&(reporter, end)) {
                claim.end(now, withdrawn);
            }
        }
    }

    /// `None`: there are too many, and all of them stand.
    fn claim_mut(&mut self, reporter: PeerId, end: LinkEnd) -> Option<&mut Claim> {
        let key = (reporter, end);
        if !self.table.contains_key(&key) && self.table.len() >= MAX_CLAIMS {
            let over = self.table.iter().filter(|(_, claim)| !claim.is_open());
            let ended = |claim: &Claim| claim.stints.back().and_then(|last| last.to);
            let oldest = over.min_by_key(|(_, claim)| ended(claim))?;
            let oldest = *oldest.0;
            self.table.remove(&oldest);
        }
        Some(self.table.get_or_insert_with(key, Claim::default))
    }
}

/// Bytes of the name of a carrier.
const MAX_MARK: usize = 32;
/// Claims held (guess: a thousand peers of a few links each, and as much that is over).
const MAX_CLAIMS: usize = 16_384;
/// Stretches held of one claim (guess).
const MAX_STINTS: usize = 32;
/// Looks held of one stretch (guess: ten minutes of a link that is measured often).
const MAX_LOOKS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::peer;

    fn link(end: u64, rtt: u64) -> ReportedLink {
        ReportedLink {
            end: LinkEnd(end),
            carrier: Some(Carrier::WebSocket),
            rtt: Some(rtt),
        }
    }

    fn say(claims: &mut Claims, links: &[ReportedLink], has_more: bool, now: u64) {
        claims.report(peer(1), links, has_more, |_| Seen(now), Seen(now));
    }

    #[test]
    fn claims_are_stretches_with_what_the_link_was_like() {
        let mut claims = Claims::default();
        say(&mut claims, &[link(7, 10)], false, 100);
        say(&mut claims, &[link(7, 10), link(8, 5)], false, 200);
        say(&mut claims, &[link(7, 90)], false, 300);
        claims.part(peer(1), Seen(400));
        let seven = claims.get(peer(1), LinkEnd(7)).unwrap();
        let eight = claims.get(peer(1), LinkEnd(8)).unwrap();
        assert!(seven.at(Seen(99)).is_none());
        let stint = seven.at(Seen(250)).unwrap();
        assert!(stint.holds(Seen(399)) && !stint.holds(Seen(400)));
        assert!(!stint.withdrawn, "its reporter went");
        for (at, rtt) in [(100, 10), (299, 10), (300, 90), (999, 90)] {
            assert_eq!(stint.look(Seen(at)).unwrap().rtt, Some(rtt), "{at}");
        }
        let over = eight.at(Seen(350)).unwrap();
        assert_eq!((over.to, over.withdrawn), (Some(Seen(300)), true));
    }

    #[test]
    fn the_median_is_what_it_mostly_was() {
        let mut claims = Claims::default();
        for (at, rtt) in [(0, 40), (60_000, 400), (61_000, 42)] {
            say(&mut claims, &[link(7, rtt)], false, at);
        }
        let stint = claims.get(peer(1), LinkEnd(7)).unwrap().at(Seen(61_000));
        let stint = stint.unwrap();
        for (at, median) in [(0, 40), (60_500, 40), (120_000, 40), (200_000, 42)] {
            assert_eq!(stint.median(Seen(at)), Some(median), "{at}");
        }
        for (at, most) in [(60_000, 40), (61_500, 400), (120_000, 42)] {
            assert_eq!(stint.percentile(Seen(at), 99), Some(most), "{at}");
        }
    }

    #[test]
    fn a_report_that_names_only_some_withdraws_nothing() {
        let mut claims = Claims::default();
        say(&mut claims, &[link(7, 10)], false, 100);
        say(&mut claims, &[link(8, 10)], true, 200);
        let over = claims.get(peer(1), LinkEnd(7)).unwrap();
        assert!(!over.at(Seen(200)).unwrap().withdrawn);
    }

    #[test]
    fn flapping_and_floods_are_bounded() {
        let mut claims = Claims::default();
        for at in 0..10_000 {
            say(&mut claims, &[link(at % 3, at)], false, at);
        }
        let seven = claims.get(peer(1), LinkEnd(0)).unwrap();
        assert!(seven.stints().count() <= MAX_STINTS);
        for reporter in 0..=u8::MAX {
            let links: Vec<ReportedLink> = (0..100).map(|end| link(end, 1)).collect();
            claims.report(peer(reporter), &links, false, |_| Seen(0), Seen(0));
        }
        assert_eq!(claims.iter().count(), MAX_CLAIMS);
    }
}
