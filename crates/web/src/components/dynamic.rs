//! Parts of a view that change: drawn through one boxed type each, so that the machinery of the framework is compiled
//! once and not once for every closure of the page.

use leptos::prelude::*;
use statemesh::PeerId;

use crate::model::{Health, MachineKey, Subject};

/// A part that is drawn anew when a signal it read changed.
pub fn dynamic<V: IntoView + 'static>(draw: impl Fn() -> V + Send + 'static) -> AnyView {
    let draw: Box<dyn Fn() -> AnyView + Send> = Box::new(move || draw().into_any());
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
pub fn rows<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + 'static,
    key: fn(&T) -> RowKey,
    draw: impl Fn(T) -> AnyView + Clone + Send + 'static,
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

struct Row {
    key: RowKey,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

fn keyed(rows: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
    view! { <For each=rows key=|row| row.key.clone() children=|row| (row.draw)() /> }.into_any()
}
