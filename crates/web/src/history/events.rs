//! What happened around the machines, as a list: peers that came and went, links that opened and closed, machines that
//! began or ceased to need attention. What was there when the tab joined did not happen then.

use statemesh::PeerId;
use statemesh::core::collections::{OrderedMap, sort_by};

use super::{Journal, Seen};
use crate::model::{EventKind, HealthTurn, LinkEnd, NetEvent};

/// The newest events, newest first, of all or about one peer.
#[must_use]
pub fn events<'a>(
    journal: &Journal,
    turns: impl Iterator<Item = &'a HealthTurn>,
    about: Option<PeerId>,
    most: usize,
) -> Vec<NetEvent> {
    let Some(joined) = journal.joined() else {
        return Vec::new();
    };
    let settled = Seen(joined.0.saturating_add(SETTLED));
    let mut list: Vec<NetEvent> = Vec::new();
    peers(journal, about, settled, &mut list);
    links(journal, about, settled, &mut list);
    let own = journal.own();
    let mut add = |at, peer, kind| list.push(NetEvent { at, peer, kind });
    for stretch in journal.lost().iter() {
        let own = own.filter(|own| about.is_none_or(|about| about == *own));
        if let Some(own) = own {
            add(stretch.from, own, EventKind::Lost);
            if let Some(to) = stretch.to {
                add(to, own, EventKind::Back);
            }
        }
    }
    let turns = turns.filter(|turn| about.is_none_or(|about| about == turn.key.peer));
    list.extend(turns.map(|turn| NetEvent {
        at: turn.at,
        peer: turn.key.peer,
        kind: EventKind::Health {
            machine: turn.name.clone(),
            health: turn.health,
        },
    }));
    sort_by(&mut list, |a, b| (b.at, b.peer).cmp(&(a.at, a.peer)));
    list.truncate(most);
    list
}

/// Peers that came, fell silent and went.
fn peers(journal: &Journal, about: Option<PeerId>, settled: Seen, list: &mut Vec<NetEvent>) {
    let mut add = |at, peer, kind| list.push(NetEvent { at, peer, kind });
    for (peer, voice) in journal.voices() {
        if about.is_some_and(|about| about != *peer) {
            continue;
        }
        for stretch in voice.present.iter() {
            if stretch.from > settled {
                add(stretch.from, *peer, EventKind::Joined);
            }
            if let Some(to) = stretch.to {
                let said = voice.said_bye() && voice.present.newest() == Some(*stretch);
                add(to, *peer, EventKind::Left { said });
            }
        }
        for stretch in voice.silent.iter() {
            add(stretch.from, *peer, EventKind::Silent);
            if let Some(to) = stretch.to {
                add(to, *peer, EventKind::Heard);
            }
        }
    }
}

/// Links that opened and closed.
fn links(journal: &Journal, about: Option<PeerId>, settled: Seen, list: &mut Vec<NetEvent>) {
    let mut add = |at, peer, kind| list.push(NetEvent { at, peer, kind });
    let voices = journal.voices().map(|(peer, _)| *peer);
    let all = voices.chain(journal.own());
    let ends: OrderedMap<LinkEnd, PeerId> = all.map(|peer| (LinkEnd::from(peer), peer)).collect();
    let own = journal.own();
    for ((reporter, end), claim) in journal.claims().iter() {
        let Some(other) = ends.get(end).copied() else {
            continue;
        };
        let is_about = about.is_none_or(|about| about == *reporter || about == other);
        // Each link once: by the tab's own word, else by the end that spoke, else by the first of two.
        let is_told = own == Some(other)
            || own != Some(*reporter)
                && *reporter > other
                && journal
                    .claims()
                    .get(other, LinkEnd::from(*reporter))
                    .is_some();
        if !is_about || is_told {
            continue;
        }
        let (peer, other) = match about {
            Some(about) if about == other => (other, *reporter),
            _ => (*reporter, other),
        };
        for stint in claim.stints() {
            if stint.from > settled {
                let carrier = stint.look(LATEST).and_then(|look| look.carrier);
                add(stint.from, peer, EventKind::Linked { other, carrier });
            }
            if let Some(to) = stint.to {
                add(to, peer, EventKind::Unlinked { other });
            }
        }
    }
}

/// Later than anything.
const LATEST: Seen = Seen(u64::MAX);
/// What becomes known in the first moments was there before (guess: two rounds of introductions).
const SETTLED: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::fixture::peer;
    use crate::model::{Carrier, Input, PeerFacts, Phase, ReportedLink};

    fn said(n: u8, links: &[u8]) -> PeerFacts {
        PeerFacts {
            links: links
                .iter()
                .map(|end| ReportedLink {
                    end: LinkEnd::from(peer(*end)),
                    carrier: Some(Carrier::WebRtc),
                    rtt: None,
                })
                .collect(),
            ..PeerFacts::unknown(peer(n))
        }
    }

    #[test]
    fn what_was_there_at_first_did_not_happen() {
        let mut recorder = Recorder::new(Limits::default());
        let mut take = |input, at| recorder.take(&input, Seen(at));
        take(Input::Own(peer(9)), 0);
        take(Input::Phase(Phase::Live), 10);
        take(Input::Peers(vec![said(1, &[2]), said(2, &[1])]), 400);
        take(
            Input::Peers(vec![said(1, &[2, 3]), said(2, &[1]), said(3, &[1])]),
            20_000,
        );
        take(Input::Peers(vec![said(1, &[3]), said(3, &[1])]), 30_000);
        take(Input::PeerGone(peer(3), true), 40_000);
        let list = |about| {
            let list = events(recorder.journal(), std::iter::empty(), about, 100);
            let brief = list
                .into_iter()
                .map(|event| (event.at.0, event.peer, event.kind));
            brief.collect::<Vec<_>>()
        };
        let all = list(None);
        let at = |at| all.iter().filter(move |event| event.0 == at);
        assert_eq!(at(400).count(), 0);
        let joined = at(20_000).any(|it| it.1 == peer(3) && it.2 == EventKind::Joined);
        assert!(joined);
        let linked = |it: &&(u64, PeerId, EventKind)| matches!(it.2, EventKind::Linked { .. });
        assert_eq!(at(20_000).filter(linked).count(), 1, "a link is told once");
        let left = |n, said| {
            let left = (EventKind::Left { said }, peer(n));
            all.iter().any(|it| (&it.2, it.1) == (&left.0, left.1))
        };
        assert!(left(2, false) && left(3, true));
        assert!(all.is_sorted_by(|a, b| a.0 >= b.0), "newest first");
        let own = list(Some(peer(2)));
        assert_eq!(own.len(), 2, "it left, and so did its link: {own:?}");
        assert!(own.iter().all(|it| it.1 == peer(2)));
    }
}
