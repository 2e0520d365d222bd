//! What was measured as tables for people, with what it has to reach and a list of what was missed.

use std::fmt::Write;

use serde_json::Value;

use super::profile::Part;
use super::{Measured, Side};
use crate::bench::engine::processor;
use crate::command::{command, output};

/// Peers, and the milliseconds until everybody knows everything.
const JOINS: [(usize, f64); 4] = [
    (20, 1_000.0),
    (50, 2_000.0),
    (100, 4_000.0),
    (200, 15_000.0),
];
/// From 90 to 100 %.
const TAIL: f64 = 1_000.0;
/// Peers, and the bytes that each may receive while all join.
const RECEIVED: [(usize, f64); 2] = [(20, 100.0 * 1024.0), (100, 1024.0 * 1024.0)];
/// Phase, what it is, peers, and the lag that 99 % stay below.
const CHANGES: [(&str, &str, usize, f64); 3] = [
    ("each", "20 peers, each every 1-3 s", 20, 250.0),
    ("ten", "100 peers, 10 changes/s in all", 100, 250.0),
    ("each", "100 peers, each every 1-3 s", 100, 1_500.0),
];
/// At rest: messages a second in the whole topic, share of a core for each peer.
const REST_MESSAGES: f64 = 20.0;
const REST_CORE: f64 = 0.02;
/// Processor seconds of a thousand members.
const THOUSAND: f64 = 10.0;

/// All tables.
pub fn table(measured: &Measured) -> String {
    let mut text = format!(
        "Measured on {}, {}, asyncmachine-go v0.13.0 with go-libp2p v0.47.0.\n",
        processor(),
        output(command("rustc").arg("--version")).unwrap_or_default()
    );
    let mut missed = Vec::new();
    joins(measured, &mut text, &mut missed);
    received(measured, &mut text, &mut missed);
    published(measured, &mut text);
    changes(measured, &mut text, &mut missed);
    costs(measured, &mut text, &mut missed);
    profiles(measured, &mut text);
    if let Some((said, used)) = &measured.thousand {
        let _ = writeln!(
            text,
            "\n1,000 members in virtual time, real wire bytes, links of 10 to 50 ms: {said}; {used:.1} s of processor time, goal {THOUSAND:.0} s."
        );
        note(
            &mut missed,
            *used <= THOUSAND,
            format!("a thousand members: {used:.1} s of {THOUSAND:.0}"),
        );
    }
    let _ = match missed.is_empty() {
        true => writeln!(text, "\nNo goal is missed."),
        false => writeln!(text, "\nMissed: {}.", missed.join("; ")),
    };
    text.trim_end().to_owned()
}

fn joins(measured: &Measured, text: &mut String, missed: &mut Vec<String>) {
    text.push_str(
        "\n| peers x 3 machines, from the first join | 90 % known | 99 % | 100 % | goal | 100 % minus 90 % | Go: 90 % | 100 % | Go / ours |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for (peers, goal) in JOINS {
        let Some(ours) = measured.of("join", peers, Side::Ours) else {
            continue;
        };
        let go = measured.of("join", peers, Side::Go);
        let all = ours.number("ms_100");
        let tail = all.zip(ours.number("ms_90")).map(|(all, most)| all - most);
        let ratio = go
            .and_then(|go| go.number("ms_100"))
            .zip(all)
            .map(|(go, ours)| format!("{:.0}", go / ours));
        let _ = writeln!(
            text,
            "| {peers} | {} | {} | {} | {} | {} | {} | {} | {} |",
            seconds(ours.number("ms_90")),
            seconds(ours.number("ms_99")),
            complete(&ours),
            seconds(Some(goal)),
            seconds(tail),
            seconds(go.and_then(|go| go.number("ms_90"))),
            go.map_or_else(String::new, |go| complete(&go)),
            ratio.unwrap_or_default(),
        );
        note(
            missed,
            all.is_some_and(|all| all <= goal),
            format!(
                "{peers} joining: {} of {}",
                complete(&ours),
                seconds(Some(goal))
            ),
        );
        note(
            missed,
            tail.is_some_and(|tail| tail <= TAIL),
            format!(
                "{peers} joining: 100 % minus 90 % of {}",
                seconds(Some(TAIL))
            ),
        );
    }
}

fn received(measured: &Measured, text: &mut String, missed: &mut Vec<String>) {
    text.push_str(
        "\n| received by each peer meanwhile | messages | copies | payloads | all bytes on the loopback | goal | Go: messages | payloads | all bytes |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for (peers, _) in JOINS {
        let Some(ours) = measured.of("join", peers, Side::Ours) else {
            continue;
        };
        let goal = RECEIVED
            .iter()
            .find(|(size, _)| *size == peers)
            .map(|(_, goal)| *goal);
        let go = measured.of("join", peers, Side::Go);
        let of_go = |name| go.and_then(|go| go.number(name));
        let _ = writeln!(
            text,
            "| {peers} | {} | {} | {} | {} | {} | {} | {} | {} |",
            count(ours.number("messages")),
            count(ours.number("copies")),
            kilobytes(ours.number("bytes")),
            kilobytes(ours.number("wire_bytes")),
            kilobytes(goal),
            count(of_go("messages")),
            kilobytes(of_go("bytes")),
            kilobytes(of_go("wire_bytes")),
        );
        if let Some(goal) = goal {
            let bytes = ours.number("wire_bytes");
            note(
                missed,
                bytes.is_some_and(|bytes| bytes <= goal),
                format!(
                    "{peers} joining: {} of {} received",
                    kilobytes(bytes),
                    kilobytes(Some(goal))
                ),
            );
        }
    }
}

/// What the types are called in the figures: as on the wire.
const KINDS: [&str; 5] = ["info", "updates", "reqinfo", "requpdates", "gossip"];

fn published(measured: &Measured, text: &mut String) {
    let _ = writeln!(
        text,
        "\n| published by each peer meanwhile | {} |\n|---|{}",
        KINDS.join(" | "),
        "---|".repeat(KINDS.len())
    );
    for (peers, _) in JOINS {
        if let Some(ours) = measured.of("join", peers, Side::Ours) {
            let said = KINDS.map(|kind| {
                let messages = ours.number(kind);
                messages.map_or_else(String::new, |messages| format!("{messages:.1}"))
            });
            let _ = writeln!(text, "| {peers} | {} |", said.join(" | "));
        }
    }
}

fn changes(measured: &Measured, text: &mut String, missed: &mut Vec<String>) {
    text.push_str(
        "\n| a change is seen by everybody | changes | p50 | p99 | goal | longest | lost | messages/s | core per peer | Go: p50 | p99 | longest | lost |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (phase, what, peers, goal) in CHANGES {
        let Some(ours) = measured.of(phase, peers, Side::Ours) else {
            continue;
        };
        let go = measured.of(phase, peers, Side::Go);
        let of_go = |name| go.and_then(|go| go.number(name));
        let p99 = ours.number("p99_ms");
        let _ = writeln!(
            text,
            "| {what} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            count(ours.number("changes")),
            seconds(ours.number("p50_ms")),
            seconds(p99),
            seconds(Some(goal)),
            seconds(ours.number("max_ms")),
            share(ours.lost()),
            count(ours.number("messages_per_s")),
            share(ours.number("cpu_share")),
            seconds(of_go("p50_ms")),
            seconds(of_go("p99_ms")),
            seconds(of_go("max_ms")),
            share(go.and_then(|go| go.lost())),
        );
        note(
            missed,
            p99.is_some_and(|p99| p99 <= goal),
            format!("{what}: p99 {} of {}", seconds(p99), seconds(Some(goal))),
        );
        note(
            missed,
            ours.number("lost") == Some(0.0),
            format!("{what}: {} lost", share(ours.lost())),
        );
    }
}

fn costs(measured: &Measured, text: &mut String, missed: &mut Vec<String>) {
    if measured.of("rest", 100, Side::Ours).is_none() {
        return;
    }
    text.push_str("\n| 100 peers | ours | goal | Go |\n|---|---|---|---|\n");
    let ours = measured.of("rest", 100, Side::Ours);
    let go = measured.of("rest", 100, Side::Go);
    let joins = [Side::Ours, Side::Go].map(|side| measured.of("join", 100, side));
    let of = |said: Option<Figures<'_>>, name| said.and_then(|said| said.number(name));
    let messages = of(ours, "messages_per_s");
    let core = of(ours, "cpu_share");
    let mut row = |what: &str, ours: String, goal: String, go: String| {
        let _ = writeln!(text, "| {what} | {ours} | {goal} | {go} |");
    };
    row(
        "at rest, messages a second in the whole topic",
        count(messages),
        count(Some(REST_MESSAGES)),
        count(of(go, "messages_per_s")),
    );
    row(
        "at rest, share of a core for each peer",
        share(core),
        share(Some(REST_CORE)),
        share(of(go, "cpu_share")),
    );
    row(
        "memory for each peer once all is known, the harness included",
        kilobytes(of(joins[0], "rss")),
        String::new(),
        kilobytes(of(joins[1], "rss")),
    );
    row(
        "processor time of the join, all peers",
        seconds(of(joins[0], "cpu_ms")),
        String::new(),
        seconds(of(joins[1], "cpu_ms")),
    );
    if ours.is_some() {
        note(
            missed,
            messages.is_some_and(|rate| rate <= REST_MESSAGES),
            format!("at rest: {} messages/s of {REST_MESSAGES}", count(messages)),
        );
        note(
            missed,
            core.is_some_and(|core| core <= REST_CORE),
            format!(
                "at rest: {} of a core of {}",
                share(core),
                share(Some(REST_CORE))
            ),
        );
    }
}

fn profiles(measured: &Measured, text: &mut String) {
    if measured.of("each", 100, Side::Ours).is_none() {
        return;
    }
    if measured.profiles.is_empty() {
        text.push_str(
            "\nWhat the processor time goes into was not measured: there is no `perf` here.\n",
        );
        return;
    }
    text.push_str(
        "\n| processor time, 100 peers changing every 1-3 s | ours | Go |\n|---|---|---|\n",
    );
    for part in Part::ALL {
        let of = |side| {
            measured
                .profiles
                .get(&side)
                .map(|profile| profile.get(&part).copied().unwrap_or_default() / 100.0)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            part.name(),
            share(of(Side::Ours)),
            share(of(Side::Go))
        );
    }
}

impl Measured {
    fn of(&self, phase: &str, peers: usize, side: Side) -> Option<Figures<'_>> {
        self.phases
            .get(&(phase.to_owned(), peers, side))
            .map(Figures)
    }
}

/// What a harness said of one phase.
#[derive(Clone, Copy)]
struct Figures<'a>(&'a Value);

impl Figures<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        self.0[name].as_f64()
    }
    /// Share of all sightings that never came.
    fn lost(&self) -> Option<f64> {
        let (lost, seen) = (self.number("lost")?, self.number("seen")?);
        Some(lost / (lost + seen).max(1.0))
    }
}

/// The time to 100 %, or what is missing at the limit.
fn complete(join: &Figures<'_>) -> String {
    match (
        join.number("ms_100"),
        join.number("missing"),
        join.number("pairs"),
    ) {
        (Some(all), _, _) => seconds(Some(all)),
        (None, Some(missing), Some(pairs)) => {
            format!("never: {missing:.0} of {pairs:.0} pairs missing")
        }
        _ => String::new(),
    }
}

fn note(missed: &mut Vec<String>, reached: bool, what: String) {
    if !reached {
        missed.push(what);
    }
}

fn seconds(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(String::new, |time| match time {
        ..1_000.0 => format!("{time:.0} ms"),
        _ => format!("{:.1} s", time / 1_000.0),
    })
}

fn kilobytes(bytes: Option<f64>) -> String {
    bytes.map_or_else(String::new, |bytes| format!("{:.0} KiB", bytes / 1024.0))
}

fn count(count: Option<f64>) -> String {
    count.map_or_else(String::new, |count| match count {
        ..10.0 => format!("{count:.1}"),
        _ => format!("{count:.0}"),
    })
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| match share {
        0.0 => "0".to_owned(),
        _ => format!("{:.1} %", share * 100.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missed_is_named() {
        let mut measured = Measured::default();
        let join = |all: Value, missing| json!({"ms_90": 700.0, "ms_99": 800.0, "ms_100": all, "missing": missing, "pairs": 1140.0, "wire_bytes": 1024.0});
        measured
            .phases
            .insert(("join".to_owned(), 20, Side::Ours), join(json!(900.0), 0.0));
        measured
            .phases
            .insert(("join".to_owned(), 20, Side::Go), join(json!(4500.0), 0.0));
        measured
            .phases
            .insert(("join".to_owned(), 50, Side::Ours), join(Value::Null, 7.0));
        let text = table(&measured);
        assert!(
            text.contains(
                "| 20 | 700 ms | 800 ms | 900 ms | 1.0 s | 200 ms | 700 ms | 4.5 s | 5 |"
            ),
            "{text}"
        );
        assert!(text.contains("never: 7 of 1140 pairs missing"), "{text}");
        assert!(text.contains("Missed: 50 joining: never"), "{text}");
        assert!(!text.contains("20 joining:"), "{text}");
    }
}
