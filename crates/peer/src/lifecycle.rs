//! A peer's own life as a state machine: a subset of the Go topic's states (mesh-protocol.md 3.1).
//!
//! It follows what the event loop says of listeners and links. **Nothing in it ticks because of a message**: every
//! tick is itself published, so a machine that ticked on messages would keep the whole mesh awake.
//!
//! `Start -> Started (listeners up) -> Connecting -> Connected -> Joining -> Joined -> Ready`
//!
//! `Connected` means a live link, or nothing to dial: a relay whose visitors come and go does not tick either.

use statemesh_core::{PeerId, states};

use crate::machine::Machine;
use crate::mesh::Role;

/// Drives the lifecycle machine.
pub(crate) struct Lifecycle {
    machine: Machine,
    standing: Standing,
}

/// What the event loop sees, as far as the lifecycle shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Listeners are not up yet.
    Starting,
    /// No link; a round of dialling runs.
    Connecting,
    /// No link; waiting for the next round.
    Waiting,
    /// A live link, or nothing to dial.
    Connected,
    /// Saying bye.
    Leaving,
    /// Nothing runs any more.
    Ended,
}

impl Lifecycle {
    /// A machine in `Start`.
    pub(crate) fn new(own: PeerId, role: Role, tags: Vec<String>) -> Self {
        let id = format!("peer-{}", own.short(SHORT_ID));
        let mut builder = Machine::builder(id, Life::schema()).tag(format!("role:{}", role.name()));
        for tag in tags {
            builder = builder.tag(tag);
        }
        let machine = builder.build();
        add(&machine, &[Life::Start]);
        Self {
            machine,
            standing: Standing::Starting,
        }
    }

    /// The machine.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A listener failed; the peer does not start.
    pub(crate) fn listening_failed(&self) {
        add(&self.machine, &[Life::Exception, Life::ErrListening]);
    }

    /// Shows where the peer stands. Saying the same again changes nothing.
    pub(crate) fn show(&mut self, standing: Standing) {
        let before = std::mem::replace(&mut self.standing, standing);
        if before == standing {
            return;
        }
        if before == Standing::Starting && standing != Standing::Ended {
            add(&self.machine, &[Life::Started]);
        }
        match standing {
            Standing::Starting => {}
            Standing::Connecting => add(&self.machine, &[Life::Connecting]),
            Standing::Waiting => self.on_waiting(before),
            Standing::Connected => self.on_connected(),
            Standing::Leaving => add(&self.machine, &[Life::Disconnecting]),
            Standing::Ended => {
                remove(
                    &self.machine,
                    &[Life::Disconnecting, Life::Connected, Life::Connecting],
                );
                remove(&self.machine, &[Life::Start]);
                self.machine.dispose();
            }
        }
    }

    fn on_waiting(&self, before: Standing) {
        remove(&self.machine, &[Life::Connecting, Life::Connected]);
        if before == Standing::Connecting && !self.machine.is(Life::ErrConnecting) {
            add(&self.machine, &[Life::Exception, Life::ErrConnecting]);
        }
    }

    fn on_connected(&self) {
        if self.machine.is(Life::ErrConnecting) {
            remove(&self.machine, &[Life::ErrConnecting, Life::Exception]);
        }
        add(&self.machine, &[Life::Connected]);
        // The topic is subscribed from the start, so joining is over when it begins.
        add(&self.machine, &[Life::Joining]);
        add(&self.machine, &[Life::Joined]);
    }
}

states! {
    enum Life {
        Exception { multi },
        ErrConnecting { require: [Exception] },
        ErrListening { require: [Exception] },
        Start,
        Started { require: [Start] },
        Ready { auto, require: [Joined] },
        Connecting { require: [Start], remove: [..LINK] },
        Connected { require: [Start], remove: [..LINK] },
        Disconnecting { remove: [..LINK] },
        Disconnected { auto, remove: [..LINK] },
        Joining { require: [Connected], remove: [Joined] },
        Joined { require: [Connected], remove: [Joining] },
    }
    groups { LINK: [Connecting, Connected, Disconnecting, Disconnected] }
}

/// A canceled mutation is no failure here: an application may have changed or disposed its own lifecycle machine.
fn add(machine: &Machine, states: &[Life]) {
    let outcome = machine.add(states);
    debug_assert!(outcome.is_ok(), "{outcome:?}");
}

fn remove(machine: &Machine, states: &[Life]) {
    let outcome = machine.remove(states);
    debug_assert!(outcome.is_ok(), "{outcome:?}");
}

/// Characters of the peer id in the machine's id: enough to tell the peers of one mesh apart.
const SHORT_ID: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn lifecycle() -> Lifecycle {
        let own = "12D3KooWGzBJXKcVDXSmxXWmHCrFSSXRWzJT8rNcJzkKAdvYFcFC";
        let tags = vec!["host:van-17".to_owned()];
        Lifecycle::new(own.parse().unwrap(), Role::Relay, tags)
    }

    fn check(lifecycle: &Lifecycle, active: &[&str]) {
        let mut now = lifecycle.machine().active();
        now.sort();
        assert_eq!(now, active, "in alphabetical order");
    }

    #[test]
    fn from_start_to_end() {
        let mut life = lifecycle();
        assert_eq!(life.machine().id(), "peer-AdvYFcFC");
        assert_eq!(life.machine().tags(), ["role:relay", "host:van-17"]);
        check(&life, &["Disconnected", "Start"]);
        life.show(Standing::Connecting);
        check(&life, &["Connecting", "Start", "Started"]);
        life.show(Standing::Waiting);
        let failed = [
            "Disconnected",
            "ErrConnecting",
            "Exception",
            "Start",
            "Started",
        ];
        check(&life, &failed);
        life.show(Standing::Connecting);
        life.show(Standing::Waiting);
        assert_eq!(life.machine().tick(Life::ErrConnecting), 1, "said once");
        life.show(Standing::Connecting);
        life.show(Standing::Connected);
        check(&life, &["Connected", "Joined", "Ready", "Start", "Started"]);
        life.show(Standing::Waiting);
        check(&life, &["Disconnected", "Start", "Started"]);
        life.show(Standing::Connected);
        life.show(Standing::Leaving);
        check(&life, &["Disconnecting", "Start", "Started"]);
        life.show(Standing::Ended);
        check(&life, &["Disconnected"]);
        assert!(life.machine().is_disposed());
    }

    #[test]
    fn nothing_to_dial_is_ready_at_once_and_stays_still() {
        let mut life = lifecycle();
        life.show(Standing::Connected);
        check(&life, &["Connected", "Joined", "Ready", "Start", "Started"]);
        let clock = life.machine().clock();
        for _ in 0..100 {
            life.show(Standing::Connected);
        }
        assert_eq!(life.machine().clock(), clock);
    }

    #[test]
    fn listening_failed() {
        let life = lifecycle();
        life.listening_failed();
        check(
            &life,
            &["Disconnected", "ErrListening", "Exception", "Start"],
        );
    }
}
