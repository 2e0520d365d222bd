//! Parts of a view that change.

use statemesh::PeerId;

use crate::model::{Health, MachineKey, Subject};
use crate::ui::prelude::{AnyView, IntoView};
use crate::ui::{Row, keyed};

/// A part that is drawn anew when a signal it read changed.
pub fn dynamic<V: IntoView + 'static>(draw: impl Fn() -> V + 'static) -> AnyView {
    draw.into_any()
}

/// What tells the rows of a list apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// A host.
    Peer(PeerId),
    /// A link.
    Link(PeerId, PeerId),
    /// A machine.
    Machine(MachineKey),
    /// Something that needs attention.
    Subject(Subject),
    /// A count of the verdict.
    Health(Health),
    /// A state or a change of the machine shown, by its number.
    Numbered(Option<MachineKey>, u64),
}

/// Rows that stay in the document while their keys are in the list.
pub fn rows<T: 'static>(
    items: impl Fn() -> Vec<T> + 'static,
    key: fn(&T) -> RowKey,
    draw: impl Fn(T) -> AnyView + Clone + 'static,
) -> AnyView {
    keyed(Box::new(move || {
        let row = |item| {
            let draw = draw.clone();
            Row {
                key: key(&item),
                draw: Box::new(move || draw(item)),
            }
        };
        items().into_iter().map(row).collect()
    }))
}
