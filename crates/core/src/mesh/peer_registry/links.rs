//! Who is linked to whom: own links and what is told of them, those that others report.
//!
//! ```text
//! driver -> OwnLinks -> complete report with every heartbeat and introduction, changes at once -> topic
//! topic  -> Peer::links -> who of them still lives (liveness), a picture of the network (views)
//! ```

use crate::collections::OrderedMap;
use crate::ids::PeerId;
use crate::mesh::wire::{Link, LinkEnd, Links, MAX_LINKS, Transport};

/// Own live connections. Bounded by the driver's connection limit.
#[derive(Debug, Default)]
pub(super) struct OwnLinks {
    table: OrderedMap<PeerId, OwnLink>,
    /// Closed since the last report.
    closed: Vec<LinkEnd>,
}

#[derive(Debug, Default)]
struct OwnLink {
    transport: Transport,
    rtt_us: u64,
    rtt_ms: u64,
    /// What others were told of it.
    told: Option<(Transport, u64)>,
}

impl OwnLinks {
    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.table.contains_key(peer)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub(super) fn open(&mut self, peer: PeerId) {
        self.table.get_or_insert_with(peer, OwnLink::default);
        self.closed.retain(|end| *end != LinkEnd::from(peer));
    }

    pub(super) fn close(&mut self, peer: PeerId) {
        let told = self.table.remove(&peer).and_then(|link| link.told);
        // What does not fit is missing from the next complete report anyway.
        if told.is_some() && self.closed.len() < MAX_LINKS {
            self.closed.push(peer.into());
        }
    }

    /// Notes what a link is like. Round trips are smoothed as in TCP: a new one counts an eighth.
    pub(super) fn measure(&mut self, peer: PeerId, transport: Transport, rtt_us: u64) {
        if let Some(link) = self.table.get_mut(&peer) {
            let smoothed = match link.rtt_us {
                0 => rtt_us,
                known => known - known / 8 + rtt_us / 8,
            };
            (link.transport, link.rtt_us) = (transport, smoothed);
            link.rtt_ms = smoothed.div_ceil(1000);
        }
    }

    /// All links, those to `first` ahead of the rest. Nothing is news afterwards.
    pub(super) fn report_all(&mut self, first: impl Fn(PeerId) -> bool) -> Links {
        self.closed.clear();
        let (ahead, behind): (Vec<PeerId>, Vec<PeerId>) =
            self.table.keys().copied().partition(|peer| first(*peer));
        let named = ahead.into_iter().chain(behind).take(MAX_LINKS);
        let named: Vec<PeerId> = named.collect();
        Links {
            count: self.table.len() as u64,
            complete: true,
            open: self.tell(named),
            closed: Vec::new(),
        }
    }

    /// What changed since the last report. Nothing is news afterwards.
    pub(super) fn report_changes(&mut self) -> Links {
        let news = self.table.iter().filter(|(_, link)| link.is_news());
        let news = news.map(|(peer, _)| *peer).take(MAX_LINKS).collect();
        Links {
            count: self.table.len() as u64,
            complete: false,
            open: self.tell(news),
            closed: std::mem::take(&mut self.closed),
        }
    }

    fn tell(&mut self, peers: Vec<PeerId>) -> Vec<Link> {
        let mut links = Vec::with_capacity(peers.len());
        for peer in peers {
            if let Some(link) = self.table.get_mut(&peer) {
                link.told = Some((link.transport, link.rtt_ms));
                links.push(Link {
                    end: peer.into(),
                    transport: link.transport,
                    rtt_ms: link.rtt_ms,
                });
            }
        }
        links
    }
}

impl OwnLink {
    /// Another transport, or a round trip that changed by more than a quarter.
    fn is_news(&self) -> bool {
        self.told.is_none_or(|(transport, rtt_ms)| {
            transport != self.transport
                || self.rtt_ms.abs_diff(rtt_ms).saturating_mul(4) > rtt_ms.max(SMALL_RTT_MS)
        })
    }
}

/// Links after a report: in order of their ends, without repetition, at most [`MAX_LINKS`].
pub(super) fn reported(before: &[Link], report: &Links) -> Vec<Link> {
    let mut links: Vec<Link> = report.open.clone();
    if !report.complete {
        let gone = |end: LinkEnd| report.closed.contains(&end);
        let kept = before.iter().filter(|link| !gone(link.end));
        links.extend(kept.copied());
    }
    // Stable: what was reported now stays before what was known of the same end.
    links.sort_by_key(|link| link.end);
    links.dedup_by_key(|link| link.end);
    links.truncate(MAX_LINKS);
    links
}

/// Changes of round trips below this are noise, not news.
const SMALL_RTT_MS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::peer_id as id;

    #[test]
    fn changes_are_told_once_and_small_ones_not_at_all() {
        let mut links = OwnLinks::default();
        links.open(id(1));
        assert_eq!(links.report_changes().open.len(), 1);
        links.measure(id(1), Transport::Quic, 0);
        assert_eq!(links.report_changes().open[0].transport, Transport::Quic);
        links.measure(id(1), Transport::Quic, 100_000);
        assert_eq!(links.report_changes().open[0].rtt_ms, 100);
        links.measure(id(1), Transport::Quic, 299_000);
        assert!(
            links.report_changes().open.is_empty(),
            "smoothed: not more than a quarter"
        );
        links.measure(id(1), Transport::Quic, 299_000);
        assert!((126..150).contains(&links.report_changes().open[0].rtt_ms));
        links.close(id(1));
        let report = links.report_changes();
        assert_eq!((report.count, &report.closed[..]), (0, &[id(1).into()][..]));
        assert_eq!(links.report_changes(), Links::default());
    }

    #[test]
    fn a_report_names_64_and_counts_all() {
        let mut links = OwnLinks::default();
        (0..100).for_each(|number| links.open(id(number)));
        let report = links.report_all(|peer| peer == id(99));
        assert_eq!((report.count, report.open.len()), (100, MAX_LINKS));
        assert_eq!(report.open[0].end, id(99).into());
        (0..100).for_each(|number| links.close(id(number)));
        assert_eq!(links.report_changes().closed.len(), MAX_LINKS);
    }

    #[test]
    fn changes_apply_to_what_was_reported_before() {
        let link = |end, rtt_ms| Link {
            end: LinkEnd(end),
            transport: Transport::Tcp,
            rtt_ms,
        };
        let report = |complete, open: &[Link], closed: &[u64]| Links {
            count: 0,
            complete,
            open: open.to_vec(),
            closed: closed.iter().copied().map(LinkEnd).collect(),
        };
        let before = reported(&[], &report(true, &[link(2, 1), link(1, 1)], &[]));
        assert_eq!(before, [link(1, 1), link(2, 1)]);
        let after = reported(&before, &report(false, &[link(2, 9), link(3, 1)], &[1]));
        assert_eq!(after, [link(2, 9), link(3, 1)]);
        assert_eq!(reported(&after, &report(true, &[], &[])), []);
        let many: Vec<Link> = (0..64).map(|end| link(end, 1)).collect();
        let first = reported(&[], &report(true, &many, &[]));
        let more: Vec<Link> = (64..128).map(|end| link(end, 1)).collect();
        assert_eq!(
            reported(&first, &report(false, &more, &[])).len(),
            MAX_LINKS
        );
    }
}
