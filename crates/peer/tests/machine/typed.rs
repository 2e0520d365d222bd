//! States of a typed schema wherever a state is named.

use statemesh::core::engine::schemas::{Basic, Connected};
use statemesh::prelude::*;

use crate::kit::{Log, block_on, plain, within};

states! {
    enum S {
        Start,
        Busy { multi, require: [Start], remove: [Idle] },
        Idle { auto, require: [Start] },
    }
}

states! {
    enum Link: Basic, Connected {
        Synced { require: [Connected::Connected] },
    }
}

#[test]
fn a_machine_is_programmed_with_typed_states_alone() {
    within(|| {
        let log = Log::default();
        let machine = Machine::builder("m", S::schema())
            .handlers(
                Handlers::new(log.clone())
                    .enter(S::Busy, |log, _| log.accept("enter"))
                    .state(S::Busy, |log, _| log.push("busy"))
                    .end(S::Start, |log, _| log.push("end")),
            )
            .build();
        let busy = machine.when_ticks(S::Busy, 3);
        let again = machine.when_next_active(S::Busy);
        let told = machine.when_args(Typed::new(S::Busy), |text: &String| text == "go");
        machine
            .add_args([S::Start, S::Busy], "go".to_owned())
            .unwrap();
        machine.add(S::Busy).unwrap();
        assert_eq!((machine.tick(S::Busy), machine.tick(S::Idle)), (3, 0));
        assert!(machine.is([S::Start, S::Busy]) && machine.not(S::Idle));
        for wait in [busy, again, told] {
            assert_eq!(block_on(wait), Ok(()));
        }
        machine.remove(S::Busy).unwrap();
        assert!(machine.is((S::Idle, "Start")));
        machine.remove(S::Start).unwrap();
        assert_eq!(log.take(), "enter busy enter busy end");
    });
}

#[test]
fn a_base_brings_its_states_along() {
    let machine = Machine::new("link", Link::schema());
    machine.add(Basic::Start).unwrap();
    assert!(machine.is(Connected::Disconnected), "by itself");
    assert_eq!(machine.add(Link::Synced), Ok(Outcome::Canceled));
    machine.add((Connected::Connected, Link::Synced)).unwrap();
    machine.add_error(Basic::ErrNetwork, "cable").unwrap();
    let active = ["Synced", "Connected", "ErrNetwork", "Exception", "Start"];
    assert!(machine.is(active), "{:?}", machine.active());
}

#[test]
fn a_typed_state_on_another_schema_is_found_by_name_or_unknown() {
    let machine = Machine::new("m", plain(&["Idle", "Busy"]));
    assert_eq!(machine.add(S::Busy), Ok(Outcome::Executed));
    assert_eq!(machine.active(), ["Busy"]);
    let unknown = machine.add([S::Idle, S::Start]).unwrap_err();
    assert_eq!(unknown.to_string(), "machine m has no state Start");
    assert_eq!((machine.tick(S::Start), machine.is(S::Start)), (0, false));
}
