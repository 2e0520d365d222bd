//! States by name, so that machines with different schemas can be compared, and numbers for what is the same in both.

use statemesh::core::collections::OrderedMap;

use crate::model::{SchemaFacts, Shown};

/// States of both sides, each name once.
#[derive(Clone, Debug, Default)]
pub struct Names {
    known: OrderedMap<String, u32>,
    /// As they may be shown, by number; true: an error state.
    pub shown: Vec<(Shown, bool)>,
}

impl Names {
    /// The numbers of a schema's states.
    pub fn of(&mut self, schema: &SchemaFacts) -> Vec<u32> {
        let numbers = schema.states.iter().map(|state| {
            let next = self.shown.len() as u32;
            let number = *self.known.get_or_insert_with(state.name.clone(), || next);
            if number == next {
                self.shown.push((state.shown.clone(), state.is_error));
            }
            number
        });
        numbers.collect()
    }
}

/// Lists of numbers, each list once: two that are the same have one symbol.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    known: OrderedMap<Vec<u32>, u32>,
    lists: Vec<Vec<u32>>,
}

impl Symbols {
    /// The symbol of a list.
    pub fn of(&mut self, list: Vec<u32>) -> u32 {
        if let Some(symbol) = self.known.get(&list) {
            return *symbol;
        }
        let symbol = self.lists.len() as u32;
        self.lists.push(list.clone());
        self.known.insert(list, symbol);
        symbol
    }

    /// The list behind a symbol.
    #[must_use]
    pub fn list(&self, symbol: u32) -> &[u32] {
        self.lists.get(symbol as usize).map_or(&[], Vec::as_slice)
    }
}
