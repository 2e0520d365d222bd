//! Sentences of the Peers page, of the Join page, of the connection bar, and of the key in the settings.

use crate::model::{Ahead, Carrier, PeerLine, Seen, Shown, age_text, grouped};
use crate::store::News;
use crate::store::peers::{OwnLink, TabScreen};

/// A tab has no address of its own.
pub const NO_ADDRESS: &str = "none: a tab cannot listen";
/// What the switch shares, and what it does not.
pub const SHARE_MEANS: &str =
    "Others then see the machines of this tab, as it sees theirs. Nobody can change them.";
/// The address names nobody who is here.
pub const NOT_HERE: &str = "The peer that this link names is not here at this moment.";
/// Nobody fits the filter.
pub const NO_MATCH: &str = "No peer matches. Clear the filter to see everybody.";
/// The links of a peer before anything is known.
pub const NO_LINKS: &str = "No link of it is known.";
/// What the field of the filter takes.
pub const FILTER_HINT: &str = "Filter: name, id, role:, transport:, is:";
/// While an address is dialled.
pub const DIALLING: &str = "Dialling…";
/// Meshes of earlier visits.
pub const KNOWN_HERE: &str = "Known on this browser";
/// What was pasted is a link that lets somebody join, cut in the middle.
pub const LINK_CUT_OFF: &str =
    "This is not a join link: the token part is cut off. Copy the whole line again.";

/// `10 peers, 8 heard first hand`.
#[must_use]
pub fn counts((all, first_hand): (usize, usize)) -> String {
    format!(
        "{}, {} heard first hand",
        super::mesh::peers(all),
        grouped(first_hand as u64)
    )
}

/// What carries a link.
#[must_use]
pub fn carrier(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::WebSocket | Carrier::WebRtc => carrier.word(),
        Carrier::Other(_) => super::mesh::carrier(Some(carrier)),
    }
}

/// `QUIC, TCP`; nothing known: `-`.
#[must_use]
pub fn carriers(carriers: &[Carrier]) -> String {
    match carriers {
        [] => "-".to_owned(),
        carriers => {
            let words: Vec<&str> = carriers.iter().map(|it| carrier(*it)).collect();
            words.join(", ")
        }
    }
}

/// `host, Go`.
#[must_use]
pub fn role(line: &PeerLine) -> String {
    let word = match line.kind {
        crate::model::NodeKind::This => "tab",
        kind => kind.word(),
    };
    let go = if line.is_go { ", Go" } else { "" };
    format!("{word}{go}")
}

/// `+15 ± 27 ms`, `+5 000 ± 1 ms`, `unknown`.
#[must_use]
pub fn ahead(ahead: Option<Ahead>) -> String {
    let Some(Ahead { ms, plus_minus }) = ahead else {
        return "unknown".to_owned();
    };
    let sign = match ms {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    let amount = grouped(ms.unsigned_abs());
    format!("{sign}{amount} ± {} ms", grouped(plus_minus))
}

/// A figure in a thousand seconds as one in a second: `118`, `0.6`, `-`.
#[must_use]
pub fn rate(rate: Option<u64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(0) => "0".to_owned(),
        Some(rate) if rate < 10_000 => format!("{}.{}", rate / 1_000, rate % 1_000 / 100),
        Some(rate) => grouped(rate / 1_000),
    }
}

/// `41 KB/s, 118 messages/s`.
#[must_use]
pub fn flow(bytes: Option<u64>, messages: Option<u64>) -> String {
    let Some(bytes) = bytes else {
        return "counting".to_owned();
    };
    let bytes = match bytes / 1_000 {
        few @ 0..1_000 => format!("{few} B/s"),
        some @ 1_000..10_000 => format!("{}.{} KB/s", some / 1_000, some % 1_000 / 100),
        many => format!("{} KB/s", grouped(many / 1_000)),
    };
    format!("{bytes}, {} messages/s", rate(messages))
}

/// Messages refused: `12 messages refused: wrong signature`.
#[must_use]
pub fn refused(count: u64, reason: &str) -> String {
    let messages = super::counted(
        usize::try_from(count).unwrap_or(usize::MAX),
        "message",
        "messages",
    );
    format!("{messages} refused: {reason}")
}

/// `12 ms, p99 19 ms`.
#[must_use]
pub fn round_trip(link: &OwnLink) -> String {
    match link.rtt {
        (None, _) => "not measured yet".to_owned(),
        (Some(rtt), None) => format!("{rtt} ms"),
        (Some(rtt), Some(p99)) => format!("{rtt} ms, p99 {p99} ms"),
    }
}

/// `QUIC peers behind relay-fra: 6, of them Go: 1`.
#[must_use]
pub fn behind(relay: &Shown, (all, go): (usize, usize)) -> String {
    format!(
        "QUIC peers behind {}: {all}, of them Go: {go}",
        relay.plain()
    )
}

/// Where another relay would come from.
#[must_use]
pub fn no_second(tab: &TabScreen) -> String {
    match tab.spare {
        0 => "none known".to_owned(),
        1 => "none; 1 more is known and dialled when this one goes".to_owned(),
        more => format!("none; {more} more are known and dialled when this one goes"),
    }
}

/// How long it has been connected: `12 min, 1 reconnect`.
#[must_use]
pub fn uptime(up: u64, losses: usize) -> String {
    let losses = match losses {
        0 => "no reconnect".to_owned(),
        losses => super::counted(losses, "reconnect", "reconnects"),
    };
    format!("{}, {losses}", age_text(up))
}

/// When a link was: `14:31:02 to 14:40:12`, `since 14:31:02`.
#[must_use]
pub fn span(from: &str, to: Option<&str>) -> String {
    match to {
        Some(to) => format!("{from} to {to}"),
        None => format!("since {from}"),
    }
}

/// A dial that came to something.
#[must_use]
pub fn dialled(peer: &str) -> String {
    format!("Linked to …{peer}.")
}

/// One that did not.
#[must_use]
pub fn not_dialled(reason: &str) -> String {
    format!("No link: {reason}.")
}

/// The relay is there for somebody else.
#[must_use]
pub fn other_mesh(relay: &str, mesh: &str) -> String {
    format!("{relay} refused: it is for another mesh ({mesh}).")
}

/// What came while nobody could see it.
fn missed((ticks, machines): (u64, usize), awaited: usize) -> String {
    let wait = match awaited {
        0 => String::new(),
        awaited => format!(" Waiting for {}.", super::counted(awaited, "host", "hosts")),
    };
    match (ticks, awaited) {
        (0, 0) => return "No change was missed.".to_owned(),
        // What was missed they will say.
        (0, _) => return wait.trim_start().to_owned(),
        _ => {}
    }
    let changes = match ticks {
        1 => "1 change".to_owned(),
        ticks => format!("{} changes", grouped(ticks)),
    };
    let have = match machines {
        1 => "1 machine has a gap".to_owned(),
        machines => format!("{} have a gap", super::machines(machines)),
    };
    format!("{changes} came at once, {have}.{wait}")
}

/// What the bar says for some seconds.
#[must_use]
pub fn news(news: &News) -> String {
    use crate::store::What;
    match &news.what {
        What::Back(after) => format!(
            "{} {}",
            super::back(*after),
            missed(news.missed, news.awaited)
        ),
        What::Through(relay) => format!(
            "Now through {}. {}",
            relay.plain(),
            missed(news.missed, news.awaited)
        ),
        What::Slept(slept) => match news.missed {
            (0, _) => format!("This tab slept for {}. Catching up.", age_text(*slept)),
            (ticks, _) => format!(
                "This tab slept for {}. Catching up: {} changes so far.",
                age_text(*slept),
                grouped(ticks)
            ),
        },
    }
}

/// A mesh of an earlier visit: `last visit 3 h 0 m ago, 30 machines`.
#[must_use]
pub fn last_visit(ago: u64, machines: u64) -> String {
    let machines = super::machines(usize::try_from(machines).unwrap_or(usize::MAX));
    format!("last visit {} ago, {machines}", age_text(ago))
}

/// This tab left by itself.
pub const LEFT: &str = "You disconnected";

/// The rest of that bar.
#[must_use]
pub fn left_since(since: Seen, now: Seen) -> String {
    let ago = age_text(now.since(since) / 1000 * 1000).replace(".0", "");
    format!(" {ago} ago. This is the last known state.")
}

/// Below the title of the key.
pub const KEY: &str = "Identity of this browser";
/// What a kept key means.
pub const KEY_MEANS: &str = "A key makes this tab the same peer at every visit. Whoever has it can speak in its name. It is used by one tab at a time; others get a new one.";
/// The key of another time takes effect then.
pub const KEY_LATER: &str = "Holds from the next visit on.";
/// The key cannot be kept.
pub const KEY_NOT_KEPT: &str = "Not kept: this browser keeps nothing for this page.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::What;

    #[test]
    fn as_the_design_says() {
        let relay = Shown::new("relay-fra");
        assert_eq!(
            behind(&relay, (6, 1)),
            "QUIC peers behind relay-fra: 6, of them Go: 1"
        );
        assert_eq!(
            refused(12, "wrong signature"),
            "12 messages refused: wrong signature"
        );
        assert_eq!(counts((10, 8)), "10 peers, 8 heard first hand");
        let say = |what, missed| {
            news(&News {
                what,
                missed,
                awaited: 0,
            })
        };
        let waiting = News {
            what: What::Back(7_400),
            missed: (0, 0),
            awaited: 2,
        };
        assert_eq!(news(&waiting), "Back after 7.4 s. Waiting for 2 hosts.");
        assert_eq!(
            say(What::Through(Shown::new("relay-ams")), (0, 0)),
            "Now through relay-ams. No change was missed."
        );
        assert_eq!(
            say(What::Back(7_400), (212, 3)),
            "Back after 7.4 s. 212 changes came at once, 3 machines have a gap."
        );
        assert_eq!(
            say(What::Slept(360_000), (1_204, 9)),
            "This tab slept for 6 min. Catching up: 1\u{202f}204 changes so far."
        );
        assert_eq!(
            other_mesh("relay-fra", "parcel-us"),
            "relay-fra refused: it is for another mesh (parcel-us)."
        );
    }

    #[test]
    fn figures() {
        let offset = |ms, plus_minus| ahead(Some(Ahead { ms, plus_minus }));
        assert_eq!(offset(15, 27), "+15 ± 27 ms");
        assert_eq!(offset(-3, 13), "-3 ± 13 ms");
        assert_eq!(offset(0, 6), "0 ± 6 ms");
        assert_eq!(ahead(None), "unknown");
        for (thousand, text) in [(0, "0"), (600, "0.6"), (9_990, "9.9"), (118_000, "118")] {
            assert_eq!(rate(Some(thousand)), text);
        }
        assert_eq!(
            flow(Some(41_000_000), Some(118_000)),
            "41 KB/s, 118 messages/s"
        );
        assert_eq!(flow(Some(600_000), Some(500)), "600 B/s, 0.5 messages/s");
        assert_eq!(
            last_visit(10_800_000, 30),
            "last visit 3 h 0 m ago, 30 machines"
        );
    }
}
