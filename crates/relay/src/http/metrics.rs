//! `GET /metrics`: the relay's figures for Prometheus (text exposition format 0.0.4).
//!
//! Plain text written here: a handful of gauges and counters needs no library. Labels have few values, whatever peers do:
//! types and reasons are the code's own, and only so many links are told one by one.

use std::fmt::Write;
use std::time::Duration;

use statemesh::core::collections::OrderedMap;
use statemesh::mesh::Refused;
use statemesh::traffic::{Flow, MessageKind, Traffic};

use super::Health;
use super::api::SOFTWARE;

/// What the peer knows.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Peers, links, machines.
    pub health: Health,
    /// Messages.
    pub traffic: Traffic,
    /// Connections refused.
    pub refused: Refused,
    /// Live links.
    pub links: Vec<LinkFigure>,
}

/// One live link.
#[derive(Clone, Debug)]
pub struct LinkFigure {
    /// Neighbour.
    pub peer: String,
    /// `quic`, `ws`, …
    pub transport: &'static str,
    /// Last round trip, when measured.
    pub round_trip: Option<Duration>,
}

/// What this program knows beside it.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Since the start.
    pub uptime: Duration,
    /// Requests refused for their Host or Origin.
    pub refused_requests: u64,
    /// Bytes, where the system tells.
    pub memory: Option<u64>,
}

/// Of the answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All of it.
pub fn text(figures: &Figures, process: &Process) -> String {
    let mut page = Page::default();
    page.metric(
        "statemesh_build_info",
        "gauge",
        "Name and version of this program.",
    );
    page.value("statemesh_build_info", &[("software", SOFTWARE)], 1);
    page.metric(
        "statemesh_uptime_seconds",
        "gauge",
        "Seconds since the start.",
    );
    page.value("statemesh_uptime_seconds", &[], process.uptime.as_secs());
    let health = &figures.health;
    page.metric("statemesh_peers", "gauge", "Known peers besides the relay.");
    page.value("statemesh_peers", &[], health.peers);
    page.metric(
        "statemesh_machines",
        "gauge",
        "Known machines of other peers.",
    );
    page.value("statemesh_machines", &[], health.machines);
    links(&mut page, &figures.links);
    let traffic = &figures.traffic;
    flows(
        &mut page,
        "received",
        "Messages of others, without duplicates",
        &traffic.received,
    );
    flows(&mut page, "published", "Own messages", &traffic.published);
    let dropped = "statemesh_messages_dropped_total";
    page.metric(
        dropped,
        "counter",
        "Messages of others that were refused, by reason.",
    );
    for (reason, count) in &traffic.dropped {
        page.value(dropped, &[("reason", reason)], count);
    }
    let refused = "statemesh_connections_refused_total";
    page.metric(
        refused,
        "counter",
        "Incoming connections refused, by cause.",
    );
    for (cause, count) in [
        ("connections", figures.refused.connections),
        ("handshakes", figures.refused.handshakes),
        ("strangers", figures.refused.strangers),
    ] {
        page.value(refused, &[("cause", cause)], count);
    }
    let requests = "statemesh_http_requests_refused_total";
    page.metric(
        requests,
        "counter",
        "Requests refused for their Host or Origin.",
    );
    page.value(requests, &[], process.refused_requests);
    if let Some(bytes) = process.memory {
        let memory = "process_resident_memory_bytes";
        page.metric(memory, "gauge", "Resident memory size in bytes.");
        page.value(memory, &[], bytes);
    }
    page.0
}

fn links(page: &mut Page, links: &[LinkFigure]) {
    let name = "statemesh_links";
    page.metric(name, "gauge", "Live links, by transport.");
    for transport in TRANSPORTS {
        let count = links.iter().filter(|it| it.transport == transport).count();
        page.value(name, &[("transport", transport)], count);
    }
    let name = "statemesh_link_round_trip_seconds";
    page.metric(name, "gauge", "Last round trip of links, of 64 at most.");
    for link in links.iter().take(MAX_LINKS) {
        if let Some(round_trip) = link.round_trip {
            let labels = [("peer", link.peer.as_str()), ("transport", link.transport)];
            page.value(name, &labels, round_trip.as_secs_f64());
        }
    }
}

fn flows(
    page: &mut Page,
    direction: &str,
    what: &str,
    flows: &OrderedMap<Option<MessageKind>, Flow>,
) {
    let name = format!("statemesh_messages_{direction}_total");
    page.metric(&name, "counter", &format!("{what}, by type."));
    let label = |kind: &Option<MessageKind>| kind.map_or("other", MessageKind::name);
    for (kind, flow) in flows {
        page.value(&name, &[("type", label(kind))], flow.messages);
    }
    let name = format!("statemesh_messages_{direction}_bytes_total");
    page.metric(&name, "counter", &format!("{what}, payload bytes by type."));
    for (kind, flow) in flows {
        page.value(&name, &[("type", label(kind))], flow.bytes);
    }
}

/// Resident memory of this process, where `/proc` tells.
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The text so far.
#[derive(Default)]
struct Page(String);

// Writing to a String does not fail.
impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

/// As [`TransportKind`](statemesh::mesh::TransportKind) names those a relay has.
const TRANSPORTS: [&str; 4] = ["quic", "tcp", "ws", "webrtc"];
/// A relay with a thousand tabs must not make a thousand time series.
const MAX_LINKS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_lines() {
        let mut traffic = Traffic::default();
        let flow = Flow {
            messages: 3,
            bytes: 700,
        };
        traffic.received.insert(Some(MessageKind::Updates), flow);
        traffic.dropped.insert("say \"no\"", 2);
        let link = |transport, ms: Option<u64>| LinkFigure {
            peer: "12D3".to_owned(),
            transport,
            round_trip: ms.map(Duration::from_millis),
        };
        let mut links = vec![link("ws", Some(25)), link("quic", None)];
        links.extend(std::iter::repeat_n(link("ws", Some(1)), 1000));
        let figures = Figures {
            traffic,
            links,
            ..Figures::default()
        };
        let process = Process {
            uptime: Duration::from_secs(9),
            refused_requests: 4,
            memory: Some(4096),
        };
        let text = text(&figures, &process);
        for line in [
            "# TYPE statemesh_messages_received_total counter",
            "statemesh_messages_received_total{type=\"updates\"} 3",
            "statemesh_messages_received_bytes_total{type=\"updates\"} 700",
            "statemesh_messages_dropped_total{reason=\"say \\\"no\\\"\"} 2",
            "statemesh_links{transport=\"ws\"} 1001",
            "statemesh_links{transport=\"tcp\"} 0",
            "statemesh_link_round_trip_seconds{peer=\"12D3\",transport=\"ws\"} 0.025",
            "statemesh_http_requests_refused_total 4",
            "process_resident_memory_bytes 4096",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
        assert!(text.lines().count() < 120 && text.ends_with('\n'));
        // Every sample belongs to a metric that was introduced.
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{line}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_read() {
        assert!(resident_memory().unwrap() > 1 << 20);
    }
}
