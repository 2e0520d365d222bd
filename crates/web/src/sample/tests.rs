//! The sample in virtual time.

use super::*;

fn played(seed: u64, acts: usize) -> (Sample, Vec<(usize, Transition)>) {
    let mut sample = Sample::new(seed);
    let mut told = Vec::new();
    for _ in 0..acts {
        told.extend(sample.take());
        sample.act();
    }
    told.extend(sample.take());
    (sample, told)
}

#[test]
fn print_it() {
    let (_, told) = played(7, 60);
    for (place, it) in &told {
        let names = it.called.iter().map(|s| s.0).collect::<Vec<_>>();
        println!(
            "{place} #{} {:?} {names:?} auto={} check={} ok={} q={} {:?} src={:?} ref={:?} lines={:?} steps={} args={} took={:?}",
            it.tx.0,
            it.kind,
            it.is_auto,
            it.is_check,
            it.accepted,
            it.is_queued,
            it.queue_tick,
            it.source.as_ref().map(|s| (s.machine.clone(), s.tx.0)),
            it.refusals
                .iter()
                .map(|r| r.reason.clone())
                .collect::<Vec<_>>(),
            it.lines,
            it.steps.len(),
            arguments(it),
            it.took
        );
    }
}
