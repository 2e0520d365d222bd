//! How a machine was at the cursor, by the same rules as now (dashboard design 4.4). Rules that wait count from their
//! onset: a cursor between the onset and the end of the wait shows what is known by now.

use super::{
    Assessment, Fidelity, Interval, Journal, Look, MachineKey, Position, Rule, Seen, Track,
};
use crate::model::{GAPS_KEPT, OwnerWord, Vitals, judge};

/// The health of a machine at a position; `now` is how far it is known what came after. `None`: it was not known then,
/// or that was dropped.
#[must_use]
pub fn health(
    key: &MachineKey,
    track: &Track,
    journal: &Journal,
    position: Position,
    now: Seen,
) -> Option<Assessment> {
    let Look::State(state) = track.look(position) else {
        return None;
    };
    let last = track.entry(state.place)?;
    let vitals = Vitals {
        schema: &state.schema,
        clock: &state.clock,
        changed: last.at,
        conditions: state.conditions,
        longest_gap: track.longest_gap(position, GAPS_KEPT),
        gone: state.standing.gone.map(|(at, _)| at),
        own: state.standing.fidelity == Fidelity::Local,
        rules: journal.rules(),
    };
    let voice = journal.voice(&key.peer);
    let owner = voice.map(|voice| OwnerWord {
        // Who was not silent then was heard then.
        heard: Some(voice.silent_since(position.at).unwrap_or(position.at)),
        heartbeat: voice.heartbeat(),
    });
    let at = position.at;
    let then = judge(&vitals, owner, at, Seen(0));
    let is_open = !then.health.needs_attention() && then.was.is_none();
    let waited = vitals
        .due()
        .filter(|due| at < *due && *due <= now && is_open);
    let known_by_now = waited.filter_map(|due| {
        let Look::State(later) = track.look(Position::end_of(due)) else {
            return None;
        };
        let lasted = Vitals {
            gone: None,
            ..vitals
        };
        let answer = judge(&lasted, None, due, Seen(0));
        let is_same = match answer.rule {
            Rule::ReadyOff(_) => {
                later.conditions.not_ready_since == state.conditions.not_ready_since
                    && later.conditions.started_since == state.conditions.started_since
            }
            Rule::NoChange { .. } => {
                later.conditions.worked == state.conditions.worked
                    && later.conditions.started_since == state.conditions.started_since
            }
            Rule::Left(_)
            | Rule::NotHeard { .. }
            | Rule::ErrorActive(_)
            | Rule::NotYet
            | Rule::Fine => false,
        };
        is_same.then_some(answer)
    });
    Some(known_by_now.min_by_key(onset).unwrap_or(then))
}

fn onset(answer: &Assessment) -> (Seen, Option<Seen>) {
    let Interval { after, by } = answer.onset;
    (by, after)
}

#[cfg(test)]
mod tests {
    use super::super::{Health, Limits, Recorder};
    use super::*;
    use crate::model::fixture::{learned, reading};
    use crate::model::{Input, Machine, PeerFacts};

    fn recorded(readings: &[([u64; 4], u64, u64)]) -> (Recorder, MachineKey) {
        let mut recorder = Recorder::new(Limits::default());
        let machine = learned("courier-17", &[1, 1, 0, 0]);
        let key = machine.key;
        recorder.take(&Input::Learned(machine), Seen(0));
        for (clock, after, by) in readings {
            let read = Input::Read(key, reading(clock, *after, *by));
            recorder.take(&read, Seen(*by));
        }
        (recorder, key)
    }

    fn at(recorder: &Recorder, key: &MachineKey, at: u64, now: u64) -> Assessment {
        let track = recorder.history().track(key).unwrap();
        let position = Position::end_of(Seen(at));
        health(key, track, recorder.journal(), position, Seen(now)).unwrap()
    }

    #[test]
    fn not_ready_begins_at_its_onset_once_that_is_known() {
        let readings = [([1, 2, 0, 0], 900, 1_000), ([1, 3, 0, 0], 8_000, 9_000)];
        let (recorder, key) = recorded(&readings);
        for (cursor, now, expected) in [
            (999, 9_999, Health::Ok),
            (1_000, 2_999, Health::Ok),
            (1_000, 3_000, Health::NotReady),
            (8_999, 9_999, Health::NotReady),
            (9_000, 9_999, Health::Ok),
        ] {
            let answer = at(&recorder, &key, cursor, now);
            assert_eq!(answer.health, expected, "{cursor} {now}");
            if expected == Health::NotReady {
                let onset = Interval {
                    after: Some(Seen(900)),
                    by: Seen(1_000),
                };
                assert_eq!((answer.onset, answer.rule), (onset, Rule::ReadyOff(None)));
            }
        }
    }

    #[test]
    fn a_short_wink_is_never_not_ready() {
        let readings = [([1, 2, 0, 0], 900, 1_000), ([1, 3, 0, 0], 2_000, 2_500)];
        let (recorder, key) = recorded(&readings);
        assert_eq!(at(&recorder, &key, 1_500, 60_000).health, Health::Ok);
    }

    #[test]
    fn any_cursor_gives_the_live_answer_of_that_moment() {
        let mut live = Machine::new(learned("courier-17", &[1, 1, 0, 0]), Seen(0));
        let readings: Vec<([u64; 4], u64, u64)> = (1..=150_u64)
            .map(|n| {
                let ready = 1 + n / 40;
                let error = n / 25;
                ([1, ready, n, error], n * 700 - 100, n * 700)
            })
            .collect();
        let (recorder, key) = recorded(&readings);
        for (clock, after, by) in &readings {
            live.read(reading(clock, *after, *by));
            let cursor = by + 350;
            let expected = judge(&live.vitals(), None, Seen(cursor), Seen(0));
            assert_eq!(at(&recorder, &key, cursor, cursor), expected, "{cursor}");
        }
        let quiet = at(&recorder, &key, 106_000, 200_000);
        assert_eq!(
            quiet.health,
            judge(&live.vitals(), None, Seen(106_000), Seen(0)).health
        );
    }

    #[test]
    fn silence_and_leaving_are_what_they_were() {
        let (mut recorder, key) = recorded(&[]);
        for heard in [0, 1_000, 8_000] {
            let facts = PeerFacts {
                heard: Some(Seen(heard)),
                heartbeat: Some(1_000),
                ..PeerFacts::unknown(key.peer)
            };
            recorder.take(&Input::Peers(vec![facts]), Seen(heard));
        }
        recorder.take(&Input::Gone(key), Seen(9_000));
        for (cursor, expected) in [
            (4_000, Health::Ok),
            (4_001, Health::Stale),
            (8_000, Health::Ok),
            (9_000, Health::Gone),
        ] {
            let answer = at(&recorder, &key, cursor, 9_999);
            assert_eq!(answer.health, expected, "{cursor}");
        }
    }
}
