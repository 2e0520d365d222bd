//! What if: choose a mutation, and the engine in this tab says what would become of it.

use crate::ui::prelude::*;
use statemesh::core::engine::MutationKind;

use super::dynamic::{RowKey, dynamic, rows};
use super::machine_view::MachineUi;
use super::{name, sentence, state_glyph};
use crate::derived::Derived;
use crate::model::{SchemaFacts, WhatIf as Answer, is_active, what_if};
use crate::store::Store;
use crate::words::machine as say;
use statemesh::core::collections::OrderedSet;

/// The tab.
#[component]
pub fn WhatIf() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let kind = RwSignal::new(KINDS[0].0);
    let called = ui.called;
    // Who opens it with a state selected asks about that.
    if called.with_untracked(OrderedSet::is_empty) {
        called.set(ui.selected.get_untracked().into_iter().collect());
    }
    let clock = Derived::new(move || {
        let key = ui.key.get();
        let clock = key.and_then(|key| store.clock_at_cursor(&key));
        clock.unwrap_or_default()
    });
    let answer = Derived::new(move || {
        let called: Vec<usize> = called.with(|called| called.iter().copied().collect());
        let schema = ui.schema.get()?;
        if called.is_empty() {
            return None;
        }
        let kind = KINDS.iter().find(|(word, _)| *word == kind.get())?.1;
        clock.with(|clock| what_if(&schema, clock, kind, &called))
    });
    let kinds = KINDS.map(|(word, _)| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (kind.get() == word).to_string()
                on:click=move |_| kind.set(word)
            >
                {word}
            </button>
        }
    });
    let items = move || {
        let key = ui.key.get();
        let schema = ui.schema.get();
        let count = schema.map_or(0, |schema| schema.states.len());
        (0..count).map(|at| (key, at)).collect::<Vec<_>>()
    };
    let result = move || {
        let schema = ui.schema.get()?;
        answer.with(|answer| answer.as_ref().map(|answer| view_answer(&schema, answer)))
    };
    view! {
        <div class="what-if">
            <h3>{say::WHAT_IF}</h3>
            <div class="choices" role="group" aria-label="Mutation">{kinds.collect_view()}</div>
            <div class="choices" role="group" aria-label="Called states">
                {rows(
                    items,
                    |(key, at)| RowKey::Numbered(*key, *at as u64),
                    move |(_, at)| view! { <Choice at clock /> }.into_any(),
                )}
            </div>
            <div role="status" class="answer">{dynamic(result)}</div>
            <p class="unknown" hidden=move || answer.with(Option::is_some)>{say::CHOOSE}</p>
        </div>
    }
}

/// A state to call.
#[component]
fn Choice(at: usize, clock: Derived<Vec<u64>>) -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let called = ui.called;
    let schema = ui.schema.get_untracked().unwrap_or_default();
    let is_active = Memo::new(move |_| clock.with(|clock| is_active(clock, at)));
    let toggle = move |_| {
        called.update(|called| {
            if !called.remove(&at) {
                called.insert(at);
            }
        });
    };
    view! {
        <button
            class="chip"
            type="button"
            aria-pressed=move || called.with(|called| called.contains(&at)).to_string()
            on:click=toggle
        >
            {dynamic(move || state_glyph(is_active.get(), false, false))}
            {name(&say::state_name(&schema, at))}
            <span class="vh">{dynamic(move || if is_active.get() { " on" } else { " off" })}</span>
        </button>
    }
}

fn view_answer(schema: &SchemaFacts, answer: &Answer) -> AnyView {
    let list = |title: &'static str, states: &[usize], is_on: bool| {
        let states = states.iter().map(|&at| {
            let note = (is_on && answer.by_itself.contains(&at)).then_some(" auto");
            view! {
                <li>
                    {state_glyph(is_on, false, false)}
                    {name(&say::state_name(schema, at))}
                    <small>{note}</small>
                </li>
            }
        });
        view! {
            <dt>{title}</dt>
            <dd><ul>{states.collect_view()}</ul></dd>
        }
    };
    let blocks = answer.blocks.iter().map(|block| {
        let line = say::block(schema, block);
        view! { <p>{sentence(&line)}</p> }
    });
    let is_unclear = !answer.accepted && answer.blocks.is_empty();
    let said = say::what_if(answer);
    view! {
        <p class="verdict-word" data-accepted=answer.accepted.to_string()><b>{said}</b></p>
        {blocks.collect_view()}
        {is_unclear.then(|| view! { <p>{say::NO_FIT}</p> })}
        <dl>
            {(!answer.on.is_empty()).then(|| list("Goes on", &answer.on, true))}
            {(!answer.off.is_empty()).then(|| list("Goes off", &answer.off, false))}
            {list("Active then", &answer.active, true)}
        </dl>
    }
    .into_any()
}

/// Mutations to choose from.
const KINDS: [(&str, MutationKind); 3] = [
    ("add", MutationKind::Add),
    ("remove", MutationKind::Remove),
    ("set", MutationKind::Set),
];
