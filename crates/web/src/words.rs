//! Every sentence the page says, in one place. Sentence case, names first, what to do last.

pub mod bookmarks;
pub mod compare;
pub mod diagram;
pub mod link;
pub mod log;
pub mod machine;
pub mod overview;
pub mod peers;
pub mod recording;
pub mod sample;

use crate::model::{
    Assessment, Connection, Health, Machine, Phase, Piece, Rule, Seen, Stop, Suffix, age_text,
    grouped,
};

pub mod mesh;
pub mod settings;
pub mod shelf;
pub mod snapshot;
pub mod steps;
pub mod watch;

/// Nothing to show, though connected.
pub const EMPTY: &str = "No machine is visible yet.";
/// Connected, and the first machine may be on its way.
pub const WAITING: &str = "Connected. Waiting for the first machine…";
/// After a relay that does not answer.
pub const UNREACHABLE_ADVICE: &str = "Is it running? Check the address, or paste another.";
/// What can be done where the browser blocked us.
pub const BLOCKED: &str = "The browser blocked a local address from an https page.";
/// Title of the Join page.
pub const JOIN_TITLE: &str = "Join a mesh";
/// What the field of the Join page takes.
pub const JOIN_HINT: &str =
    "Paste a join link or a relay address. Nothing is sent before you press Join.";
/// How to get a relay.
pub const JOIN_START: &str = "No relay yet? Start one and open the address it prints:";
/// The command that starts a relay.
pub const JOIN_COMMAND: &str = "statemesh relay";
/// A history without entries.
pub const NO_CHANGE: &str = "No change since you joined. Current clocks are on the left.";
/// The clipboard took it.
pub const COPIED: &str = "Copied";
/// The clipboard refused.
pub const NOT_COPIED: &str = "The browser denied the clipboard. Select and copy:";
/// No moment at which an error began lies there.
pub const NO_ERROR: &str = "No error began there, as far as this tab has seen.";
/// The code of a view did not come.
pub const NOT_LOADED: &str =
    "This view could not be loaded. Is the relay there? Open it again to try once more.";
/// The link names an owner that is not here, and only one machine has the name.
pub const NAMESAKE: &str = "The owner this link names is not here. This machine has the same name.";
/// No machine to show before the first connection.
pub const NOT_CONNECTED: &str = "Not connected yet: no machine is known.";

/// `1 machine`, `5 machines`.
#[must_use]
pub fn machines(count: usize) -> String {
    counted(count, "machine", "machines")
}

/// `1 tick`, `4 ticks`.
#[must_use]
pub fn ticks(count: u64) -> String {
    match count {
        1 => "1 tick".to_owned(),
        count => format!("{} ticks", grouped(count)),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", grouped(count as u64))
}

/// The word for a health.
#[must_use]
pub fn health(health: Health) -> &'static str {
    match health {
        Health::Gone => "Gone",
        Health::Stale => "Stale",
        Health::Error => "Error",
        Health::NotReady => "Not ready",
        Health::Quiet => "Quiet",
        Health::Starting => "Starting",
        Health::Ok => "OK",
    }
}

/// `Stale, was Error`; `OK, recovered 51 s ago`.
#[must_use]
pub fn assessment(answer: &Assessment, now: Seen) -> String {
    let word = health(answer.health);
    let was = answer.was.map(|was| format!(", was {}", health(was)));
    let suffix = answer.suffix.map(|suffix| match suffix {
        Suffix::Recovered(at) => format!(", recovered {} ago", at.age(now).text()),
        Suffix::NoHeartbeat(heard) => format!(
            ", no heartbeat, last word {} ago",
            age_text(now.since(heard))
        ),
    });
    format!(
        "{word}{}{}",
        was.unwrap_or_default(),
        suffix.unwrap_or_default()
    )
}

/// The rule that fired, in words.
#[must_use]
pub fn rule(machine: &Machine, rule: Rule, now: Seen) -> Vec<Piece> {
    let state = |at: usize, mark: &'static str| {
        let facts = &machine.schema.states[at];
        let tick = machine.clock.get(at).copied().unwrap_or(0);
        Piece::Data(
            crate::model::Shown::new(&format!("{}:{tick}", facts.name)),
            mark,
        )
    };
    match rule {
        Rule::ErrorActive(at) => vec![state(at, "error"), Piece::text(" is active")],
        Rule::ReadyOff(missing) => {
            let mut line: Vec<Piece> = machine
                .schema
                .ready
                .map(|at| state(at, ""))
                .into_iter()
                .collect();
            match missing {
                Some(missing) => line.extend([Piece::text(" off: needs "), state(missing, "")]),
                None => line.push(Piece::text(" off")),
            }
            line
        }
        Rule::NoChange { longest } => {
            let silent = now.since(machine.conditions.worked.unwrap_or(now));
            vec![Piece::Text(format!(
                "No change for {}, longest gap before {}",
                age_text(silent),
                age_text(longest)
            ))]
        }
        Rule::NotHeard { expected, silent } => vec![Piece::Text(format!(
            "Host not heard for {}, expected every {}",
            age_text(silent),
            whole_seconds(expected)
        ))],
        Rule::Left(at) => vec![Piece::Text(format!(
            "Host gone without a goodbye, {} ago",
            age_text(now.since(at))
        ))],
        Rule::NotYet => vec![Piece::text("Started, not ready yet")],
        Rule::Fine => vec![Piece::text("Nothing is wrong")],
    }
}

/// The same rule once it is over.
#[must_use]
pub fn past_rule(machine: &Machine, rule: Rule) -> Vec<Piece> {
    let state = |at: usize| Piece::Data(machine.schema.states[at].shown.clone(), "");
    match rule {
        Rule::ErrorActive(at) => vec![state(at), Piece::text(" was active")],
        Rule::ReadyOff(_) => machine
            .schema
            .ready
            .map(state)
            .into_iter()
            .chain([Piece::text(" was off")])
            .collect(),
        Rule::NoChange { .. } => vec![Piece::text("Changes again")],
        Rule::NotHeard { .. } | Rule::Left(_) => vec![Piece::text("Heard again")],
        Rule::NotYet | Rule::Fine => Vec::new(),
    }
}

fn whole_seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        age_text(ms)
    }
}

/// The headline when something is wrong.
#[must_use]
pub fn problems(needing: usize, silent: usize) -> String {
    join(&[
        problem_count(
            needing,
            "machine needs attention",
            "machines need attention",
        ),
        problem_count(silent, "host is silent", "hosts are silent"),
    ])
}

/// The same in the past, after the connection went.
#[must_use]
pub fn last_known(needing: usize, silent: usize) -> String {
    let past = past_problems(needing, silent);
    if past.is_empty() {
        "What you see is the last known state.".to_owned()
    } else {
        format!("What you see is the last known state: {past}.")
    }
}

/// The headline at a moment: `At 14:32:08.611: 2 machines needed attention`.
#[must_use]
pub fn at_moment(moment: &str, (needing, silent): (usize, usize), total: usize) -> String {
    let past = past_problems(needing, silent);
    match (past.is_empty(), total) {
        (false, _) => format!("At {moment}: {past}"),
        (true, 0) => format!("At {moment} no machine was known"),
        (true, 1) => format!("At {moment} the one machine was fine"),
        (true, total) => format!(
            "At {moment} all {} machines were fine",
            grouped(total as u64)
        ),
    }
}

/// The line below it: `Now: 3 need attention.`
#[must_use]
pub fn by_now(needing: usize, silent: usize) -> String {
    let parts = join(&[
        problem_count(needing, "needs attention", "need attention"),
        problem_count(silent, "host is silent", "hosts are silent"),
    ]);
    if parts.is_empty() {
        "Now nothing needs attention.".to_owned()
    } else {
        format!("Now: {parts}.")
    }
}

/// What the dock says beside the clock while it is paused: `38.0 s behind live · 2 316 changes since`.
#[must_use]
pub fn behind(behind: u64, since: u64) -> String {
    let word = if since == 1 { "change" } else { "changes" };
    format!(
        "{} behind live · {} {word} since",
        age_text(behind),
        grouped(since)
    )
}

/// A stretch of time as a control names it: `10 s`, `5 min`, `1 h`, `all`.
#[must_use]
pub fn window(ms: Option<u64>) -> String {
    match ms {
        None => "all".to_owned(),
        Some(ms) if ms < 120_000 => format!("{} s", ms / 1_000),
        Some(ms) if ms < 3_600_000 => format!("{} min", ms / 60_000),
        Some(ms) => format!("{} h", ms / 3_600_000),
    }
}

fn past_problems(needing: usize, silent: usize) -> String {
    join(&[
        problem_count(
            needing,
            "machine needed attention",
            "machines needed attention",
        ),
        problem_count(silent, "host was silent", "hosts were silent"),
    ])
}

fn problem_count(count: usize, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| counted(count, one, many))
}

fn join(parts: &[Option<String>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    parts.join(", ")
}

/// The headline when nothing is wrong.
#[must_use]
pub fn fine(ok: usize, present: usize) -> String {
    match (ok, present) {
        (1, 1) => "The only machine is fine".to_owned(),
        (ok, present) if ok == present => format!("All {} are fine", machines(present)),
        (ok, present) => format!(
            "{} of {} {} fine, {} starting",
            grouped(ok as u64),
            machines(present),
            if present == 1 { "is" } else { "are" },
            grouped((present - ok) as u64)
        ),
    }
}

/// Why the Machine page has nothing to show.
#[must_use]
pub fn no_machine(connection: &Connection, now: Seen) -> &'static str {
    if connection.is_live() {
        empty(Some(connection.since), now)
    } else {
        NOT_CONNECTED
    }
}

/// Connected, nothing to see: waiting at first, then plain.
#[must_use]
pub fn empty(joined: Option<Seen>, now: Seen) -> &'static str {
    /// A neighbour that stays silent is asked after two seconds and answers within another.
    const WAIT: u64 = 3_000;
    match joined {
        Some(joined) if now.since(joined) >= WAIT => EMPTY,
        Some(_) | None => WAITING,
    }
}

/// Second line of an empty mesh.
#[must_use]
pub fn connected_to(relay: &str) -> String {
    format!("You are connected to {relay}.")
}

/// First round of dialling.
#[must_use]
pub fn dialing(relay: &str) -> String {
    format!("Connecting to {relay} by WebSocket and WebRTC…")
}

/// What to do about it.
#[must_use]
pub fn advice(connection: &Connection) -> &'static str {
    if unreachable(connection).starts_with(BLOCKED) {
        ""
    } else {
        UNREACHABLE_ADVICE
    }
}

/// No address answered.
#[must_use]
pub fn unreachable(connection: &Connection) -> String {
    let relay = &connection.relay;
    let failures = connection.failures();
    let tried: Vec<&str> = failures
        .iter()
        .filter_map(|failure| failure.address.as_deref())
        .collect();
    let is_local = |address: &&str| crate::model::is_local(address);
    if connection.https && !tried.is_empty() && tried.iter().all(is_local) {
        return format!("{BLOCKED} Open http://{relay} directly.");
    }
    match tried.len() {
        0 => format!("{relay} did not answer."),
        tried => format!(
            "{relay} did not answer on {} within 2 s.",
            counted(tried, "address", "addresses")
        ),
    }
}

/// [`unreachable`] and what to do.
#[must_use]
pub fn unreachable_advice(connection: &Connection) -> String {
    let sentence = format!("{} {}", unreachable(connection), advice(connection));
    sentence.trim_end().to_owned()
}

/// There is no peer, and why.
#[must_use]
pub fn stopped(stop: &Stop) -> String {
    match stop {
        Stop::NoRelay => {
            "This page was not opened from a relay. Paste the address of one to join.".to_owned()
        }
        Stop::NoTransport => "This browser cannot run the mesh peer: WebSocket and WebRTC are \
                              both off. Turn one on, or use another browser."
            .to_owned(),
        Stop::Broken(reason) => {
            format!("The mesh peer could not start: {reason}. Reload the page to try again.")
        }
        Stop::Left => format!("{}.", peers::LEFT),
    }
}

/// The connection went.
#[must_use]
pub fn not_live_since(time: &str) -> String {
    format!("Not live since {time}")
}

/// First words of the bar, for the assertive region too: they do not count.
#[must_use]
pub fn lost(relay: &str) -> String {
    format!("Connection to {relay} lost")
}

/// The rest of the bar, with figures that count.
#[must_use]
pub fn lost_since(connection: &Connection, now: Seen) -> String {
    let ago = age_text(now.since(connection.since) / 1000 * 1000).replace(".0", "");
    let next = match &connection.phase {
        Phase::Reconnecting {
            next_try: Some(at), ..
        } if at.since(now) > 0 => {
            format!("Trying again in {} s.", at.since(now).div_ceil(1000))
        }
        Phase::Reconnecting { .. } | Phase::Connecting { .. } => "Trying again now.".to_owned(),
        Phase::Live | Phase::Stopped(_) => String::new(),
    };
    format!(" {ago} ago. This is the last known state. {next}")
}

/// The connection is back.
#[must_use]
pub fn back(after: u64) -> String {
    format!("Back after {}.", age_text(after))
}

/// The pill's word for a connection mark.
#[must_use]
pub fn pill(mark: &str) -> &'static str {
    match mark {
        "live" => "Connected",
        "recording" => recording::PILL,
        "connecting" => "Connecting",
        "reconnecting" => "Reconnecting",
        _ => "Not connected",
    }
}

/// A machine nobody knows.
#[must_use]
pub fn unknown_machine(similar: bool) -> &'static str {
    if similar {
        " here. Similar: "
    } else {
        " here."
    }
}

/// A machine that went.
#[must_use]
pub fn left_at(time: &str) -> String {
    format!(" left at {time}. You are looking at its history.")
}

/// What a flicker is, in words: it went on and off (or off and on) without being seen.
#[must_use]
pub fn flicker(ticks: u64, active: bool) -> String {
    let times = match ticks / 2 {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{} times", grouped(n)),
    };
    match (ticks % 2, active) {
        (0, false) => format!("+{} ticks, on and off {times}", grouped(ticks)),
        (0, true) => format!("+{} ticks, off and on {times}", grouped(ticks)),
        (_, true) => format!("+{} ticks, now on", grouped(ticks)),
        (_, false) => format!("+{} ticks, now off", grouped(ticks)),
    }
}

/// Who says so.
#[must_use]
pub fn provenance(first_hand: bool) -> &'static str {
    if first_hand {
        "from the owner"
    } else {
        "reported by another peer, not yet heard from its owner"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Failure;

    #[test]
    fn plural_rules() {
        assert_eq!(
            problems(3, 1),
            "3 machines need attention, 1 host is silent"
        );
        assert_eq!(problems(1, 0), "1 machine needs attention");
        assert_eq!(problems(0, 2), "2 hosts are silent");
        assert_eq!(fine(30, 30), "All 30 machines are fine");
        assert_eq!(fine(28, 30), "28 of 30 machines are fine, 2 starting");
        assert_eq!(last_known(0, 0), "What you see is the last known state.");
    }

    #[test]
    fn the_past_is_said_in_the_past() {
        let moment = "14:32:08.611";
        for (counts, total, text) in [
            ((2, 0), 30, "At 14:32:08.611: 2 machines needed attention"),
            (
                (1, 1),
                30,
                "At 14:32:08.611: 1 machine needed attention, 1 host was silent",
            ),
            ((0, 0), 30, "At 14:32:08.611 all 30 machines were fine"),
            ((0, 0), 1, "At 14:32:08.611 the one machine was fine"),
            ((0, 0), 0, "At 14:32:08.611 no machine was known"),
        ] {
            assert_eq!(at_moment(moment, counts, total), text);
        }
        assert_eq!(by_now(3, 1), "Now: 3 need attention, 1 host is silent.");
        assert_eq!(by_now(0, 0), "Now nothing needs attention.");
        assert_eq!(
            behind(38_000, 2_316),
            "38.0 s behind live · 2\u{202f}316 changes since"
        );
        assert_eq!(behind(400, 1), "0.4 s behind live · 1 change since");
        let windows = [
            Some(10_000),
            Some(60_000),
            Some(300_000),
            Some(3_600_000),
            None,
        ];
        assert_eq!(windows.map(window), ["10 s", "60 s", "5 min", "1 h", "all"]);
    }

    #[test]
    fn unreachable_counts_addresses_and_knows_what_browsers_block() {
        let say = |https: bool, addresses: &[&str]| {
            let mut connection = Connection::begin("relay-fra".to_owned(), https, Seen(0));
            let failures = addresses
                .iter()
                .map(|address| Failure {
                    address: (!address.is_empty()).then(|| (*address).to_owned()),
                    reason: "refused".to_owned(),
                })
                .collect();
            connection.turn(Phase::Connecting { failures }, Seen(1));
            unreachable_advice(&connection)
        };
        let two = [
            "/ip4/127.0.0.1/tcp/1/ws",
            "/ip4/127.0.0.1/udp/1/webrtc-direct",
        ];
        assert_eq!(
            say(false, &two),
            "relay-fra did not answer on 2 addresses within 2 s. Is it running? Check the \
             address, or paste another."
        );
        assert_eq!(
            say(true, &two),
            "The browser blocked a local address from an https page. Open http://relay-fra \
             directly."
        );
        assert_eq!(
            say(true, &["/dns4/relay.example/tcp/1/wss"]),
            "relay-fra did not answer on 1 address within 2 s. Is it running? Check the address, \
             or paste another."
        );
        assert!(say(false, &[""]).starts_with("relay-fra did not answer."));
    }

    #[test]
    fn flickers_say_how_often() {
        assert_eq!(flicker(4, false), "+4 ticks, on and off twice");
        assert_eq!(flicker(2, true), "+2 ticks, off and on once");
        assert_eq!(flicker(3, true), "+3 ticks, now on");
    }
}
