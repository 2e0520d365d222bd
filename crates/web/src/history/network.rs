//! The network at a moment: who was there and which links were open, from what their ends said until then. The same at
//! any cursor, and now.

use statemesh::PeerId;
use statemesh::core::collections::OrderedMap;

use super::claims::{Claim, Glance, Stint};
use super::{Journal, Seen};
use crate::model::{Carrier, LinkClass, LinkEnd, NetLink, NetPeer, Network, Role};

/// Who was there, and how they were linked. What ended less than a minute before is still in it.
#[must_use]
pub fn network(journal: &Journal, at: Seen) -> Network {
    let own = journal.own();
    let mut peers: Vec<NetPeer> = journal
        .voices()
        .filter_map(|voice| peer(voice, at))
        .collect();
    peers.extend(own.map(|peer| NetPeer {
        peer,
        role: Some(Role::Tab),
        name: None,
        software: None,
        is_statemesh: true,
        first_hand: true,
        silent_since: None,
        left: None,
        said_bye: false,
    }));
    let mut ends: OrderedMap<LinkEnd, PeerId> = OrderedMap::new();
    for it in &peers {
        ends.insert(LinkEnd::from(it.peer), it.peer);
    }
    let mut unnamed = 0;
    let mut pairs: OrderedMap<(PeerId, PeerId), Pair<'_>> = OrderedMap::new();
    for ((reporter, end), claim) in journal.claims().iter() {
        let Some(stint) = claim.at(at) else {
            continue;
        };
        let (Some(other), Some(_)) = (ends.get(end), ends.get(&LinkEnd::from(*reporter))) else {
            unnamed += usize::from(stint.holds(at));
            continue;
        };
        let (key, is_first) = if reporter < other {
            ((*reporter, *other), true)
        } else {
            ((*other, *reporter), false)
        };
        let pair = pairs.get_or_insert_with(key, Pair::default);
        *(if is_first { &mut pair.0 } else { &mut pair.1 }) = Some(claim);
    }
    let role = |id: PeerId| journal.voice(&id).and_then(|voice| voice.role());
    let links = pairs.iter().filter_map(|((a, b), pair)| {
        let relays = (role(*a) == Some(Role::Relay), role(*b) == Some(Role::Relay));
        let by = match own {
            Some(own) if own == *a => By::First,
            Some(own) if own == *b => By::Second,
            _ => By::Both,
        };
        link((*a, *b), pair, by, relays, at)
    });
    Network {
        links: links.collect(),
        peers,
        unnamed,
    }
}

fn peer((id, voice): (&PeerId, &super::Voice), at: Seen) -> Option<NetPeer> {
    let last = voice.present.last(at)?;
    let left = last.to.filter(|to| *to <= at);
    if left.is_some_and(|left| at.since(left) >= KEPT) {
        return None;
    }
    Some(NetPeer {
        peer: *id,
        role: voice.role(),
        name: voice.name().cloned(),
        software: voice.software().cloned(),
        is_statemesh: voice.is_statemesh(),
        first_hand: voice.first_heard().is_some_and(|first| first <= at),
        silent_since: voice.silent_since(at),
        left,
        said_bye: left.is_some() && voice.said_bye(),
    })
}

/// What the two ends say.
#[derive(Default)]
struct Pair<'a>(Option<&'a Claim>, Option<&'a Claim>);

/// Whose word counts: of its own links the tab knows best.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    First,
    Second,
    Both,
}

fn link(
    ends: (PeerId, PeerId),
    pair: &Pair<'_>,
    by: By,
    relays: (bool, bool),
    at: Seen,
) -> Option<NetLink> {
    let stint = |claim: Option<&Claim>, wanted: bool| -> Option<Stint> {
        claim.filter(|_| wanted)?.at(at).cloned()
    };
    let first = stint(pair.0, by != By::Second);
    let second = stint(pair.1, by != By::First);
    let is_open = |of: &Option<Stint>, other: &Option<Stint>| {
        let Some(of) = of.as_ref().filter(|of| of.holds(at)) else {
            return false;
        };
        // The other end knew better, later: this one went without a word.
        !other.as_ref().is_some_and(|other| {
            other.withdrawn && other.to.is_some_and(|to| to > of.from && to <= at)
        })
    };
    let open = (is_open(&first, &second), is_open(&second, &first));
    let class = match (by, open) {
        (_, (false, false)) => LinkClass::Closed,
        (By::First | By::Second, _) => LinkClass::Measured,
        (By::Both, (true, true)) => LinkClass::Reported,
        (By::Both, (first, _)) if first && relays.0 || !first && relays.1 => LinkClass::Reported,
        (By::Both, _) => LinkClass::Hearsay,
    };
    let spoke = [(first, open.0, relays.0), (second, open.1, relays.1)];
    let is_closed = class == LinkClass::Closed;
    // Of two words a relay's is preferred, and one that says how long it takes.
    let said = spoke
        .iter()
        .filter(|(_, open, _)| *open || is_closed)
        .filter_map(|(stint, _, relay)| Some((stint.as_ref()?, *relay)));
    let look = |stint: &Stint| stint.look(at);
    let (best, _) = said
        .clone()
        .max_by_key(|(stint, relay)| (look(stint).is_some_and(|it| it.rtt.is_some()), *relay))?;
    let carrier: Option<Carrier> = said
        .clone()
        .find_map(|(stint, _)| stint.look(at).and_then(|it| it.carrier));
    let Glance { rtt, .. } = best.look(at)?;
    let usual = best.median(at);
    let ended = said.clone().filter_map(|(stint, _)| stint.to);
    let overruled = spoke.iter().filter_map(|(stint, ..)| {
        let stint = stint.as_ref()?;
        stint.to.filter(|to| stint.withdrawn && *to <= at)
    });
    let closed = is_closed.then(|| overruled.max().or_else(|| ended.max()).unwrap_or(at));
    if closed.is_some_and(|closed| at.since(closed) >= KEPT) {
        return None;
    }
    Some(NetLink {
        ends,
        class,
        carrier,
        rtt,
        usual,
        slow: !is_closed
            && rtt
                .zip(usual)
                .is_some_and(|(rtt, usual)| rtt >= WORTH_WAITING && rtt > usual.saturating_mul(5)),
        since: said.map(|(stint, _)| stint.from).min().unwrap_or(at),
        closed,
    })
}

/// What ended is shown for so long (dashboard design 5.3).
const KEPT: u64 = 60_000;
/// Round trips below that are never slow: on a busy machine they vary by more (guess).
const WORTH_WAITING: u64 = 20;

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::fixture::peer;
    use crate::model::{Input, LinkFacts, PeerFacts, Phase, ReportedLink};

    const TAB: u8 = 9;

    type Says<'a> = (u8, Role, &'a [(u8, u64)]);

    struct Story(Recorder);

    impl Story {
        fn new() -> Self {
            let mut story = Self(Recorder::new(Limits::default()));
            story.take(Input::Own(peer(TAB)), 0);
            story.take(Input::Phase(Phase::Live), 0);
            story
        }

        fn take(&mut self, input: Input, at: u64) {
            self.0.take(&input, Seen(at));
        }

        /// What everybody says now: who, its role, and to whom it names links of that round trip.
        fn say(&mut self, at: u64, said: &[Says<'_>]) {
            let facts = said.iter().map(|(n, role, links)| PeerFacts {
                role: Some(*role),
                heard: Some(Seen(at)),
                links: links
                    .iter()
                    .map(|(end, rtt)| ReportedLink {
                        end: LinkEnd::from(peer(*end)),
                        carrier: Some(Carrier::Other("quic")),
                        rtt: Some(*rtt),
                    })
                    .collect(),
                ..PeerFacts::unknown(peer(*n))
            });
            let facts = facts.collect();
            self.take(Input::Peers(facts), at);
        }

        fn own_links(&mut self, at: u64, to: &[u8]) {
            let link = |n: &u8| LinkFacts {
                peer: peer(*n),
                address: String::new(),
                carrier: Carrier::WebSocket,
                rtt: Some(3),
                software: None,
                since: Seen(at),
            };
            self.take(Input::Links(to.iter().map(link).collect()), at);
        }

        fn network(&self, at: u64) -> Network {
            network(self.0.journal(), Seen(at))
        }

        fn class(&self, at: u64, a: u8, b: u8) -> Option<LinkClass> {
            let ends = (peer(a).min(peer(b)), peer(a).max(peer(b)));
            let links = self.network(at).links;
            Some(links.into_iter().find(|link| link.ends == ends)?.class)
        }
    }

    use LinkClass::{Closed, Hearsay, Measured, Reported};
    use Role::{Peer, Relay};

    #[test]
    fn a_link_is_known_by_who_speaks_of_it() {
        let mut story = Story::new();
        story.own_links(100, &[1]);
        let said: &[Says<'_>] = &[
            (1, Relay, &[(2, 9), (3, 9), (TAB, 9), (99, 1)]),
            (2, Peer, &[(1, 9), (4, 9)]),
            (3, Peer, &[(4, 9), (5, 9)]),
            (4, Peer, &[(3, 9)]),
            (5, Peer, &[(TAB, 9)]),
        ];
        story.say(100, said);
        for (a, b, class) in [
            (TAB, 1, Some(Measured)),
            (1, 2, Some(Reported)),
            (1, 3, Some(Reported)),
            (3, 4, Some(Reported)),
            (2, 4, Some(Hearsay)),
            (3, 5, Some(Hearsay)),
            (5, TAB, None),
            (2, 3, None),
        ] {
            assert_eq!(story.class(150, a, b), class, "{a} {b}");
        }
        assert_eq!(story.class(50, 1, 2), None, "not known yet");
        let network = story.network(150);
        assert_eq!((network.peers.len(), network.unnamed), (6, 1));
    }

    #[test]
    fn a_closed_link_is_shown_for_a_minute_at_any_cursor() {
        let mut story = Story::new();
        story.say(100, &[(1, Relay, &[(2, 9)]), (2, Peer, &[(1, 9)])]);
        // It went without a word: its own claim stands until the mesh gives it up.
        story.say(10_000, &[(1, Relay, &[]), (2, Peer, &[(1, 9)])]);
        story.say(25_000, &[(1, Relay, &[])]);
        for (at, class) in [
            (9_999, Some(Reported)),
            (10_000, Some(Closed)),
            (24_999, Some(Closed)),
            (69_999, Some(Closed)),
            (70_000, None),
        ] {
            assert_eq!(story.class(at, 1, 2), class, "{at}");
        }
        let closed = story.network(30_000).links[0].closed;
        assert_eq!(closed, Some(Seen(10_000)));
        let left = |at| story.network(at).peers.iter().any(|it| it.left.is_some());
        assert!(!left(24_999) && left(25_000) && left(84_999) && !left(85_000));
    }

    #[test]
    fn a_link_that_is_back_is_open_again_whoever_says_so_first() {
        let mut story = Story::new();
        story.say(100, &[(1, Relay, &[(2, 9)]), (2, Peer, &[(1, 9)])]);
        story.say(200, &[(1, Relay, &[]), (2, Peer, &[])]);
        story.say(300, &[(1, Relay, &[]), (2, Peer, &[(1, 9)])]);
        assert_eq!(story.class(250, 1, 2), Some(Closed));
        assert_eq!(story.class(300, 1, 2), Some(Hearsay));
        assert_eq!(story.network(300).links[0].since, Seen(300));
    }

    #[test]
    fn slow_is_five_times_what_it_mostly_was() {
        let mut story = Story::new();
        let rtts: [(u64, u64, bool); 5] = [
            (0, 41, false),
            (60_000, 200, false),
            (61_000, 384, true),
            (62_000, 43, false),
            (63_000, 43, false),
        ];
        for (at, rtt, _) in rtts {
            story.say(at, &[(1, Relay, &[(2, rtt)]), (2, Peer, &[])]);
        }
        for (at, rtt, slow) in rtts {
            let link = &story.network(at).links[0];
            assert_eq!((link.rtt, link.slow), (Some(rtt), slow), "{at}");
        }
    }
}
