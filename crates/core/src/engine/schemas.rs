//! Schemas to build on: a life cycle, a connection, a pool of connections, disposal. Merge them with your own states
//! ([`SchemaDef::merge`]); each declares the `Exception` it refers to where it stands in the usual order.

use crate::engine::schema::{SchemaDef, StateDef};

/// Start, readiness, health probes, and the usual errors.
#[must_use]
pub fn basic() -> SchemaDef {
    let error = || {
        let exception = ["Exception"];
        StateDef::new().multi().add(exception).require(exception)
    };
    SchemaDef::new()
        .state("Exception", StateDef::new().multi())
        .state("ErrNetwork", error())
        .state("ErrHandlerTimeout", error())
        .state("Start", StateDef::new())
        .state("Ready", StateDef::new().require(["Start"]))
        .state("Healthcheck", StateDef::new().multi())
        .state("Heartbeat", StateDef::new())
}

/// One connection, which is in one of four states while it is started. Needs `Start`.
#[must_use]
pub fn connected() -> SchemaDef {
    let one_of = || {
        let group = ["Connecting", "Connected", "Disconnecting", "Disconnected"];
        StateDef::new().remove(group)
    };
    SchemaDef::new()
        .state("ErrConnecting", StateDef::new().require(["Exception"]))
        .state("Connecting", one_of().require(["Start"]))
        .state("Connected", one_of().require(["Start"]))
        .state("Disconnecting", one_of())
        .state("Disconnected", one_of().auto())
        .state("Exception", StateDef::new().multi())
}

/// Several connections at once: some may be there while others come and go. Needs `Start`.
#[must_use]
pub fn conn_pool() -> SchemaDef {
    let state = StateDef::new;
    SchemaDef::new()
        .state("ErrConnecting", state().require(["Exception"]))
        .state(
            "Connecting",
            state().require(["Start"]).remove(["Disconnecting"]),
        )
        .state(
            "Connected",
            state().require(["Start"]).remove(["Disconnected"]),
        )
        .state(
            "ConnectedFully",
            state().require(["Connected"]).remove(["Disconnected"]),
        )
        .state(
            "Disconnecting",
            state().remove(["ConnectedFully", "Connected", "Connecting"]),
        )
        .state(
            "Disconnected",
            state().remove(["Connecting", "ConnectedFully", "Disconnecting"]),
        )
        .state("Exception", state().multi())
}

/// An orderly end: `Disposing`, then `Disposed`, after which errors are canceled. Needs `Start`.
#[must_use]
pub fn disposed() -> SchemaDef {
    let end = |removed: &[&str]| StateDef::new().remove(removed.iter().copied());
    SchemaDef::new()
        .state("Exception", StateDef::new().multi())
        .state("RegisterDisposal", StateDef::new().multi())
        .state("Disposing", end(&["Start", "Exception"]))
        .state("Disposed", end(&["Start", "Exception", "Disposing"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Machine, Mutation, Options, Outcome, Schema};

    fn play(def: SchemaDef, steps: &[(&str, Outcome, &str)]) {
        let (schema, warnings) = Schema::parse(&basic().merge(def)).unwrap();
        assert_eq!(warnings, []);
        let mut machine = Machine::new(schema, Options::default());
        for (call, outcome, expected) in steps {
            let (sign, name) = call.split_at(1);
            let states = machine.schema().indexes(&[name]).unwrap();
            let mutation = match sign {
                "+" => Mutation::add(&states),
                _ => Mutation::remove(&states),
            };
            assert_eq!(machine.apply(mutation), *outcome, "{call}");
            assert_eq!(machine.to_string(), *expected, "{call}");
        }
    }

    #[test]
    fn each_is_strictly_right_on_top_of_the_basic_one() {
        let done = Outcome::Executed;
        play(
            connected(),
            &[
                ("+Start", done, "(Start:1 Disconnected:1)"),
                ("+Connecting", done, "(Start:1 Connecting:1)"),
                ("+Connected", done, "(Start:1 Connected:1)"),
                ("-Start", done, "(Disconnected:3)"),
            ],
        );
        play(
            conn_pool(),
            &[
                ("+Start", done, "(Start:1)"),
                ("+Connected", done, "(Start:1 Connected:1)"),
                (
                    "+ConnectedFully",
                    done,
                    "(Start:1 Connected:1 ConnectedFully:1)",
                ),
                ("+Disconnecting", done, "(Start:1 Disconnecting:1)"),
            ],
        );
        play(
            disposed(),
            &[
                ("+Start", done, "(Start:1)"),
                ("+Exception", done, "(Exception:1 Start:1)"),
                ("+Disposing", done, "(Disposing:1)"),
                ("+Start", Outcome::Canceled, "(Disposing:1)"),
                ("+Disposed", done, "(Disposed:1)"),
                ("+Exception", Outcome::Canceled, "(Disposed:1)"),
            ],
        );
    }

    #[test]
    fn indexes_stand_in_the_usual_order() {
        let names = |def| {
            Schema::parse(&def)
                .unwrap()
                .0
                .names()
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            names(basic()),
            "Exception ErrNetwork ErrHandlerTimeout Start Ready Healthcheck Heartbeat"
        );
        let pool = conn_pool().state("Start", StateDef::new());
        assert_eq!(
            names(pool),
            "ErrConnecting Connecting Connected ConnectedFully Disconnecting Disconnected Exception Start"
        );
    }
}
