//! Looks at a recorded line and runs it: engine cases, values and texts, wire messages, also from files never seen.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

/// A line longer than this is none of ours, and is not read into memory whole.
const MAX_LINE: u64 = 64 << 20;

/// What came of one recorded line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Equal in everything observable.
    Agree,
    /// Differs on purpose: names the defect of the reference that we fixed.
    Deliberate(String),
    /// Needs something that is not built yet: says what.
    Unsupported(String),
    /// Differs: says where, readable.
    Differs(String),
}

/// The files recorded from the reference that this project keeps.
#[must_use]
pub fn recorded_files() -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let names = [
        "engine-vectors.jsonl.gz",
        "engine-vectors-nondeterministic.jsonl.gz",
        "engine-formats.jsonl.gz",
        "mesh-wire.jsonl",
        "mesh-wire-bad.jsonl",
    ];
    names.iter().map(|name| data.join(name)).collect()
}

/// Calls `each` with every line that is not blank and its number from 1. A file named `*.gz` is decompressed.
///
/// # Errors
/// The file cannot be opened, read or decompressed.
pub fn for_each_line(path: &Path, mut each: impl FnMut(u64, &str)) -> io::Result<()> {
    let file = File::open(path)?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut reader: Box<dyn BufRead> = if is_packed {
        Box::new(BufReader::new(GzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            each(number, text);
        }
    }
    Ok(())
}

/// Runs one line of any known format.
#[must_use]
pub fn check_line(line: &str) -> Verdict {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return Verdict::Differs(format!("not JSON: {error}")),
    };
    if value.get("ops").is_some() && value.get("schema").is_some() {
        crate::engine_vectors::check(&value)
    } else if value.get("kind").is_some() && value.get("in").is_some() {
        crate::format_vectors::check(&value)
    } else if value.get("hex").is_some() || value.get("parts").is_some() {
        crate::wire_vectors::check(&value)
    } else {
        Verdict::Unsupported("unknown line format".to_owned())
    }
}
