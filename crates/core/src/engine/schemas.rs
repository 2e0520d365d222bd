//! Schemas to build on: a life cycle, a connection, a pool of connections, disposal (machine.md 10). Name them as the
//! base of your own in [`states!`](crate::states), or merge the definitions
//! ([`SchemaDef::merge`](crate::engine::SchemaDef::merge)). Each declares the `Exception` it refers to where it stands
//! in the usual order.

crate::states! {
    /// Start, readiness, health probes, and the usual errors.
    pub enum Basic {
        /// Something went wrong.
        Exception { multi },
        /// The network failed.
        ErrNetwork { multi, add: [Exception], require: [Exception] },
        /// A handler overran its time.
        ErrHandlerTimeout { multi, add: [Exception], require: [Exception] },
        /// It runs.
        Start,
        /// It does what it is for.
        Ready { require: [Start] },
        /// A probe that each time counts.
        Healthcheck { multi },
        /// A probe.
        Heartbeat,
    }
}

crate::states! {
    /// One connection, which is in one of four states while it is started. Needs [`Basic::Start`].
    pub enum Connected {
        /// Connecting failed.
        ErrConnecting { require: [Exception] },
        /// It is being made.
        Connecting { require: [Basic::Start], remove: [..CONNECTION] },
        /// It is there.
        Connected { require: [Basic::Start], remove: [..CONNECTION] },
        /// It is being closed.
        Disconnecting { remove: [..CONNECTION] },
        /// There is none.
        Disconnected { auto, remove: [..CONNECTION] },
    }
    groups {
        /// What excludes each other.
        CONNECTION: [Connecting, Connected, Disconnecting, Disconnected],
    }
}

crate::states! {
    /// Several connections at once: some may be there while others come and go. Needs [`Basic::Start`].
    pub enum ConnPool {
        /// Connecting failed.
        ErrConnecting { require: [Exception] },
        /// Some are being made.
        Connecting { require: [Basic::Start], remove: [Disconnecting] },
        /// Some are there.
        Connected { require: [Basic::Start], remove: [Disconnected] },
        /// All are there.
        ConnectedFully { require: [Connected], remove: [Disconnected] },
        /// All are being closed.
        Disconnecting { remove: [ConnectedFully, Connected, Connecting] },
        /// There is none.
        Disconnected { remove: [Connecting, ConnectedFully, Disconnecting] },
    }
    groups {
        /// There is one, or there is none.
        CONNECTION: [Connected, Disconnected],
    }
}

crate::states! {
    /// An orderly end: `Disposing`, then `Disposed`, after which errors are canceled. Needs [`Basic::Start`].
    pub enum Disposed {
        /// Something went wrong.
        Exception { multi },
        /// One more thing to be done at the end.
        RegisterDisposal { multi },
        /// It is ending.
        Disposing { remove: [Basic::Start, Exception] },
        /// It has ended.
        Disposed { remove: [Basic::Start, Exception, Disposing] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Machine, Mutation, Options, Outcome, Schema};
    use crate::engine::{SchemaDef, StateDef};

    fn play(def: SchemaDef, steps: &[(&str, Outcome, &str)]) {
        let (schema, warnings) = Schema::parse(&Basic::schema().merge(def)).unwrap();
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
            Connected::schema(),
            &[
                ("+Start", done, "(Start:1 Disconnected:1)"),
                ("+Connecting", done, "(Start:1 Connecting:1)"),
                ("+Connected", done, "(Start:1 Connected:1)"),
                ("-Start", done, "(Disconnected:3)"),
            ],
        );
        play(
            ConnPool::schema(),
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
            Disposed::schema(),
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
            names(Basic::schema()),
            "Exception ErrNetwork ErrHandlerTimeout Start Ready Healthcheck Heartbeat"
        );
        let pool = ConnPool::schema().state("Start", StateDef::new());
        assert_eq!(
            names(pool),
            "ErrConnecting Connecting Connected ConnectedFully Disconnecting Disconnected Exception Start"
        );
    }
}
