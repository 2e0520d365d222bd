//! The sample workflow: an order desk, a courier and his navigation as three machines in this tab, so that every view
//! can be tried without a mesh that shows anything.
//!
//! ```text
//! script -> orders Open ~> courier Assigned   script -> courier Driving, AtStop, Delivered ~> orders Delivered
//! script -> route ErrNetwork ~> route OffRoute ~> courier RouteLost ~> orders CourierLost
//! script -> route OnRoute ~> courier RouteOk ~> orders CourierOk
//! ```
//! `~>` is a handler that mutates because of its transition, so the source is noted. Built on the public API of the
//! library alone. Time is an argument: [`Sample::act`] does one thing and says how long to wait before the next, and the
//! same seed does the same things. Nothing here knows the page.

mod recording;
mod schemas;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use statemesh::handlers::{Event, Handlers};
use statemesh::machine::{BindError, Machine, Outcome, TraceGuard, Transition, UnknownState};

use self::schemas::{Courier, Orders, Route};

pub use self::recording::{arguments, by_cause};

/// Three machines at work.
pub struct Sample {
    orders: Machine,
    courier: Machine,
    route: Machine,
    told: Told,
    /// Observers, as long as it works.
    _guards: Vec<TraceGuard>,
    random: Random,
    /// What comes next.
    plan: VecDeque<(Act, u64)>,
    /// Parcels ordered so far.
    parcels: u32,
    tours: u32,
    /// Transitions handed out.
    count: u64,
}

/// Transitions in the order in which they ended, each with its machine's place in [`Sample::machines`].
type Told = Arc<Mutex<Vec<(usize, Transition)>>>;

/// Argument of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its number.
    pub number: u32,
    /// Where it goes.
    pub to: &'static str,
}

impl fmt::Display for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parcel={} to={}", self.number, self.to)
    }
}

/// Something the script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Order,
    Load,
    Drive,
    Arrive,
    Deliver,
    GoHome,
    Locate,
    Fail,
    Retry,
    Recover,
    Ask,
}

impl Sample {
    /// Machines that have just started. `seed`: what happens, and when.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let build = |id: &str, schema| {
            Machine::builder(format!("sample-{id}"), schema)
                .tag("sample")
                .tag(format!("kind:{id}"))
        };
        let orders = build("orders", Orders::schema()).build();
        let [courier, route] =
            [("courier", Courier::schema()), ("route", Route::schema())].map(|(id, schema)| {
                let builder = build(id, schema).parent("sample-orders");
                builder.build()
            });
        let told = Told::default();
        let watch = |(place, machine): (usize, &Machine)| {
            let told = told.clone();
            machine.trace(move |transition| {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.push((place, transition.clone()));
            })
        };
        let guards = [&orders, &courier, &route].into_iter().enumerate();
        let guards = guards.map(watch).collect();
        let mut sample = Self {
            orders,
            courier,
            route,
            told,
            _guards: guards,
            random: Random(seed ^ SPREAD),
            plan: VecDeque::new(),
            parcels: 0,
            tours: 0,
            count: 0,
        };
        let bound = [
            sample.orders.bind(desk(sample.courier.clone())),
            sample.courier.bind(driver(sample.orders.clone())),
            sample.route.bind(navigator(sample.courier.clone())),
        ];
        let is_bound = bound.iter().all(Result::<_, BindError>::is_ok);
        debug_assert!(is_bound, "handlers name states of the schemas beside them");
        sample.begin();
        sample
    }

    /// The machines, in the order in which transitions name them.
    #[must_use]
    pub fn machines(&self) -> [&Machine; 3] {
        [&self.orders, &self.courier, &self.route]
    }

    /// Does the next thing; milliseconds until the one after it.
    pub fn act(&mut self) -> u64 {
        let (act, pause) = loop {
            match self.plan.pop_front() {
                Some(next) => break next,
                None => self.plan_tour(),
            }
        };
        self.carry_out(act);
        pause
    }

    /// What happened since the last time, causes before effects.
    pub fn take(&mut self) -> Vec<(usize, Transition)> {
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        self.count += told.len() as u64;
        by_cause(&self.machines().map(Machine::id), told)
    }

    /// Transitions handed out so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Ends all machines, which refer to each other.
    pub fn end(&self) {
        self.machines().into_iter().for_each(Machine::dispose);
    }

    fn begin(&mut self) {
        did(self.orders.add(Orders::Start));
        did(self.courier.add(Courier::Start));
        did(self.route.add([Route::Start, Route::OnRoute]));
    }

    fn plan_tour(&mut self) {
        self.tours += 1;
        let mut acts = vec![Act::Order, Act::Locate, Act::Load, Act::Ask, Act::Drive];
        let stops = 1 + self.random.up_to(3);
        for stop in 0..stops {
            if self.random.up_to(2) == 0 {
                acts.push(Act::Order);
            }
            acts.extend([Act::Locate, Act::Arrive, Act::Deliver]);
            if stop + 1 < stops {
                acts.push(Act::Drive);
            }
        }
        // Every third tour the map service does not answer.
        if self.tours % 3 == 2 {
            acts.extend([
                Act::Drive,
                Act::Fail,
                Act::Retry,
                Act::Order,
                Act::Ask,
                Act::Drive,
            ]);
            acts.extend([Act::Retry, Act::Order, Act::Retry, Act::Recover, Act::Drive]);
            acts.extend([Act::Arrive, Act::Deliver]);
        }
        acts.push(Act::GoHome);
        for act in acts {
            let pause = match act {
                Act::Fail | Act::Retry => 900 + self.random.up_to(900),
                Act::Recover => 400,
                Act::Order | Act::Load | Act::Drive | Act::Arrive => 250 + self.random.up_to(650),
                Act::Deliver | Act::GoHome | Act::Locate | Act::Ask => 150 + self.random.up_to(450),
            };
            self.plan.push_back((act, pause));
        }
    }

    fn carry_out(&mut self, act: Act) {
        let Self {
            orders,
            courier,
            route,
            ..
        } = self;
        match act {
            Act::Order => {
                self.parcels += 1;
                let parcel = Parcel {
                    number: self.parcels,
                    to: TOWNS[self.random.up_to(TOWNS.len() as u64) as usize],
                };
                did(self.orders.add_args(Orders::Open, parcel));
            }
            Act::Load => did(courier.add(Courier::Loading)),
            Act::Drive => did(courier.add(Courier::Driving)),
            Act::Arrive => did(courier.add(Courier::AtStop)),
            Act::Deliver => did(courier.add(Courier::Delivered)),
            Act::GoHome => did(courier.remove(Courier::Assigned)),
            Act::Locate => did(route.add(Route::Located)),
            Act::Fail => {
                did(route.add_error(Route::ErrNetwork, "map tiles: dial timed out after 5 s"))
            }
            Act::Retry => did(route.add(Route::Retrying)),
            Act::Recover => {
                did(route.remove([Route::ErrNetwork, Route::Exception]));
                did(route.add(Route::OnRoute));
            }
            Act::Ask => did(orders.can_add(Orders::Open)),
        }
    }
}

/// Takes orders while there is a courier, and gives them to him.
fn desk(courier: Machine) -> Handlers<Machine> {
    Handlers::new(courier)
        .enter(Orders::Open, |_, event| match event.machine() {
            desk if desk.is(Orders::CourierLost) => Err("the courier has lost his way"),
            _ => Ok(()),
        })
        .state(Orders::Open, |courier, event| {
            if let Some(parcel) = event.args::<Parcel>() {
                say(
                    event,
                    &format!("parcel {} goes to {}", parcel.number, parcel.to),
                );
            }
            if courier.can_add(Courier::Assigned) == Ok(Outcome::Executed) {
                did(courier.add_from(event, Courier::Assigned));
            }
            did(event.machine().add_from(event, Orders::Packed));
        })
        .state(Orders::Delivered, |_, event| {
            did(event
                .machine()
                .remove_from(event, [Orders::Open, Orders::Packed]));
        })
}

/// Carries one load after the other, and says what becomes of it.
fn driver(orders: Machine) -> Handlers<Machine> {
    Handlers::new(orders)
        .enter(Courier::Assigned, |_, event| {
            match event.machine().is(Courier::Waiting) {
                true => Err("he waits for a route"),
                false => Ok(()),
            }
        })
        .exit(Courier::Driving, |_, _| true)
        .state(Courier::Driving, |_, event| say(event, "on the road"))
        .state(Courier::Delivered, |orders, event| {
            did(orders.add_from(event, Orders::Delivered));
            did(event.machine().remove_from(event, Courier::Delivered));
        })
        .state(Courier::RouteLost, |orders, event| {
            say(event, "where am I?");
            did(orders.add_from(event, Orders::CourierLost));
        })
        .state(Courier::RouteOk, |orders, event| {
            did(event.machine().remove_from(event, Courier::Waiting));
            did(orders.add_from(event, Orders::CourierOk));
        })
}

/// Knows the way, and now and then not. `tries`: questions to the map service since it failed.
fn navigator(courier: Machine) -> Handlers<(Machine, u32)> {
    Handlers::new((courier, 0))
        .enter(Route::Retrying, |(_, tries), _| {
            *tries += 1;
            match *tries % 3 {
                2 => Err(format!("asked {tries} times already")),
                _ => Ok(()),
            }
        })
        .state(Route::Retrying, |_, event| {
            did(event.machine().remove_from(event, Route::Retrying));
        })
        .state(Route::ErrNetwork, |(_, tries), event| {
            *tries = 0;
            did(event.machine().add_from(event, Route::OffRoute));
        })
        .state(Route::OffRoute, |(courier, _), event| {
            did(courier.add_from(event, Courier::RouteLost));
        })
        .state(Route::OnRoute, |(courier, _), event| {
            did(courier.add_from(event, Courier::RouteOk));
        })
}

/// A line in the machine's log.
fn say(event: &Event<'_>, text: &str) {
    event.machine().log_line(text);
}

/// Refusals are part of the story; unknown states are not.
fn did(outcome: Result<Outcome, UnknownState>) {
    debug_assert!(outcome.is_ok(), "a state of the schemas beside the call");
}

/// Numbers that follow from a seed (xorshift).
struct Random(u64);

impl Random {
    fn up_to(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % count
    }
}

/// So that small seeds differ in many bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const TOWNS: [&str; 5] = ["Kiel", "Lübeck", "Husum", "Eutin", "Plön"];
