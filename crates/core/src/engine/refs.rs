//! How callers name states: by name, by index, or by a value of a typed schema; one or many.
//!
//! An index is meant by position and a name by text. A value of [`states!`](crate::states) is both: its index counts
//! only where that very name stands, so it is right on any schema and costs no search on its own.

use crate::engine::schema::Schema;
use crate::ids::StateIdx;

/// One state, by name, by index, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRef<'a> {
    /// By name.
    Name(&'a str),
    /// By index.
    Index(StateIdx),
    /// By name, with the index at which it probably stands.
    Typed {
        /// The name.
        name: &'a str,
        /// Its place in the schema it was declared in.
        index: StateIdx,
    },
}

/// What names one state: `&str`, `String`, [`StateIdx`], a value of [`states!`](crate::states).
pub trait StateName {
    /// The state.
    fn state_ref(&self) -> StateRef<'_>;
}

/// Names or indexes of states: `"Ready"`, `S::Ready`, `["A", "B"]`, a slice, a `Vec`, a [`StateIdx`], or a tuple of
/// states named in different ways.
pub trait States {
    /// Shows each state, in order.
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>));

    /// The state, for what names exactly one: checks and mutations of one state are faster with it.
    #[inline]
    fn one(&self) -> Option<StateRef<'_>> {
        None
    }
}

impl Schema {
    /// Index of a state, if this schema has it.
    #[must_use]
    #[inline]
    pub fn find(&self, state: StateRef<'_>) -> Option<StateIdx> {
        match state {
            StateRef::Name(name) => self.index(name),
            StateRef::Index(index) => (index.at() < self.len()).then_some(index),
            StateRef::Typed { name, index } => {
                if index.at() < self.len() && self.name(index) == name {
                    return Some(index);
                }
                self.index(name)
            }
        }
    }
}

impl StateRef<'_> {
    /// The name, or the index as `#17`.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Name(name) | Self::Typed { name, .. } => name.to_owned(),
            Self::Index(index) => format!("#{index}"),
        }
    }
}

impl StateName for &str {
    #[inline]
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for String {
    #[inline]
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for &String {
    #[inline]
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Name(self)
    }
}

impl StateName for StateIdx {
    #[inline]
    fn state_ref(&self) -> StateRef<'_> {
        StateRef::Index(*self)
    }
}

impl<S: StateName> States for S {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        see(self.state_ref());
    }

    #[inline]
    fn one(&self) -> Option<StateRef<'_>> {
        Some(self.state_ref())
    }
}

impl<S: StateName> States for &[S] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        for state in *self {
            see(state.state_ref());
        }
    }
}

impl<S: StateName> States for Vec<S> {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName> States for &Vec<S> {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName, const N: usize> States for [S; N] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

impl<S: StateName, const N: usize> States for &[S; N] {
    fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
        self.as_slice().each(see);
    }
}

macro_rules! tuple_states {
    ($($name:ident)*) => {
        impl<$($name: StateName),*> States for ($($name,)*) {
            fn each(&self, see: &mut dyn FnMut(StateRef<'_>)) {
                #[allow(non_snake_case, reason = "named like their types")]
                let ($($name,)*) = self;
                $(see($name.state_ref());)*
            }
        }
    };
}

tuple_states!(A B);
tuple_states!(A B C);
tuple_states!(A B C D);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{SchemaDef, StateDef};

    #[test]
    fn a_hint_counts_only_where_that_name_stands() {
        let def = SchemaDef::new().state("A", StateDef::new());
        let (schema, _) = Schema::normalise(&def.state("B", StateDef::new()));
        let find = |name, index| {
            let index = StateIdx(index);
            schema.find(StateRef::Typed { name, index })
        };
        for hint in [0, 1, 2, 3, u16::MAX] {
            assert_eq!(find("B", hint), Some(StateIdx(1)), "{hint}");
            assert_eq!(find("Z", hint), None, "{hint}");
        }
        assert_eq!(schema.find(StateRef::Index(StateIdx(3))), None);
        assert_eq!(schema.find(StateRef::Name("A")), Some(StateIdx(0)));
    }

    #[test]
    fn lists_keep_their_order() {
        fn texts(states: impl States) -> Vec<String> {
            let mut texts = Vec::new();
            states.each(&mut |state| texts.push(state.text()));
            texts
        }
        assert_eq!(
            texts(("B", StateIdx(7), String::from("A"))),
            ["B", "#7", "A"]
        );
        assert_eq!(texts(vec!["B", "A"]), ["B", "A"]);
    }
}
