//! An order on its way through three machines: handlers over a value of ours, arguments with a type, vetoes with a
//! reason, pipes that drive one machine by another.
//!
//!     cargo run -p statemesh --no-default-features --example orders

use statemesh::prelude::*;

states! {
    enum Order {
        Exception { multi },
        Placed,
        Paid { require: [Placed] },
        Packed { require: [Paid] },
        Delivered { require: [Packed], remove: [OnTheWay] },
        OnTheWay { require: [Packed] },
        /// Brings `Exception`, and with it an end to what was planned.
        ErrDelivery { require: [Exception], remove: [OnTheWay] },
    }
}

states! {
    enum Warehouse {
        Picking,
        /// Begins by itself once all is picked.
        Packed { auto, require: [AllPicked], remove: [Picking] },
        AllPicked,
    }
}

states! {
    enum Courier {
        Driving { remove: [Idle] },
        Delivered { multi, remove: [Driving] },
        ErrAccident { add: [Exception], require: [Exception], remove: [Driving] },
        Idle { auto },
    }
}

/// A basket, in cents. Its handlers get it as `&mut`.
struct Basket {
    items: Vec<(&'static str, u32)>,
    paid: u32,
}

struct Payment {
    cents: u32,
}

const PAID: Typed<Payment, Order> = Typed::new(Order::Paid);

impl Basket {
    fn total(&self) -> u32 {
        self.items.iter().map(|(_, cents)| cents).sum()
    }
}

fn order(basket: Basket) -> Machine {
    let handlers = Handlers::new(basket)
        .enter(Order::Placed, |basket, _| match basket.items.len() {
            0 => Err("the basket is empty"),
            _ => Ok(()),
        })
        // With the wrong type of arguments this does not compile; without any, the state does not begin.
        .enter_with(PAID, |basket, _, payment| {
            if payment.cents < basket.total() {
                return Err(format!("{} of {} cents", payment.cents, basket.total()));
            }
            Ok(())
        })
        .state_with(PAID, |basket, _, payment| basket.paid = payment.cents)
        .any_state(|_, event| println!("  {:<10} {}", event.machine().id(), event.machine()));
    Machine::builder("order", Order::schema())
        .handlers(handlers)
        .build()
}

fn told(id: &str, schema: SchemaDef) -> Machine {
    let handlers = Handlers::new(())
        .any_state(|(), event| println!("  {:<10} {}", event.machine().id(), event.machine()));
    Machine::builder(id, schema).handlers(handlers).build()
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let items = vec![("teapot", 2_490), ("cup", 690)];
    let order = order(Basket { items, paid: 0 });
    let warehouse = told("warehouse", Warehouse::schema());
    let courier = told("courier", Courier::schema());

    // Who drives whom. Each mutation of a target names the source's transition as its cause.
    order
        .pipe(
            Pipe::new().begin(Order::Paid, Warehouse::Picking),
            &warehouse,
        )?
        .keep();
    warehouse
        .pipe(Pipe::new().begin(Warehouse::Packed, Order::Packed), &order)?
        .keep();
    order
        .pipe(
            Pipe::new().begin(Order::OnTheWay, Courier::Driving),
            &courier,
        )?
        .keep();
    let back = Pipe::new()
        .begin(Courier::Delivered, Order::Delivered)
        .error(Order::ErrDelivery);
    courier.pipe(back, &order)?.keep();
    println!("Pipes:");
    for pipe in order.pipes() {
        println!("  {pipe}");
    }

    println!("Too little is paid:");
    let refusals = order.trace(|transition| {
        for refusal in &transition.refusals {
            println!(
                "  refused: {}",
                refusal.reason.as_deref().unwrap_or("without a reason")
            );
        }
    });
    order.add(Order::Placed)?;
    assert_eq!(
        order.add_with(PAID, Payment { cents: 1_000 })?,
        Outcome::Canceled
    );
    assert_eq!(order.add(Order::Paid)?, Outcome::Canceled);
    drop(refusals);

    println!("Paid, so the warehouse begins; packed, so the order goes on:");
    order.add_with(PAID, Payment { cents: 3_180 })?;
    warehouse.add(Warehouse::AllPicked)?;
    assert!(order.is(Order::Packed) && order.not(Order::OnTheWay));

    println!("An accident reaches the order with its error:");
    order.add(Order::OnTheWay)?;
    courier.add_error(Courier::ErrAccident, "a flat tyre")?;
    assert!(order.is(Order::ErrDelivery) && order.not(Order::OnTheWay));
    println!("  last error: {}", order.last_error().ok_or("no error")?);

    println!("A second attempt:");
    courier.remove((Courier::ErrAccident, Courier::Exception))?;
    order.remove((Order::ErrDelivery, Order::Exception))?;
    order.add(Order::OnTheWay)?;
    courier.add(Courier::Delivered)?;
    assert!(order.is(Order::Delivered));
    Ok(())
}
