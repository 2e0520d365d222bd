//! What the processor time of a running harness goes into, by the names of the functions that `perf` finds it in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::command::{command, output};
use crate::workspace;

/// Percent of the samples by part.
pub type Profile = BTreeMap<Part, f64>;

/// Whose code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Signatures,
    Encryption,
    Quic,
    Libp2p,
    Core,
    Peer,
    Runtime,
    Memory,
    Kernel,
    Other,
}

impl Part {
    /// In the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Signatures,
        Self::Libp2p,
        Self::Core,
        Self::Peer,
        Self::Quic,
        Self::Encryption,
        Self::Runtime,
        Self::Memory,
        Self::Kernel,
        Self::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Encryption => "encryption of links",
            Self::Quic => "QUIC",
            Self::Libp2p => "libp2p, gossipsub",
            Self::Core => "core (Go: machines, pubsub, rpc)",
            Self::Peer => "the peer around core, and the harness",
            Self::Runtime => "tasks and timers of the runtime",
            Self::Memory => "memory: allocation, copies, garbage collection",
            Self::Kernel => "the kernel: datagrams, threads",
            Self::Other => "other",
        }
    }

    /// By a function's name. The first that fits counts: what is generic over a type of core's is core's.
    fn of(symbol: &str, object: &str) -> Self {
        if object.contains("kernel") {
            return Self::Kernel;
        }
        let marks = MARKS.iter().find(|(mark, _)| symbol.contains(mark));
        match marks {
            Some((_, part)) => *part,
            None if object.contains("libc") => Self::Memory,
            None => Self::Other,
        }
    }
}

/// A recording under way.
pub struct Recording {
    perf: Child,
    file: PathBuf,
}

/// Records the process for a while. `None`: there is no `perf`, or it may not.
pub fn record(pid: u64) -> Option<Recording> {
    let file = workspace::target().join(format!("bench-mesh-{pid}.perf"));
    let mut perf = command("perf");
    perf.args([
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        "199",
        "-p",
        &pid.to_string(),
        "-o",
    ]);
    perf.arg(&file).args(["--", "sleep", SECONDS]);
    let perf = perf
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Some(Recording { perf, file })
}

impl Recording {
    /// Waits for its end.
    pub fn read(mut self) -> Option<Profile> {
        let recorded = self.perf.wait().ok()?.success();
        let mut perf = command("perf");
        perf.args([
            "report",
            "--stdio",
            "-q",
            "--sort",
            "dso,symbol",
            "-F",
            "overhead,dso,symbol",
        ]);
        perf.args(["-t", "|", "-i"]).arg(&self.file);
        let report = output(&mut perf);
        // A leftover file harms nobody.
        let _ = std::fs::remove_file(&self.file);
        Some(parse(&report.filter(|_| recorded)?)).filter(|profile| !profile.is_empty())
    }
}

/// ` 4.19%  |[kernel.kallsyms]  |[k] _raw_spin_unlock_irqrestore  |…`
fn parse(report: &str) -> Profile {
    let mut profile = Profile::new();
    for line in report.lines() {
        let mut fields = line.split('|');
        let percent = fields.next().and_then(|text| text.trim().strip_suffix('%'));
        let (object, symbol) = (
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
        );
        if let Some(Ok(percent)) = percent.map(str::parse::<f64>) {
            *profile.entry(Part::of(symbol, object)).or_default() += percent;
        }
    }
    profile
}

/// Parts of names of functions, most telling first.
const MARKS: [(&str, Part); 42] = [
    ("ed25519", Part::Signatures),
    ("edwards25519", Part::Signatures),
    ("curve25519", Part::Signatures),
    ("sha512", Part::Signatures),
    ("statemesh_core", Part::Core),
    ("asyncmachine-go", Part::Core),
    ("msgpack", Part::Core),
    ("main.", Part::Peer),
    ("aes", Part::Encryption),
    ("gcm", Part::Encryption),
    ("chacha", Part::Encryption),
    ("aws_lc", Part::Encryption),
    ("ring_core", Part::Encryption),
    ("rustls", Part::Encryption),
    ("crypto/", Part::Encryption),
    ("quinn", Part::Quic),
    ("libp2p_quic", Part::Quic),
    ("quic-go", Part::Quic),
    ("libp2p", Part::Libp2p),
    ("multistream", Part::Libp2p),
    ("yamux", Part::Libp2p),
    ("quick_protobuf", Part::Libp2p),
    ("prometheus", Part::Libp2p),
    ("protobuf", Part::Libp2p),
    ("multiaddr", Part::Libp2p),
    ("statemesh", Part::Peer),
    ("tokio", Part::Runtime),
    ("futures", Part::Runtime),
    ("mio", Part::Runtime),
    ("std::sys", Part::Runtime),
    ("runtime.malloc", Part::Memory),
    ("runtime.gc", Part::Memory),
    ("runtime.scan", Part::Memory),
    ("runtime.mem", Part::Memory),
    ("runtime.(*m", Part::Memory),
    ("runtime.bg", Part::Memory),
    ("malloc", Part::Memory),
    ("free", Part::Memory),
    ("alloc", Part::Memory),
    ("memcpy", Part::Memory),
    ("memmove", Part::Memory),
    ("runtime.", Part::Runtime),
];

/// Within the phase.
const SECONDS: &str = "20";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_sorted_by_whose_code_it_is() {
        let report = " 4.00%  |[kernel.kallsyms]  |[k] _raw_spin_lock  |-\n\
                      20.50%|mesh-1 |[.] curve25519_dalek::backend::mul |-\n\
                      0.50%|mesh-1 |[.] <ed25519_dalek::VerifyingKey>::verify|-\n\
                      3.00%|mesh-1 |[.] <statemesh_core::node::Node>::handle_input|-\n\
                      2.00%|mesh-1 |[.] <libp2p_swarm::Swarm<statemesh::behaviour::Behaviour>>::poll|-\n\
                      1.00%|libc.so.6|[.] 0x1234|-\n\nnonsense\n";
        let profile = parse(report);
        assert_eq!(profile[&Part::Kernel], 4.0);
        assert_eq!(profile[&Part::Signatures], 21.0);
        assert_eq!(profile[&Part::Core], 3.0);
        assert_eq!(profile[&Part::Libp2p], 2.0);
        assert_eq!(profile[&Part::Memory], 1.0);
        assert!(parse("no samples").is_empty());
    }
}
