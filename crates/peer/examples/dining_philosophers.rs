//! Five philosophers, five forks, no deadlock and no lock: who eats is settled by relations alone.
//!
//! A hungry philosopher eats as soon as both neighbours do not: `Eats` is an Auto state that requires being hungry, and
//! neighbours exclude each other. Nobody takes a fork first and waits for the second.
//!
//!     cargo run -p statemesh --no-default-features --example dining_philosophers

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use statemesh::prelude::*;

states! {
    enum S {
        Hungry1, Hungry2, Hungry3, Hungry4, Hungry5,
        Eats1 { auto, require: [Hungry1], remove: [Eats5, Eats2] },
        Eats2 { auto, require: [Hungry2], remove: [Eats1, Eats3] },
        Eats3 { auto, require: [Hungry3], remove: [Eats2, Eats4] },
        Eats4 { auto, require: [Hungry4], remove: [Eats3, Eats5] },
        Eats5 { auto, require: [Hungry5], remove: [Eats4, Eats1] },
    }
    groups {
        HUNGRY: [Hungry1, Hungry2, Hungry3, Hungry4, Hungry5],
        EATING: [Eats1, Eats2, Eats3, Eats4, Eats5],
    }
}

const MEALS: u32 = 20;

async fn philosopher(
    table: Machine,
    hungry: S,
    eats: S,
    meals: Arc<AtomicU32>,
) -> Result<(), WaitError> {
    for _ in 0..MEALS {
        let turn = table.when(eats);
        table.add(hungry)?;
        turn.await?;
        meals.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        // Being full ends the meal, which requires hunger; whoever waited for it begins in the very next transition.
        // Another thread may be busy with the table: whoever goes on before it is true would still see the old meal.
        table.remove_and_wait(hungry).await?;
    }
    Ok(())
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let table = Machine::new("table", S::schema());
    let schema = table.schema().clone();
    let most = Arc::new(AtomicU32::new(0));
    let most_at_once = most.clone();
    let first = S::Eats1 as usize;
    let _trace = table.trace(move |transition| {
        let seats = &transition.clock_after[first..first + 5];
        let eats: Vec<bool> = seats.iter().map(|tick| tick % 2 == 1).collect();
        let neighbours = (0..5).any(|seat| eats[seat] && eats[(seat + 1) % 5]);
        assert!(
            !neighbours,
            "neighbours eat in transition {}",
            transition.tx.0
        );
        let count = eats.iter().filter(|eats| **eats).count();
        most_at_once.fetch_max(count as u32, Ordering::SeqCst);
        if transition.tx.0 <= 12 {
            let picture: String = eats
                .iter()
                .map(|eats| if *eats { "@" } else { "." })
                .collect();
            let called = schema.list(&transition.called);
            println!("{picture}  {:?} {called}", transition.kind);
        }
    });

    let meals = Arc::new(AtomicU32::new(0));
    let seats = S::HUNGRY.iter().zip(S::EATING);
    let philosophers: Vec<_> = seats
        .map(|(hungry, eats)| {
            tokio::spawn(philosopher(table.clone(), *hungry, *eats, meals.clone()))
        })
        .collect();
    for philosopher in philosophers {
        philosopher.await??;
    }
    let eaten = meals.load(Ordering::SeqCst);
    println!(
        "... and so on: {eaten} meals, at most {} at once, neighbours never.",
        most.load(Ordering::SeqCst)
    );
    assert_eq!(eaten, 5 * MEALS);
    assert!(table.not(S::EATING));
    Ok(())
}
