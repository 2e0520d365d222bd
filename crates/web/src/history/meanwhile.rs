//! What happened while nobody could see it: changes that lie between an owner's last word before and its first word after.

use super::{History, MachineKey, Place, Seen};

/// Ticks that came at once after `to` and passed since `from`, and the machines that have such a gap, of those that count.
#[must_use]
pub fn meanwhile(
    history: &History,
    from: Seen,
    to: Seen,
    counts: impl Fn(&MachineKey) -> bool,
) -> (u64, usize) {
    let machines = history.machines().filter(|(key, _)| counts(key));
    let gaps = machines.filter_map(|(_, track)| {
        let first = track.at(history.position(to)).unwrap_or(Place(0));
        let entries = track.entries(first).take(LOOKED_AT);
        let ticks: u64 = entries
            .filter(|entry| entry.at.by >= to && entry.at.after.is_some_and(|after| after <= from))
            .filter_map(|entry| Some(entry.detail?.ticks()))
            .fold(0, u64::saturating_add);
        (ticks > 0).then_some(ticks)
    });
    gaps.fold((0, 0), |(ticks, machines), gap| {
        (ticks.saturating_add(gap), machines + 1)
    })
}

/// Records of a machine looked at: the one that spans the gap is the first of its owner.
const LOOKED_AT: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::{Limits, Recorder};
    use super::*;
    use crate::model::Input;
    use crate::model::fixture::{learned_of, reading};

    #[test]
    fn what_spans_the_loss_is_counted_and_nothing_else() {
        let mut recorder = Recorder::new(Limits::default());
        for index in 0..3 {
            let machine = learned_of(1, index, "m", &[1, 1, 0, 0]);
            recorder.take(&Input::Learned(machine), Seen(0));
        }
        let mut read = |index, clock: &[u64], after, by| {
            let key = learned_of(1, index, "m", &[]).key;
            recorder.take(&Input::Read(key, reading(clock, after, by)), Seen(by));
        };
        read(0, &[1, 1, 1, 0], 1_000, 2_000);
        // Lost from 5 s to 12 s.
        read(0, &[1, 1, 4, 1], 4_800, 12_500);
        read(1, &[1, 1, 1, 0], 4_900, 12_600);
        read(1, &[1, 1, 2, 0], 12_600, 13_000);
        let all = |from, to| meanwhile(recorder.history(), Seen(from), Seen(to), |_| true);
        assert_eq!(all(5_000, 12_000), (5, 2));
        assert_eq!(all(500, 1_000), (0, 0));
        let is_second = |key: &MachineKey| key.index.0 == 1;
        let second = meanwhile(recorder.history(), Seen(5_000), Seen(12_000), is_second);
        assert_eq!(second, (1, 1));
    }
}
