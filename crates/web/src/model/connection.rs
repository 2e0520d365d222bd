//! Where the tab's own peer stands, as the page shows it.

use statemesh::PeerId;

use super::Seen;

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// WebSocket.
    WebSocket,
    /// WebRTC-direct.
    WebRtc,
    /// Anything a browser cannot have; links of other peers, memory in tests.
    Other(&'static str),
}

impl Carrier {
    /// For scripts: `ws`, `webrtc`.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::WebSocket => "ws",
            Self::WebRtc => "webrtc",
            Self::Other(name) => name,
        }
    }

    /// The carrier with that mark; `None`: this page knows none.
    #[must_use]
    pub fn marked(mark: &str) -> Option<Self> {
        match mark {
            "ws" => Some(Self::WebSocket),
            "webrtc" => Some(Self::WebRtc),
            "quic" => Some(Self::Other("quic")),
            "tcp" => Some(Self::Other("tcp")),
            "memory" => Some(Self::Other("memory")),
            _ => None,
        }
    }

    /// For people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::WebRtc => "WebRTC-direct",
            Self::Other(name) => name,
        }
    }
}

/// An open link of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// Neighbour.
    pub peer: PeerId,
    /// Its address.
    pub address: String,
    /// Carrier.
    pub carrier: Carrier,
    /// Last round trip in milliseconds.
    pub rtt: Option<u64>,
    /// What it says it runs. A peer's text.
    pub software: Option<String>,
    /// Open since.
    pub since: Seen,
}

/// One address that did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The address; `None` when nobody told us one.
    pub address: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Why there is no peer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server of this page is no relay.
    NoRelay,
    /// The browser lacks every transport.
    NoTransport,
    /// The peer could not start; the text says why.
    Broken(String),
    /// Somebody pressed Disconnect.
    Left,
}

/// What the peer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Never live yet; dialling.
    Connecting {
        /// Why the last round failed; empty during the first.
        failures: Vec<Failure>,
    },
    /// A link is open.
    Live,
    /// A link was open and went.
    Reconnecting {
        /// When the next round starts; `None` while one is running.
        next_try: Option<Seen>,
        /// Why the last round failed.
        failures: Vec<Failure>,
    },
    /// There is no peer.
    Stopped(Stop),
}

/// The connection as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// What the peer is doing.
    pub phase: Phase,
    /// Since when it has been live, or has not.
    pub since: Seen,
    /// What people call the other end: the page's origin or the address typed.
    pub relay: String,
    /// The page came encrypted: browsers then refuse plain local addresses.
    pub https: bool,
    /// How long the last loss took, and when it was over.
    pub back: Option<(u64, Seen)>,
    /// The neighbour that matters most, and since when it has been another than before.
    pub through: Option<(PeerId, Option<Seen>)>,
    was_live: bool,
}

impl Connection {
    /// The same relay, as if it were connected: for what was seen while it was.
    #[must_use]
    pub fn shown_as_live(&self) -> Self {
        Self {
            phase: Phase::Live,
            ..self.clone()
        }
    }

    /// Dialling since `now`.
    #[must_use]
    pub fn begin(relay: String, https: bool, now: Seen) -> Self {
        Self {
            phase: Phase::Connecting {
                failures: Vec::new(),
            },
            since: now,
            relay,
            https,
            back: None,
            through: None,
            was_live: false,
        }
    }

    /// Takes what the peer says. The time without a link counts through all its phases.
    pub fn turn(&mut self, phase: Phase, now: Seen) {
        let phase = match phase {
            // A new peer of a tab that was in the mesh before.
            Phase::Connecting { failures } if self.was_live => Phase::Reconnecting {
                next_try: None,
                failures,
            },
            phase => phase,
        };
        let (was, is) = (self.is_live(), matches!(phase, Phase::Live));
        self.was_live |= is;
        if is && matches!(self.phase, Phase::Reconnecting { .. }) {
            self.back = Some((now.since(self.since), now));
        }
        if was != is {
            self.since = now;
        }
        self.phase = phase;
    }

    /// The neighbour that matters most is this one.
    pub fn lead(&mut self, via: Option<PeerId>, now: Seen) {
        let Some(via) = via else { return };
        match &mut self.through {
            Some((before, _)) if *before == via => {}
            Some(through) => *through = (via, Some(now)),
            None => self.through = Some((via, None)),
        }
    }

    /// A link is open.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live)
    }

    /// Was live and is not: what the page shows is old.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(
            self.phase,
            Phase::Reconnecting { .. } | Phase::Stopped(Stop::Left)
        )
    }

    /// Why the last round failed.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        match &self.phase {
            Phase::Connecting { failures } | Phase::Reconnecting { failures, .. } => failures,
            Phase::Live | Phase::Stopped(_) => &[],
        }
    }

    /// For scripts: `connecting`, `live`, `reconnecting`, `lost`.
    #[must_use]
    pub fn mark(&self, now: Seen) -> &'static str {
        let late = now.since(self.since) >= LOST_AFTER;
        match self.phase {
            Phase::Live => "live",
            Phase::Connecting { .. } if !late => "connecting",
            Phase::Reconnecting { .. } if !late => "reconnecting",
            Phase::Connecting { .. } | Phase::Reconnecting { .. } | Phase::Stopped(_) => "lost",
        }
    }
}

/// Without success for so long the connection counts as lost; it is tried on.
const LOST_AFTER: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_after_ten_seconds_without_success_and_live_again() {
        let mut connection = Connection::begin("relay".into(), false, Seen(0));
        assert_eq!(connection.mark(Seen(9_999)), "connecting");
        assert_eq!(connection.mark(Seen(10_000)), "lost");
        connection.turn(Phase::Live, Seen(11_000));
        assert_eq!(connection.mark(Seen(99_000)), "live");
        assert_eq!(connection.back, None);

        let waiting = |next_try| Phase::Reconnecting {
            next_try,
            failures: Vec::new(),
        };
        connection.turn(waiting(None), Seen(100_000));
        connection.turn(waiting(Some(Seen(105_000))), Seen(104_000));
        assert_eq!(connection.mark(Seen(109_999)), "reconnecting");
        assert_eq!(connection.mark(Seen(110_000)), "lost");
        connection.turn(Phase::Live, Seen(112_000));
        assert_eq!(connection.back, Some((12_000, Seen(112_000))));
    }

    #[test]
    fn whoever_left_and_comes_back_was_away() {
        let mut connection = Connection::begin("relay".into(), false, Seen(0));
        connection.turn(Phase::Live, Seen(10));
        connection.turn(Phase::Stopped(Stop::Left), Seen(1_000));
        assert!(connection.is_stale());
        let failures = Vec::new();
        connection.turn(Phase::Connecting { failures }, Seen(5_000));
        assert!(connection.is_stale(), "what is shown is as old as before");
        connection.turn(Phase::Live, Seen(6_000));
        assert_eq!(connection.back, Some((5_000, Seen(6_000))));
    }

    #[test]
    fn another_neighbour_is_told_and_the_same_one_is_not() {
        let peer = super::super::fixture::peer;
        let mut connection = Connection::begin("relay".into(), false, Seen(0));
        connection.lead(Some(peer(1)), Seen(1));
        connection.lead(None, Seen(2));
        connection.lead(Some(peer(1)), Seen(3));
        assert_eq!(connection.through, Some((peer(1), None)));
        connection.lead(Some(peer(2)), Seen(4));
        assert_eq!(connection.through, Some((peer(2), Some(Seen(4)))));
    }

    #[test]
    fn without_a_peer_there_is_no_connection() {
        let mut connection = Connection::begin("here".into(), false, Seen(0));
        connection.turn(Phase::Stopped(Stop::NoRelay), Seen(1));
        assert_eq!(connection.mark(Seen(1)), "lost");
    }
}
