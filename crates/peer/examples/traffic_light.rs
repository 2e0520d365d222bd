//! A crossing for cars and people: relations keep it safe, whatever is asked of it, and Auto states react by themselves.
//!
//!     cargo run -p statemesh --no-default-features --example traffic_light

use statemesh::prelude::*;

states! {
    enum S {
        Power { remove: [Blinking] },
        /// Of the three lights one is on; whichever is asked for ends the others.
        Red { require: [Power], remove: [..LIGHTS] },
        Yellow { require: [Power], remove: [..LIGHTS] },
        Green { require: [Power], remove: [..LIGHTS, Walk] },
        /// People may walk as long as cars have red, and not otherwise: when red ends, so does this.
        Walk { require: [Red] },
        /// Somebody pressed the button.
        Button { multi },
        /// Begins by itself as soon as no power keeps it from it.
        Blinking { auto },
    }
    groups {
        LIGHTS: [Red, Yellow, Green],
    }
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let handlers = Handlers::new(0_u32)
        .state(S::Button, |presses, _| *presses += 1)
        // A veto may depend on anything, here on a count; its reason is kept in the record.
        .enter(S::Walk, |presses, _| match *presses {
            0 => Err("nobody is waiting"),
            _ => Ok(()),
        })
        .end(S::Walk, |presses, _| *presses = 0);
    let crossing = Machine::builder("crossing", S::schema())
        .handlers(handlers)
        .build();
    let schema = crossing.schema().clone();
    let _trace = crossing.trace(move |transition| {
        let called = schema.list(&transition.called);
        let reasons = transition
            .refusals
            .iter()
            .filter_map(|it| it.reason.as_deref());
        let outcome = match (transition.accepted, reasons.collect::<Vec<_>>().join(", ")) {
            (true, _) => "done".to_owned(),
            (false, reasons) if reasons.is_empty() => "refused by relations".to_owned(),
            (false, reasons) => format!("refused, {reasons}"),
        };
        println!("{:?} {called}: {outcome}", transition.kind);
    });
    let show = |crossing: &Machine| println!("    {crossing}\n");

    crossing.add([S::Power, S::Red])?;
    show(&crossing);
    println!("Nobody has pressed the button:");
    assert_eq!(crossing.add(S::Walk)?, Outcome::Canceled);
    crossing.add(S::Button)?;
    crossing.add(S::Walk)?;
    show(&crossing);
    println!("Green ends red, and with it what requires red:");
    crossing.add(S::Green)?;
    assert!(crossing.not((S::Red, S::Walk)));
    show(&crossing);
    println!("People cannot walk now, button or not:");
    crossing.add(S::Button)?;
    assert_eq!(crossing.add(S::Walk)?, Outcome::Canceled);
    show(&crossing);
    println!(
        "A power cut takes everything that requires power along, and the light blinks by itself:"
    );
    crossing.remove(S::Power)?;
    assert_eq!(crossing.active(), ["Blinking", "Button"]);
    show(&crossing);
    println!("In full:\n{}", crossing.inspect());
    Ok(())
}
