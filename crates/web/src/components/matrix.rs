//! Matrix: states against states, with what the change at the cursor called and moved above them.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::machine_view::MachineUi;
use super::name;
use crate::derived::Derived;
use crate::history::RainColumns;
use crate::model::{SchemaFacts, matrix_row};
use crate::store::Store;
use crate::words::machine as say;

/// The tab.
#[component]
pub fn Matrix() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let all = RwSignal::new(false);
    let columns = Derived::new(move || {
        let all = all.get();
        ui.key
            .get()
            .map(|key| store.rain_columns(&key, all))
            .unwrap_or_default()
    });
    view! {
        {dynamic(move || super::rain::more_columns(columns, all))}
        <div class="matrix" role="group" tabindex="0" aria-label="Relations">
            {dynamic(move || table(ui, columns))}
        </div>
    }
}

fn table(ui: MachineUi, columns: Derived<RainColumns>) -> AnyView {
    let schema = ui.schema.get().unwrap_or_default();
    let states = columns.with(|columns| columns.states.clone());
    let changed = ui.changed.get();
    let heads = states.iter().map(|&state| {
        let shown = say::state_name(&schema, state);
        let is_hot = changed.contains(&state);
        view! { <th scope="col" class:hot=is_hot title=shown.plain()><span>{name(&shown)}</span></th> }
    });
    let rows = states
        .iter()
        .map(|&state| row(&schema, state, &states, &changed));
    view! {
        <table>
            <thead>
                <tr>
                    <th scope="col" class="corner">{say::MATRIX}</th>
                    {heads.collect_view()}
                </tr>
            </thead>
            <tbody>
                {count(ui, &states, "called")}
                {count(ui, &states, "ticks changed")}
                {rows.collect_view()}
            </tbody>
        </table>
    }
    .into_any()
}

/// The rows above the relations.
fn count(ui: MachineUi, states: &[usize], title: &'static str) -> AnyView {
    let cells = ui.change.with(|change| {
        let value = |state: &usize| {
            let change = change.as_ref()?;
            let count = if title == "called" {
                u64::from(change.is_called(*state))
            } else {
                change.of(*state)?.0.ticks()
            };
            (count > 0).then(|| count.to_string())
        };
        let values: Vec<Option<String>> = states.iter().map(value).collect();
        values
            .into_iter()
            .map(|value| view! { <td class="one">{value}</td> })
            .collect_view()
    });
    view! {
        <tr class="counted" data-row=title>
            <th scope="row">{title}</th>
            {cells}
        </tr>
    }
    .into_any()
}

fn row(schema: &SchemaFacts, state: usize, states: &[usize], changed: &[usize]) -> AnyView {
    let shown = say::state_name(schema, state);
    let row = matrix_row(schema, state, states);
    let is_hot = changed.contains(&state);
    let cells = (0..states.len()).map(|column| {
        let letters = row
            .cells
            .iter()
            .find(|(at, _)| *at == column)
            .map(|(_, letters)| *letters);
        let tint = is_hot && letters.is_some() && changed.contains(&states[column]);
        let class = match letters {
            Some("r" | "rf") => "remove",
            Some("q" | "qf") => "require",
            Some(_) => "adds",
            None => "none",
        };
        view! { <td class=class class:hot=tint>{letters.unwrap_or("·")}</td> }
    });
    view! {
        <tr data-row=shown.plain()>
            <th scope="row" class:hot=is_hot>{name(&shown)}</th>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}
