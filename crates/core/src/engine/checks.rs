//! Questions to a machine's clock about several states at once. Each takes indexes; names become indexes by
//! [`Schema::index`](crate::engine::Schema::index), which is where unknown ones are noticed.

use crate::engine::Machine;
use crate::engine::schema::Schema;
use crate::engine::time::{Time, UnknownState};
use crate::ids::StateIdx;

impl Schema {
    /// Indexes of these names, in order.
    ///
    /// # Errors
    /// [`UnknownState`]: the first name that is none.
    pub fn indexes(&self, names: &[impl AsRef<str>]) -> Result<Vec<StateIdx>, UnknownState> {
        let index = |name: &str| {
            let index = self.index(name);
            index.ok_or_else(|| UnknownState(name.to_owned()))
        };
        names.iter().map(|name| index(name.as_ref())).collect()
    }
}

impl Machine {
    /// All of these states are active; true for none.
    #[must_use]
    pub fn is_all(&self, states: &[StateIdx]) -> bool {
        states.iter().all(|&state| self.is(state))
    }
    /// Some of these states is active; false for none.
    #[must_use]
    pub fn is_any(&self, states: &[StateIdx]) -> bool {
        states.iter().any(|&state| self.is(state))
    }
    /// None of these states is active; true for none.
    #[must_use]
    pub fn is_none(&self, states: &[StateIdx]) -> bool {
        !self.is_any(states)
    }
    /// The first of these states that is active: to branch over states that exclude each other.
    #[must_use]
    pub fn first_active(&self, states: &[StateIdx]) -> Option<StateIdx> {
        states.iter().copied().find(|&state| self.is(state))
    }
    /// Each of these states has exactly this tick now.
    #[must_use]
    pub fn is_at(&self, ticks: &[(StateIdx, u64)]) -> bool {
        let mut ticks = ticks.iter();
        ticks.all(|&(state, tick)| self.tick(state) == tick)
    }
    /// Each of these states has reached this tick.
    #[must_use]
    pub fn was_at(&self, ticks: &[(StateIdx, u64)]) -> bool {
        let mut ticks = ticks.iter();
        ticks.all(|&(state, tick)| self.tick(state) >= tick)
    }
    /// All ticks as a value that outlives the moment.
    #[must_use]
    pub fn time(&self) -> Time {
        Time::from(self.clock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Mutation, Options, SchemaDef, StateDef};

    #[test]
    fn several_states_at_once() {
        let def = ["A", "B", "C"].into_iter();
        let def = def.fold(SchemaDef::new(), |def, name| {
            def.state(name, StateDef::new())
        });
        let mut machine = Machine::new(Schema::normalise(&def).0, Options::default());
        let all = machine.schema().indexes(&["A", "B", "C"]).unwrap();
        let [a, b, c] = all[..] else { panic!() };
        machine.apply(Mutation::add(&[c, a]));
        assert!(machine.is_all(&[a, c]) && !machine.is_all(&all) && machine.is_all(&[]));
        assert!(machine.is_any(&all) && !machine.is_any(&[b]) && !machine.is_any(&[]));
        assert!(machine.is_none(&[b]) && !machine.is_none(&[b, c]) && machine.is_none(&[]));
        assert_eq!(machine.first_active(&[b, c, a]), Some(c));
        assert_eq!(machine.first_active(&[b]), None);
        assert!(machine.is_at(&[(a, 1), (b, 0)]) && !machine.is_at(&[(a, 0)]));
        assert!(machine.was_at(&[(a, 0), (c, 1)]) && !machine.was_at(&[(b, 1)]));
        let unknown = machine.schema().indexes(&["A", "Z", "Y"]);
        assert_eq!(unknown, Err(UnknownState("Z".to_owned())));
    }
}
