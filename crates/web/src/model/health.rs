//! How a machine is: one word, the rule that gave it, and since when. The first rule that fits wins (dashboard
//! design 4.4). Rules with a waiting time report their onset: when the condition began, not when the wait ended.

use super::schema::is_active;
use super::{Conditions, Interval, Machine, PeerFacts, SchemaFacts, Seen};

/// A machine's health, in the order of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Its owner left, or took it back.
    Gone,
    /// Its owner promised a heartbeat and is not heard.
    Stale,
    /// An error state is active.
    Error,
    /// Started, but `Ready` is off.
    NotReady,
    /// It used to work and does nothing.
    Quiet,
    /// Started, never been ready yet, and young.
    Starting,
    /// None of these.
    Ok,
}

impl Health {
    /// For scripts and style sheets.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Stale => "stale",
            Self::Error => "error",
            Self::NotReady => "notready",
            Self::Quiet => "quiet",
            Self::Starting => "starting",
            Self::Ok => "ok",
        }
    }

    /// Somebody should look at it.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Error | Self::NotReady | Self::Quiet)
    }
}

/// The rule that fired, with what it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Owner left at.
    Left(Seen),
    /// Not heard for, expected every (milliseconds).
    NotHeard {
        /// Silent for.
        silent: u64,
        /// Promised heartbeat.
        expected: u64,
    },
    /// This state is active.
    ErrorActive(usize),
    /// `Ready` is off, perhaps because of this required state.
    ReadyOff(Option<usize>),
    /// No change, longest gap before (milliseconds).
    NoChange {
        /// Longest gap before.
        longest: u64,
    },
    /// Started, not ready yet.
    NotYet,
    /// Nothing is wrong.
    Fine,
}

/// Something worth saying although all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// An error ended, perhaps unseen.
    Recovered(Interval),
    /// Its owner promises no heartbeat; its last word came then.
    NoHeartbeat(Seen),
}

/// The answer for one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The word.
    pub health: Health,
    /// What it was when last heard, if that differs.
    pub was: Option<Health>,
    /// The rule.
    pub rule: Rule,
    /// When the condition began.
    pub onset: Interval,
    /// An addition to OK.
    pub suffix: Option<Suffix>,
}

/// What the rules look at: a machine as it is, or as it was.
#[derive(Clone, Copy, Debug)]
pub struct Vitals<'a> {
    /// Schema.
    pub schema: &'a SchemaFacts,
    /// Ticks in index order.
    pub clock: &'a [u64],
    /// When the newest change happened.
    pub changed: Interval,
    /// Since when.
    pub conditions: Conditions,
    /// Longest time between two changes that count as work.
    pub longest_gap: Option<u64>,
    /// When it went.
    pub gone: Option<Seen>,
    /// It is this tab's own.
    pub own: bool,
    /// How long the rules wait.
    pub rules: Thresholds,
}

/// How long the rules wait, in milliseconds, and how much they want to have seen (dashboard design 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Shortest silence that makes stale; else two and a half heartbeats.
    pub stale: u64,
    /// `Ready` off for so long.
    pub not_ready: u64,
    /// A machine that was never ready is young for so long.
    pub starting: u64,
    /// Shortest quiet; else four times the longest gap.
    pub quiet: u64,
    /// Changes seen before anything can be said about quiet.
    pub quiet_changes: u64,
    /// A recovery is news for so long.
    pub recovered: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            stale: 3_000,
            not_ready: 2_000,
            starting: 30_000,
            quiet: 5_000,
            quiet_changes: 50,
            recovered: 60_000,
        }
    }
}

/// How an owner is heard.
#[derive(Clone, Copy, Debug)]
pub struct OwnerWord {
    /// Its last word.
    pub heard: Option<Seen>,
    /// Promised heartbeat in milliseconds.
    pub heartbeat: Option<u64>,
}

/// Applies the rules as they are by default.
#[cfg(test)]
pub fn assess(
    machine: &Machine,
    owner: Option<&PeerFacts>,
    now: Seen,
    live_since: Seen,
) -> Assessment {
    assess_by(Thresholds::default(), machine, owner, now, live_since)
}

/// Applies the rules. `live_since`: silence before that was ours, not the owner's.
#[must_use]
pub fn assess_by(
    rules: Thresholds,
    machine: &Machine,
    owner: Option<&PeerFacts>,
    now: Seen,
    live_since: Seen,
) -> Assessment {
    let owner = owner.map(|owner| OwnerWord {
        heard: owner.heard,
        heartbeat: owner.heartbeat,
    });
    let vitals = Vitals {
        rules,
        ..machine.vitals()
    };
    judge(&vitals, owner, now, live_since)
}

/// Until when time alone does not change that answer.
pub fn turns_after(
    rules: Thresholds,
    machine: &Machine,
    owner: Option<&PeerFacts>,
    now: Seen,
    live_since: Seen,
    answer: &Assessment,
) -> Seen {
    if matches!(answer.rule, Rule::NotHeard { .. }) {
        return Seen(now.0 + 1);
    }
    let vitals = Vitals {
        rules,
        ..machine.vitals()
    };
    let heard = |owner: &PeerFacts| owner.heard.unwrap_or(machine.changed.by).0;
    let by_owner = owner.map(|owner| match owner.heartbeat {
        Some(expected) => [
            live_since.0.saturating_add(expected + EXCUSED_MARGIN + 1),
            heard(owner).saturating_add(rules.stale.max(expected * 5 / 2) + 1),
        ],
        None => [heard(owner).saturating_add(WORTH_SAYING); 2],
    });
    let turns = vitals
        .turns()
        .chain(by_owner.into_iter().flatten().map(Seen));
    turns.filter(|at| *at > now).min().unwrap_or(Seen(u64::MAX))
}

/// Applies the rules to a machine as it is or was.
#[must_use]
pub fn judge(
    machine: &Vitals<'_>,
    owner: Option<OwnerWord>,
    now: Seen,
    live_since: Seen,
) -> Assessment {
    let known = assess_known(machine, now);
    if let Some(left) = machine.gone {
        return Assessment {
            health: Health::Gone,
            was: Some(known.health),
            rule: Rule::Left(left),
            onset: Interval::at(left),
            suffix: None,
        };
    }
    let Some(owner) = owner.filter(|_| !machine.own) else {
        return known;
    };
    let heard = owner.heard.unwrap_or(machine.changed.by);
    match owner.heartbeat {
        Some(expected) => {
            // After we were away the owner gets one heartbeat to be heard again.
            let excused = now.since(live_since) <= expected + EXCUSED_MARGIN;
            if excused || now.since(heard) <= machine.rules.stale.max(expected * 5 / 2) {
                return known;
            }
            Assessment {
                health: Health::Stale,
                was: Some(known.health),
                rule: Rule::NotHeard {
                    silent: now.since(heard),
                    expected,
                },
                onset: Interval {
                    after: Some(heard),
                    by: heard,
                },
                suffix: None,
            }
        }
        None if known.health == Health::Ok
            && known.suffix.is_none()
            && now.since(heard) >= WORTH_SAYING =>
        {
            Assessment {
                suffix: Some(Suffix::NoHeartbeat(heard)),
                ..known
            }
        }
        None => known,
    }
}

/// The rules that look at the machine alone.
fn assess_known(machine: &Vitals<'_>, now: Seen) -> Assessment {
    error(machine)
        .or_else(|| not_ready(machine, now))
        .or_else(|| quiet(machine, now))
        .or_else(|| starting(machine, now))
        .unwrap_or(Assessment {
            health: Health::Ok,
            was: None,
            rule: Rule::Fine,
            onset: machine.changed,
            suffix: machine
                .conditions
                .error_over
                .filter(|over| now.since(over.by) < machine.rules.recovered)
                .map(Suffix::Recovered),
        })
}

fn verdict(health: Health, rule: Rule, onset: Interval) -> Assessment {
    Assessment {
        health,
        was: None,
        rule,
        onset,
        suffix: None,
    }
}

/// Prefers the error that says more than `Exception`.
fn error(machine: &Vitals<'_>) -> Option<Assessment> {
    let onset = machine.conditions.error_since?;
    let errors = || machine.schema.active_errors(machine.clock);
    let telling = errors().find(|&at| machine.schema.states[at].name != "Exception");
    let state = telling.or_else(|| errors().next())?;
    Some(verdict(Health::Error, Rule::ErrorActive(state), onset))
}

fn not_ready(machine: &Vitals<'_>, now: Seen) -> Option<Assessment> {
    let ready = machine.schema.ready?;
    let since = machine.conditions.not_ready_since?;
    let started = machine.conditions.started_since?;
    let was_ready = machine.clock.get(ready).is_some_and(|tick| *tick > 0);
    let due = now.since(since.by) >= machine.rules.not_ready
        && (was_ready || now.since(started.by) >= machine.rules.starting);
    due.then(|| {
        let requires = &machine.schema.states[ready].requires;
        let missing = requires
            .iter()
            .copied()
            .find(|&state| !is_active(machine.clock, state));
        verdict(Health::NotReady, Rule::ReadyOff(missing), since)
    })
}

fn quiet(machine: &Vitals<'_>, now: Seen) -> Option<Assessment> {
    machine.conditions.started_since?;
    let worked = machine.conditions.worked?;
    let longest = machine.longest_gap?;
    let silent = now.since(worked);
    (machine.conditions.work_count >= machine.rules.quiet_changes
        && silent > machine.rules.quiet.max(longest.saturating_mul(4)))
    .then(|| {
        verdict(
            Health::Quiet,
            Rule::NoChange { longest },
            Interval::at(worked),
        )
    })
}

fn starting(machine: &Vitals<'_>, now: Seen) -> Option<Assessment> {
    let ready = machine.schema.ready?;
    let since = machine.conditions.not_ready_since?;
    machine.schema.start?;
    let started = machine.conditions.started_since?;
    let never_ready = machine.clock.get(ready).is_none_or(|tick| *tick == 0);
    (never_ready && now.since(started.by) < machine.rules.starting)
        .then(|| verdict(Health::Starting, Rule::NotYet, since))
}

impl Vitals<'_> {
    /// When time alone may change what the rules say that look at the machine alone: never at other instants.
    pub fn turns(&self) -> impl Iterator<Item = Seen> {
        let after = |since: Seen, wait: u64| since.0.saturating_add(wait);
        let conditions = &self.conditions;
        let not_ready = conditions
            .not_ready_since
            .filter(|_| self.schema.ready.is_some());
        let quiet = conditions.worked.zip(self.longest_gap);
        let quiet = quiet.map(|(worked, longest)| {
            let patience = self.rules.quiet.max(longest.saturating_mul(4));
            after(worked, patience).saturating_add(1)
        });
        let turns = [
            not_ready.map(|since| after(since.by, self.rules.not_ready)),
            conditions
                .started_since
                .filter(|_| not_ready.is_some())
                .map(|since| after(since.by, self.rules.starting)),
            quiet,
            conditions
                .error_over
                .map(|over| after(over.by, self.rules.recovered)),
        ];
        turns.into_iter().flatten().map(Seen)
    }

    /// When rules that wait would come true if all stayed as it is.
    pub fn due(&self) -> impl Iterator<Item = Seen> {
        let ready = self
            .schema
            .ready
            .filter(|_| self.conditions.started_since.is_some());
        let was_ready =
            ready.is_some_and(|ready| self.clock.get(ready).is_some_and(|tick| *tick > 0));
        let not_ready = ready.and(self.conditions.not_ready_since).map(|since| {
            let started = self.conditions.started_since.filter(|_| !was_ready);
            let young = started.map_or(0, |started| {
                started.by.0.saturating_add(self.rules.starting)
            });
            since.by.0.saturating_add(self.rules.not_ready).max(young)
        });
        let quiet = self
            .conditions
            .worked
            .zip(self.longest_gap)
            .map(|(worked, longest)| {
                let patience = self.rules.quiet.max(longest.saturating_mul(4));
                worked.0.saturating_add(patience).saturating_add(1)
            });
        [not_ready, quiet].into_iter().flatten().map(Seen)
    }
}

/// Milliseconds a heartbeat may be late when it is waited for after a loss of our own connection (guess).
const EXCUSED_MARGIN: u64 = 1_000;
/// Silence of a peer without heartbeat worth saying (guess: longer than Go's own publishing interval, twice).
const WORTH_SAYING: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::super::fixture::{learned, reading};
    use super::*;

    fn owner(heard: u64, heartbeat: Option<u64>) -> PeerFacts {
        PeerFacts {
            heard: Some(Seen(heard)),
            heartbeat,
            ..PeerFacts::unknown(super::super::fixture::peer(1))
        }
    }

    fn health(machine: &Machine, now: u64) -> Health {
        assess(machine, Some(&owner(now, Some(5_000))), Seen(now), Seen(0)).health
    }

    #[test]
    fn errors_win_and_name_the_telling_state() {
        let mut machine = Machine::new(learned("m", &[1, 1, 0, 0]), Seen(0));
        assert_eq!(health(&machine, 10), Health::Ok);
        machine.read(reading(&[1, 2, 0, 1], 100, 200));
        let answer = assess(&machine, None, Seen(9_000), Seen(0));
        assert_eq!(answer.health, Health::Error);
        assert_eq!(answer.rule, Rule::ErrorActive(3));
        assert_eq!(answer.onset.by, Seen(200));
    }

    #[test]
    fn not_ready_needs_two_seconds_and_a_past() {
        let mut machine = Machine::new(learned("m", &[1, 1, 0, 0]), Seen(0));
        machine.read(reading(&[1, 2, 0, 0], 900, 1_000));
        assert_eq!(health(&machine, 2_999), Health::Ok);
        let answer = assess(&machine, None, Seen(3_000), Seen(0));
        assert_eq!(answer.health, Health::NotReady);
        assert_eq!(answer.onset.after, Some(Seen(900)));
        machine.read(reading(&[2, 2, 0, 0], 4_000, 4_100));
        assert_eq!(health(&machine, 9_000), Health::Ok, "stopped on purpose");
    }

    #[test]
    fn starting_for_thirty_seconds_then_not_ready() {
        let machine = Machine::new(learned("m", &[1, 0, 0, 0]), Seen(0));
        assert_eq!(health(&machine, 29_999), Health::Starting);
        let answer = assess(&machine, None, Seen(30_000), Seen(0));
        assert_eq!(answer.health, Health::NotReady);
        assert_eq!(answer.rule, Rule::ReadyOff(None));
    }

    #[test]
    fn quiet_after_four_times_the_longest_gap() {
        let mut machine = Machine::new(learned("m", &[1, 1, 0, 0]), Seen(0));
        for n in 1..=50 {
            machine.read(reading(&[1, 1, n, 0], (n - 1) * 2_000, n * 2_000));
        }
        assert_eq!(health(&machine, 108_000), Health::Ok);
        let answer = assess(&machine, None, Seen(108_001), Seen(0));
        assert_eq!(answer.health, Health::Quiet);
        assert_eq!(answer.rule, Rule::NoChange { longest: 2_000 });
        assert_eq!(answer.onset.by, Seen(100_000));
    }

    #[test]
    fn stale_only_when_a_promise_is_broken_and_the_silence_is_not_ours() {
        let machine = Machine::new(learned("m", &[1, 1, 0, 0]), Seen(0));
        let at = |heard, heartbeat, now, live| {
            assess(
                &machine,
                Some(&owner(heard, heartbeat)),
                Seen(now),
                Seen(live),
            )
        };
        assert_eq!(at(0, Some(5_000), 12_500, 0).health, Health::Ok);
        assert_eq!(at(0, Some(5_000), 12_501, 0).health, Health::Stale);
        assert_eq!(at(0, Some(5_000), 12_501, 9_000).health, Health::Ok);
        assert_eq!(at(0, Some(5_000), 15_001, 9_000).health, Health::Stale);
        assert_eq!(at(0, Some(1_000), 3_001, 0).health, Health::Stale);
        let silent = at(0, None, 600_000, 0);
        assert_eq!(silent.health, Health::Ok, "silence of a Go peer is no news");
        assert_eq!(silent.suffix, Some(Suffix::NoHeartbeat(Seen(0))));
    }

    #[test]
    fn a_gone_machine_says_what_it_was() {
        let mut machine = Machine::new(learned("m", &[1, 1, 0, 1]), Seen(0));
        machine.gone = Some(Seen(70));
        let answer = assess(&machine, None, Seen(100), Seen(0));
        assert_eq!(
            (answer.health, answer.was),
            (Health::Gone, Some(Health::Error))
        );
    }

    #[test]
    fn recovery_is_said_for_a_minute() {
        let mut machine = Machine::new(learned("m", &[1, 1, 0, 0]), Seen(0));
        machine.read(reading(&[1, 1, 0, 2], 0, 1_000));
        let suffix = |now| assess(&machine, None, Seen(now), Seen(0)).suffix;
        assert!(matches!(suffix(60_999), Some(Suffix::Recovered(_))));
        assert_eq!(suffix(61_000), None);
    }
}
