//! Which of several matching machines to take: at random, the least loaded, the better of two, or always the same one
//! (mesh-protocol.md 6.3).
//!
//! Pure: loads are numbers somebody read, randomness is a seed. The same seed and the same choices give the same picks.
//! What is drawn comes from [`fingerprint`], so that every build and every language can compute it.

use std::cmp::Reverse;
use std::num::NonZeroU32;

use statemesh_core::PeerId;
use statemesh_core::engine::{Schema, fingerprint, is_active_tick};

use crate::query::tag_value;

/// How to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Any, evenly.
    Random,
    /// The least loaded; among equals any.
    LeastLoad,
    /// The less loaded of two drawn at random: nearly as even, and a crowd that decides at once does not run to one.
    #[default]
    PowerOfTwo,
    /// Rendezvous hash of the client's id: the same one as long as it is there, and when one goes, only its clients move.
    Sticky,
}

/// Where a machine's load stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Its children, machines of the same owner that name it as parent: those `Working` against those `Idle`. The tag
    /// `cap:<n>` says how many there can be.
    #[default]
    Children,
    /// Its own states that begin so, one per slot: the active ones against all.
    Slots(String),
}

/// How busy a machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Clients it has.
    pub busy: u32,
    /// Clients it can have, when it says so.
    pub capacity: Option<NonZeroU32>,
}

/// One of those to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Owner.
    pub peer: PeerId,
    /// Machine id.
    pub id: &'a str,
    /// Its load now.
    pub load: Load,
}

/// Chooses on behalf of one client.
#[derive(Clone, Debug)]
pub struct Picker {
    policy: Policy,
    measure: Measure,
    client: String,
    seed: u64,
    drawn: u64,
}

impl Picker {
    /// On behalf of the client machine of this id. Clients with different seeds or ids choose independently.
    #[must_use]
    pub fn new(policy: Policy, client: impl Into<String>, seed: u64) -> Self {
        Self {
            policy,
            measure: Measure::default(),
            client: client.into(),
            seed,
            drawn: 0,
        }
    }
    /// Where loads stand, [`Measure::Children`] by default.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }
    /// The client's machine id.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }
    /// Where loads stand.
    #[must_use]
    pub fn measured_by(&self) -> &Measure {
        &self.measure
    }
    /// The place of the chosen one; `None` when there is none to choose from.
    pub fn pick(&mut self, choices: &[Choice<'_>]) -> Option<usize> {
        let last = choices.len().checked_sub(1)?;
        let weight = |place: &usize| choices[*place].load.weight();
        match self.policy {
            Policy::Random => Some(self.draw(choices.len())),
            Policy::LeastLoad => {
                let least = (0..choices.len()).map(|place| weight(&place)).min()?;
                let equals = (0..choices.len()).filter(|place| weight(place) == least);
                let equals: Vec<usize> = equals.collect();
                Some(equals[self.draw(equals.len())])
            }
            Policy::PowerOfTwo if last == 0 => Some(0),
            Policy::PowerOfTwo => {
                let one = self.draw(choices.len());
                // Of the others, so that it is another.
                let two = (one + 1 + self.draw(last)) % choices.len();
                [one, two].into_iter().min_by_key(weight)
            }
            Policy::Sticky => {
                let score = |place: &usize| {
                    let Choice { peer, id, .. } = choices[*place];
                    let text = format!("{}\n{peer}/{id}", self.client);
                    // Two machines of one id and owner score alike: the first one.
                    (fingerprint(&text, 32), Reverse(*place))
                };
                (0..choices.len()).max_by_key(score)
            }
        }
    }

    /// A number below `bound`, which is not 0.
    fn draw(&mut self, bound: usize) -> usize {
        let text = format!("{}\n{}\n{}", self.client, self.seed, self.drawn);
        self.drawn += 1;
        let digits = u64::from_str_radix(&fingerprint(&text, 16), 16).unwrap_or(0);
        (digits % bound as u64) as usize
    }
}

impl Load {
    /// From the children's states: `(schema, clock)` of each, and the tags of the machine itself.
    #[must_use]
    pub fn of_children<'a>(
        tags: &[String],
        children: impl IntoIterator<Item = (&'a Schema, &'a [u64])>,
    ) -> Self {
        let (mut working, mut idle) = (0_u32, 0_u32);
        for (schema, clock) in children {
            if is_active(schema, clock, "Working") {
                working = working.saturating_add(1);
            } else if is_active(schema, clock, "Idle") {
                idle = idle.saturating_add(1);
            }
        }
        let said = tags.iter().find_map(|tag| tag_value(tag, "cap"));
        let said = said.and_then(|count| count.parse().ok());
        Self {
            busy: working,
            capacity: said.or(NonZeroU32::new(working.saturating_add(idle))),
        }
    }
    /// From a machine's own states that begin with `prefix`.
    #[must_use]
    pub fn of_slots(prefix: &str, schema: &Schema, clock: &[u64]) -> Self {
        let slots = schema.names().zip(clock);
        let (mut busy, mut all) = (0, 0);
        for (_, tick) in slots.filter(|(name, _)| name.starts_with(prefix)) {
            all += 1;
            busy += u32::from(is_active_tick(*tick));
        }
        Self {
            busy,
            capacity: NonZeroU32::new(all),
        }
    }
    /// Whether it has all the clients it can have.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.capacity.is_some_and(|most| self.busy >= most.get())
    }

    /// To compare by: the busy part of the capacity, in 2^-32. One of unknown capacity counts as one of capacity one.
    fn weight(self) -> u64 {
        (u64::from(self.busy) << 32) / u64::from(self.capacity.map_or(1, NonZeroU32::get))
    }
}

fn is_active(schema: &Schema, clock: &[u64], state: &str) -> bool {
    let tick = schema.index(state).and_then(|index| clock.get(index.at()));
    tick.is_some_and(|tick| is_active_tick(*tick))
}

#[cfg(test)]
mod tests;
