//! A machine as text (machine.md 9.1, 9.2).

use std::fmt;

use super::Machine;

impl Machine {
    /// All states with their ticks, properties and relations, several lines each: for people.
    ///
    /// ```
    /// use statemesh::prelude::*;
    ///
    /// states! { enum S { Door { add: [Lamp] }, Lamp } }
    ///
    /// let machine = Machine::new("hall", S::schema());
    /// machine.add(S::Door)?;
    /// machine.remove(S::Lamp)?;
    /// assert!(machine.inspect().starts_with("1 Door\n    |Tick     1\n    |Add      Lamp\n0 Lamp\n"));
    /// assert_eq!(format!("{machine} {machine:#}"), "(Door:1) (Door:1) [Lamp:2 Exception:0]");
    /// # Ok::<_, statemesh::machine::UnknownState>(())
    /// ```
    #[must_use]
    pub fn inspect(&self) -> String {
        self.schema().inspect(&self.clock()).to_string()
    }
}

/// Active states with their ticks, in index order; in the alternate form (`{:#}`) the others, too.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schema().clock_text(&self.clock()).fmt(f)
    }
}
