//! What a caller has to know of a call to a machine: which states, and which arguments.

use std::fmt;

use crate::engine::mutation::MutationKind;

/// A call that a machine offers, as shown to people and tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What it does.
    pub kind: MutationKind,
    /// Called states, by name.
    pub states: Vec<String>,
    /// A name for people, in place of kind and states.
    pub label: Option<String>,
    /// Arguments it cannot do without.
    pub needed: Vec<String>,
    /// Arguments it may have besides.
    pub optional: Vec<String>,
}

impl Signature {
    /// A call without arguments.
    #[must_use]
    pub fn new<S: Into<String>>(kind: MutationKind, states: impl IntoIterator<Item = S>) -> Self {
        Self {
            kind,
            states: states.into_iter().map(Into::into).collect(),
            label: None,
            needed: Vec::new(),
            optional: Vec::new(),
        }
    }
    /// All arguments, needed ones first.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        let args = self.needed.iter().chain(&self.optional);
        args.map(String::as_str)
    }
}

/// The label, or `Add: A B`; then the needed arguments, ` [x y]`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => f.write_str(label)?,
            None => {
                let kind = match self.kind {
                    MutationKind::Add => "Add",
                    MutationKind::Remove => "Remove",
                    MutationKind::Set => "Set",
                    MutationKind::Toggle => "Toggle",
                };
                write!(f, "{kind}: {}", self.states.join(" "))?;
            }
        }
        if !self.needed.is_empty() {
            write!(f, " [{}]", self.needed.join(" "))?;
        }
        Ok(())
    }
}
