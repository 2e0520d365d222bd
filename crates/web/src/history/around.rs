//! What surrounds the machines in a recording: what owners say of them, peers, bookmarks (docs/smesh.md).

use statemesh::core::collections::OrderedMap;
use statemesh::{MachineIdx, PeerId};

use super::bytes::{Reader, put, put_bytes};
use super::file::{MAX_TEXT, flag, later};
use super::pyramid::LATEST;
use super::{Excerpt, Face, Journal, MachineKey, Seen};

/// What surrounds the machines of a recording.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Wall time of the clock's zero, in milliseconds since 1970.
    pub origin: u64,
    /// Name of the mesh.
    pub topic: String,
    /// Where it ends.
    pub end: Seen,
    /// The tab's own id.
    pub own: Option<PeerId>,
    /// What owners say of their machines.
    pub faces: OrderedMap<MachineKey, Face>,
    /// Peers of which something signed by themselves was heard; true: they speak this project's extra keys.
    pub heard: OrderedMap<PeerId, bool>,
    /// Peers, and when the tab was not connected.
    pub journal: Journal,
    /// Moments with names.
    pub bookmarks: Vec<Bookmark>,
}

/// A moment somebody wants to find again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// When.
    pub at: Seen,
    /// The machine looked at, as links name it; empty: the mesh.
    pub machine: String,
    /// What it is called.
    pub name: String,
    /// What else there is to say.
    pub note: String,
}

/// The section behind the machines.
pub(super) fn surroundings(about: &About, excerpt: &Excerpt) -> Vec<u8> {
    let bytes = &mut Vec::new();
    put_bytes(bytes, about.topic.as_bytes());
    put(bytes, about.end.min(excerpt.to.unwrap_or(LATEST)).0);
    let own = about.own.map(|own| own.as_bytes().to_vec());
    put_bytes(bytes, &own.unwrap_or_default());
    let is_asked = |key: &MachineKey| {
        let machines = excerpt.machines.as_ref();
        machines.is_none_or(|machines| machines.contains(key))
    };
    let faces: Vec<_> = about
        .faces
        .iter()
        .filter(|(key, _)| is_asked(key))
        .collect();
    put(bytes, faces.len() as u64);
    for (key, face) in faces {
        put_bytes(bytes, key.peer.as_bytes());
        put(bytes, key.index.0);
        put_bytes(bytes, face.parent.as_bytes());
        put(bytes, face.tags.len() as u64);
        for tag in &face.tags {
            put_bytes(bytes, tag.as_bytes());
        }
        bytes.push(flag(face.own, 1));
    }
    put(bytes, about.heard.len() as u64);
    for (peer, is_statemesh) in &about.heard {
        put_bytes(bytes, peer.as_bytes());
        bytes.push(flag(*is_statemesh, 1));
    }
    about.journal.pack(bytes);
    put(bytes, about.bookmarks.len() as u64);
    for bookmark in &about.bookmarks {
        put(bytes, bookmark.at.0);
        for text in [&bookmark.machine, &bookmark.name, &bookmark.note] {
            put_bytes(bytes, text.as_bytes());
        }
    }
    std::mem::take(bytes)
}

pub(super) fn read_surroundings(section: &[u8], shift: u64) -> Option<About> {
    let reader = &mut Reader::new(section);
    let here = |at: u64| later(Seen(shift), at);
    let mut about = About {
        topic: reader.text(MAX_TEXT)?.to_owned(),
        end: here(reader.number()?)?,
        own: PeerId::from_bytes(reader.block(MAX_TEXT)?).ok(),
        ..About::default()
    };
    for _ in 0..reader.count()? {
        let key = MachineKey {
            peer: PeerId::from_bytes(reader.block(MAX_TEXT)?).ok()?,
            index: MachineIdx(reader.number()?),
        };
        let parent = reader.text(MAX_TEXT)?.to_owned();
        let mut tags = Vec::new();
        for _ in 0..reader.count()? {
            tags.push(reader.text(MAX_TEXT)?.to_owned());
        }
        let own = reader.byte()? == 1;
        about.faces.insert(key, Face { tags, parent, own });
    }
    for _ in 0..reader.count()? {
        let peer = PeerId::from_bytes(reader.block(MAX_TEXT)?).ok()?;
        about.heard.insert(peer, reader.byte()? == 1);
    }
    about.journal = Journal::unpack(reader, shift)?;
    if let Some(own) = about.own {
        about.journal.begin(own, Seen(0));
    }
    for _ in 0..reader.count()? {
        let at = here(reader.number()?)?;
        let [machine, name, note] = [(); 3].map(|()| reader.text(MAX_TEXT).map(str::to_owned));
        about.bookmarks.push(Bookmark {
            at,
            machine: machine?,
            name: name?,
            note: note?,
        });
    }
    Some(about)
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{about, all, recorded};
    use super::super::{Limits, read_recording, write_recording, zero_for};
    use super::*;
    use crate::model::{Carrier, LinkEnd, PeerFacts, ReportedLink, Role, Shown};

    /// A machine of a relay that had a link for a while.
    fn surrounded(key: MachineKey) -> About {
        let mut about = about();
        about.own = Some(key.peer);
        let face = Face {
            tags: vec!["host:van".to_owned()],
            parent: "depot".to_owned(),
            own: true,
        };
        about.faces.insert(key, face);
        about.heard.insert(key.peer, true);
        let link = |rtt| ReportedLink {
            end: LinkEnd(5),
            carrier: Some(Carrier::Other("quic")),
            rtt: Some(rtt),
        };
        let mut facts = PeerFacts {
            heard: Some(Seen(1_000)),
            heartbeat: Some(1_000),
            is_statemesh: true,
            role: Some(Role::Relay),
            name: Some(Shown::new("relay-fra")),
            software: Some(Shown::new("statemesh/0.1")),
            links: vec![link(3)],
            ..PeerFacts::unknown(key.peer)
        };
        about.journal.peers(&[facts.clone()], Seen(1_000));
        facts.links = vec![link(9)];
        about.journal.peers(&[facts.clone()], Seen(1_500));
        facts.links = Vec::new();
        about.journal.peers(&[facts], Seen(1_600));
        about.bookmarks = vec![Bookmark {
            at: Seen(2_000),
            machine: "m@x".to_owned(),
            name: "here".to_owned(),
            note: "it began".to_owned(),
        }];
        about
    }

    #[test]
    fn what_surrounds_the_machines_comes_back_on_the_clock_of_the_page() {
        let (history, key) = recorded();
        let about = surrounded(key);
        let bytes = write_recording(&history, &about, &all());
        let recording = read_recording(&bytes, 7, Limits::default()).unwrap();
        assert_eq!(recording.damaged, 0);
        let told = recording.about;
        assert_eq!(
            (told.topic.as_str(), told.own),
            ("parcel-eu", Some(key.peer))
        );
        assert_eq!(told.end, Seen(9_570));
        assert_eq!(told.faces.get(&key), about.faces.get(&key));
        assert_eq!(told.heard.get(&key.peer), Some(&true));
        assert_eq!(told.bookmarks[0].at, Seen(2_070));
        assert_eq!(told.bookmarks[0].note, "it began");
        let voice = told.journal.voice(&key.peer).unwrap();
        assert_eq!(voice.silent_since(Seen(9_070)), Some(Seen(1_070)));
        assert!(voice.present.at(Seen(1_070)).is_some());
        assert!(voice.present.at(Seen(1_069)).is_none());
        assert_eq!(voice.role(), Some(Role::Relay));
        assert_eq!(voice.name(), Some(&Shown::new("relay-fra")));
        assert_eq!(voice.software(), Some(&Shown::new("statemesh/0.1")));
        assert!(voice.is_statemesh());
        assert_eq!(voice.first_heard(), Some(Seen(1_070)));
        let claim = told.journal.claims().get(key.peer, LinkEnd(5)).unwrap();
        let stint = claim.at(Seen(1_100)).unwrap();
        assert_eq!((stint.from, stint.to), (Seen(1_070), Some(Seen(1_670))));
        assert!(stint.withdrawn);
        for (at, rtt) in [(1_070, 3), (1_569, 3), (1_570, 9)] {
            let look = stint.look(Seen(at)).unwrap();
            assert_eq!(
                (look.rtt, look.carrier),
                (Some(rtt), Some(Carrier::Other("quic")))
            );
        }
        let track = recording.history.track(&key).unwrap();
        assert_eq!(track.oldest().at, Seen(1_070));
        let later = read_recording(&bytes, 78, Limits::default()).unwrap();
        assert_eq!(later.history.track(&key).unwrap().oldest().at, Seen(999));
        assert_eq!((later.damaged, later.about.end), (0, Seen(9_499)));
        let voice = later.about.journal.voice(&key.peer).unwrap();
        assert!(voice.present.at(Seen(999)).is_some());
        let too_late = read_recording(&bytes, 77 + 1_001, Limits::default()).unwrap();
        assert!(
            too_late.history.is_empty(),
            "it began before the page's zero"
        );
    }

    #[test]
    fn old_recordings_have_their_place_at_the_same_time_of_day() {
        let (history, key) = recorded();
        let mut about = about();
        // However old it is, all of it is there, at the same time of day.
        const DAY: u64 = 86_400_000;
        let base = 2_000 * DAY;
        about.origin = base + 77;
        let bytes = write_recording(&history, &about, &all());
        for (origin, zero) in [
            (base + 7, base + 7),
            (base + 77, base + 77),
            (base + 78, base + 78 - DAY),
            (base + 77 + 1_000 * DAY, base + 77),
        ] {
            assert_eq!(zero_for(&bytes, origin), zero);
            let old = read_recording(&bytes, zero, Limits::default()).unwrap();
            let oldest = old.history.track(&key).unwrap().oldest().at;
            assert_eq!((oldest.0 + zero, old.about.origin), (base + 1_077, zero));
        }
        assert_eq!(zero_for(b"something else", 77), 77);
    }

    #[test]
    fn forged_surroundings_break_nothing() {
        let section = surroundings(&surrounded(recorded().1), &all());
        for at in 0..section.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut forged = section.clone();
                forged[at] = byte;
                let _ = read_surroundings(&forged, 70);
            }
        }
    }
}
