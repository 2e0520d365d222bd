//! Matrix: how the states of a machine are related, one letter for each relation of a row to a column.

use super::SchemaFacts;

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatrixRow {
    /// Columns with something in them, in order: column and letters.
    pub cells: Vec<(usize, &'static str)>,
}

/// The letters of a state towards others: a adds, q requires, r removes, f runs its handlers after.
#[must_use]
pub fn matrix_row(schema: &SchemaFacts, state: usize, columns: &[usize]) -> MatrixRow {
    let Some(facts) = schema.states.get(state) else {
        return MatrixRow::default();
    };
    let cells = columns.iter().enumerate().filter_map(|(column, other)| {
        let bit = |list: &[usize], bit: usize| if list.contains(other) { bit } else { 0 };
        let letters = bit(&facts.adds, 1)
            | bit(&facts.requires, 2)
            | bit(&facts.removes, 4)
            | bit(&facts.after, 8);
        (letters > 0).then(|| (column, LETTERS[letters]))
    });
    MatrixRow {
        cells: cells.collect(),
    }
}

/// By bits: 1 adds, 2 requires, 4 removes, 8 after.
const LETTERS: [&str; 16] = [
    "", "a", "q", "aq", "r", "ar", "qr", "aqr", "f", "af", "qf", "aqf", "rf", "arf", "qrf", "aqrf",
];

#[cfg(test)]
mod tests {
    use statemesh::{SchemaDef, StateDef};

    use super::*;

    #[test]
    fn each_relation_has_its_letter() {
        let schema = SchemaFacts::new(
            &SchemaDef::new()
                .state("A", StateDef::new().add(["B"]).require(["C"]))
                .state("B", StateDef::new().remove(["A", "B"]).after(["A"]))
                .state("C", StateDef::new().add(["A"]).require(["A"])),
        );
        let row = |state, columns: &[usize]| matrix_row(&schema, state, columns).cells;
        assert_eq!(row(0, &[0, 1, 2]), [(1, "a"), (2, "q")]);
        assert_eq!(row(1, &[0, 1, 2]), [(0, "rf"), (1, "r")]);
        assert_eq!(row(2, &[2, 0]), [(1, "aq")]);
        assert_eq!(row(7, &[0]), []);
    }
}
