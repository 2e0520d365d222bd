//! Meshes that this browser was in, for the Join page: kept as text in local storage, the newest first, a few of them.
//!
//! `v1`, then a line for each: when (milliseconds since 1970), machines then, how to join, and its name, between tabs.

/// A mesh of an earlier visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMesh {
    /// Its name.
    pub name: String,
    /// What was typed or opened to join it.
    pub target: String,
    /// When it was last seen, in milliseconds since 1970.
    pub at: u64,
    /// Machines it had then.
    pub machines: u64,
}

/// Reads what was kept. Whatever is no line of this version is passed by.
#[must_use]
pub fn read_known(text: &str) -> Vec<KnownMesh> {
    let Some(lines) = text.strip_prefix("v1\n") else {
        return Vec::new();
    };
    let line = |line: &str| {
        let mut parts = line.splitn(4, '\t');
        let mut next = || parts.next();
        let known = KnownMesh {
            at: next()?.parse().ok()?,
            machines: next()?.parse().ok()?,
            target: next()?.to_owned(),
            name: next()?.to_owned(),
        };
        super::JoinTarget::parse(&known.target).ok()?;
        Some(known)
    };
    lines.lines().filter_map(line).take(MAX_KNOWN).collect()
}

/// As it is kept.
#[must_use]
pub fn write_known(known: &[KnownMesh]) -> String {
    let mut text = "v1\n".to_owned();
    for mesh in known.iter().take(MAX_KNOWN) {
        let plain = |part: &str| {
            let kept = part.chars().filter(|c| !c.is_control());
            kept.take(MAX_LENGTH).collect::<String>()
        };
        let (target, name) = (plain(&mesh.target), plain(&mesh.name));
        text += &format!("{}\t{}\t{target}\t{name}\n", mesh.at, mesh.machines);
    }
    text
}

/// With this visit: its mesh comes first, and once.
#[must_use]
pub fn with_visit(mut known: Vec<KnownMesh>, visit: KnownMesh) -> Vec<KnownMesh> {
    known.retain(|mesh| (&mesh.name, &mesh.target) != (&visit.name, &visit.target));
    known.insert(0, visit);
    known.truncate(MAX_KNOWN);
    known
}

/// Meshes kept.
const MAX_KNOWN: usize = 8;
/// Characters kept of a name and of an address.
const MAX_LENGTH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh(n: u64) -> KnownMesh {
        KnownMesh {
            name: format!("mesh {n}"),
            target: format!("http://127.0.0.1:{n}"),
            at: n,
            machines: 30,
        }
    }

    #[test]
    fn what_is_kept_is_read_again_newest_first() {
        let mut known = Vec::new();
        for n in 1..=20 {
            known = with_visit(known, mesh(n));
        }
        known = with_visit(known, mesh(15));
        let names: Vec<u64> = known.iter().map(|mesh| mesh.at).collect();
        assert_eq!(names, [15, 20, 19, 18, 17, 16, 14, 13]);
        assert_eq!(read_known(&write_known(&known)), known);
    }

    #[test]
    fn whatever_else_is_there_is_none() {
        let odd = mesh(1);
        let odd = KnownMesh {
            name: "a\tb\nc\u{0}".to_owned(),
            ..odd
        };
        assert_eq!(read_known(&write_known(&[odd]))[0].name, "abc");
        for text in [
            "",
            "v2\n1\t2\thttp://a\tb",
            "v1\nx\t1\thttp://a\tb",
            "v1\n1\t1\tjavascript:x\tb",
        ] {
            assert!(read_known(text).is_empty(), "{text}");
        }
        assert_eq!(
            read_known(&format!("v1\n{}", "1\t1\thttp://a\tb\n".repeat(50))).len(),
            MAX_KNOWN
        );
    }
}
