//! Recordings made up by `examples/generate` are read back as they were made, and the same plan gives the same bytes.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

use std::io::Read;

use flate2::read::GzDecoder;
use statemesh_web::history::{Entry, History, Limits, Place, Track, read_recording};

#[path = "../examples/generate/plan.rs"]
mod plan;
#[path = "../examples/generate/story.rs"]
mod story;

use plan::{NotMade, ORIGIN, Plan, generate, history, pack};

const SMALL: Plan = Plan {
    machines: 20,
    peers: 5,
    transitions: 500,
    seed: 1,
};

fn entries(track: &Track) -> Vec<Entry> {
    track.entries(Place(0)).collect()
}

/// Records that are no first looks.
fn transitions(history: &History) -> u64 {
    let tracks = history.machines().flat_map(|(_, track)| entries(track));
    tracks.filter(|entry| !entry.is_first_look).count() as u64
}

#[test]
fn a_made_up_recording_is_read_back_as_it_was_made() {
    let made = history(&SMALL, |_| ()).unwrap();
    let packed = pack(&generate(&SMALL, |_| ()).unwrap()).unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
    let recording = read_recording(&plain, ORIGIN, Limits::default()).unwrap();
    assert_eq!(
        (
            recording.machines,
            recording.damaged,
            recording.about.faces.len()
        ),
        (20, 0, 20)
    );
    assert_eq!(transitions(&recording.history), 500);
    let said = recording.about.journal.claims().iter().count();
    assert_eq!((said, recording.about.journal.voices().count()), (5, 5));
    assert_eq!(recording.history.machines().count(), 20);
    for (key, track) in made.machines() {
        let read = recording.history.track(key).unwrap();
        assert_eq!(entries(read), entries(track));
        assert_eq!(read.schema(), track.schema());
        assert_eq!(read.clock(), track.clock());
        assert_eq!(recording.history.id(key), made.id(key));
        for place in (0..track.places().1.0).map(Place) {
            assert_eq!(read.side(place), track.side(place));
        }
        assert_eq!(read.gaps().count(), 0, "{key:?}");
    }
}

/// Tests of the page open this file; `cargo run -p statemesh-web --example generate -- --story FILE` writes it.
#[test]
fn the_story_that_tests_open_is_the_one_told_here() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/support/story.smesh");
    let mut plain = Vec::new();
    let file = std::fs::File::open(kept).unwrap();
    GzDecoder::new(file).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, story::story(ORIGIN).unwrap());
}

#[test]
fn the_seed_decides_everything() {
    let first = generate(&SMALL, |_| ()).unwrap();
    assert_eq!(first, generate(&SMALL, |_| ()).unwrap());
    let other = Plan { seed: 2, ..SMALL };
    assert_ne!(first, generate(&other, |_| ()).unwrap());
}

#[test]
fn it_looks_like_a_mesh_at_work() {
    let plan = Plan {
        transitions: 5_000,
        ..SMALL
    };
    let mut told = 0;
    let history = history(&plan, |made| told = made).unwrap();
    assert_eq!(told, 5_000);
    let all: Vec<Entry> = history
        .machines()
        .flat_map(|(_, track)| entries(track))
        .filter(|entry| !entry.is_first_look)
        .collect();
    let heads = || {
        all.iter()
            .map(|it| it.detail.as_ref().unwrap().head.as_ref().unwrap())
    };
    assert!(all.iter().any(|entry| entry.is_error));
    assert!(heads().any(|head| head.is_canceled));
    assert!(heads().any(|head| head.is_auto));
    assert!(heads().any(|head| head.source.is_some()));
    // An hour of it, and the busy tenth does about half.
    assert_eq!(history.newest().at.0, 3_601_000);
    let mut counts: Vec<_> = history.machines().map(|(_, it)| it.places().1.0).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    assert!(
        (2_200..3_300).contains(&(counts[0] + counts[1])),
        "{counts:?}"
    );
    let owners: std::collections::BTreeSet<_> =
        history.machines().map(|(key, _)| key.peer).collect();
    assert_eq!(owners.len(), 5);
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let refused = |plan: Plan| history(&plan, |_| ()).unwrap_err();
    assert_eq!(refused(Plan { peers: 0, ..SMALL }), NotMade::Empty);
    assert_eq!(
        refused(Plan {
            machines: 4,
            ..SMALL
        }),
        NotMade::Empty
    );
    let many = Plan {
        machines: 20_001,
        ..SMALL
    };
    assert_eq!(refused(many), NotMade::TooMuch);
}
