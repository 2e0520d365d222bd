//! States in the owner's order: activity, tick, and on demand relations and tags.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::dynamic::{RowKey, dynamic, rows};
use super::roving::move_focus;
use super::{name, state_glyph};
use crate::browser;
use crate::derived::Derived;
use crate::model::{MachineKey, RelationRow, StateRow, grouped};
use crate::store::Store;
use statemesh::core::collections::OrderedSet;

/// The tree of one machine. `key` changes with the machine: what was unfolded belongs to it.
#[component]
pub fn StateTree(
    key: Derived<Option<MachineKey>>,
    states: Derived<Vec<StateRow>>,
) -> impl IntoView {
    let open = RwSignal::new(OrderedSet::<usize>::new());
    let lines = move |states: &[StateRow]| -> usize {
        states.iter().map(|row| 1 + row.relations.len()).sum()
    };
    // A tree that fits is unfolded when its machine is opened.
    Effect::new(move |_| {
        key.track();
        states.with_untracked(|states| {
            let fits = !browser::is_narrow() && lines(states) <= UNFOLDED_LINES;
            open.set(if fits {
                (0..states.len()).collect()
            } else {
                OrderedSet::new()
            });
        });
    });
    let count = Memo::new(move |_| states.with(Vec::len));
    let unfold = move |_| open.set((0..count.get_untracked()).collect());
    let fold = move |_| open.set(OrderedSet::new());
    let items = move || {
        let key = key.get();
        (0..count.get()).map(|at| (key, at)).collect::<Vec<_>>()
    };
    view! {
        <section class="states" aria-label="States">
            <div class="column-head">
                <h2>"States"</h2>
                <span class="grow"></span>
                <button class="chip" type="button" on:click=unfold>
                    "Expand all"
                </button>
                <button class="chip" type="button" on:click=fold>
                    "Collapse all"
                </button>
            </div>
            <div class="scroll">
                <div class="tree" role="tree" aria-label="States" on:keydown=move_focus>
                    {rows(
                        items,
                        |(key, at)| RowKey::Numbered(*key, *at as u64),
                        move |(_, at)| view! { <Item at states open /> }.into_any(),
                    )}
                </div>
            </div>
        </section>
    }
}

#[component]
fn Item(
    at: usize,
    states: Derived<Vec<StateRow>>,
    open: RwSignal<OrderedSet<usize>>,
) -> impl IntoView {
    let row = Derived::new(move || states.with(|states| states.get(at).cloned()));
    let is_open = Memo::new(move |_| open.with(|open| open.contains(&at)));
    let has_more = Memo::new(move |_| {
        row.with(|row| {
            let more = |row: &StateRow| !row.relations.is_empty() || !row.tags.is_empty();
            row.as_ref().is_some_and(more)
        })
    });
    let set_open = move |wanted: bool| {
        open.update(|open| {
            if wanted {
                open.insert(at);
            } else {
                open.remove(&at);
            }
        });
    };
    let store = expect_context::<Store>();
    let selected = move || {
        let is_it = |row: &StateRow| {
            let selected = store.state.with(|state| state.as_ref() == Some(&row.name));
            selected.to_string()
        };
        row.with(|row| row.as_ref().map(is_it))
    };
    let select = move |_| {
        store
            .state
            .set(row.with_untracked(|row| Some(row.as_ref()?.name.clone())))
    };
    let toggle = move |_| set_open(!is_open.get_untracked());
    let key = move |event: KeyboardEvent| {
        let wanted = match event.key().as_str() {
            "ArrowRight" => true,
            "ArrowLeft" => false,
            "Enter" | " " => !is_open.get_untracked(),
            _ => return,
        };
        event.prevent_default();
        set_open(wanted);
    };
    let expanded = move || has_more.get().then(|| is_open.get().to_string());
    let line = move || row.get().map(|row| line(&row));
    let more = move || (is_open.get() && has_more.get()).then(|| row.get().map(|row| more(&row)));
    view! {
        <div class="item">
            <div
                class="state"
                class:on=is(row, |row| row.active)
                class:error=is(row, |row| row.error && row.active)
                class:multi=is(row, |row| row.multi)
                class:changed=is(row, |row| row.mark.is_some())
                role="treeitem"
                aria-expanded=expanded
                aria-selected=selected
                on:focus=select
                aria-label=text(row, label)
                tabindex=if at == 0 { "0" } else { "-1" }
                data-state=text(row, |row| row.name.clone())
                data-active=text(row, |row| row.active.to_string())
                data-tick=text(row, |row| row.tick.to_string())
                on:click=toggle
                on:keydown=key
            >
                {dynamic(line)}
            </div>
            {dynamic(more)}
        </div>
    }
}

fn text(row: Derived<Option<StateRow>>, read: fn(&StateRow) -> String) -> Memo<Option<String>> {
    Memo::new(move |_| row.with(|row| row.as_ref().map(read)))
}

fn is(row: Derived<Option<StateRow>>, read: fn(&StateRow) -> bool) -> Memo<bool> {
    Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(read)))
}

fn label(row: &StateRow) -> String {
    let activity = if row.active { "active" } else { "inactive" };
    let changed = if row.mark.is_some() {
        ", changed last"
    } else {
        ""
    };
    format!(
        "{}, {activity}, tick {}{changed}",
        row.shown.plain(),
        row.tick
    )
}

fn line(row: &StateRow) -> impl IntoView + use<> {
    let has_more = !row.relations.is_empty() || !row.tags.is_empty();
    view! {
        <span class="twisty" class:leaf=!has_more aria-hidden="true"></span>
        {state_glyph(row.active, row.multi, row.error)}
        <span class="machine">{name(&row.shown)}</span>
        <span class="marks">
            {row.auto.then(|| view! { <span class="auto">"auto"</span> })}
            {row.mark.clone().map(|mark| {
                view! { <span class="mark" class:up=row.active>{mark}</span> }
            })}
        </span>
        <span class="num">{grouped(row.tick)}</span>
    }
}

fn more(row: &StateRow) -> impl IntoView + use<> {
    let tags = (!row.tags.is_empty()).then(|| {
        let tags = row
            .tags
            .iter()
            .map(|tag| view! { <span>{name(tag)}</span> });
        view! {
            <div class="relation">
                <span class="kind">"tags"</span>
                {tags.collect_view()}
            </div>
        }
    });
    view! {
        <div class="more-lines" role="group">
            {row.relations.iter().map(relation).collect_view()}
            {tags}
        </div>
    }
}

fn relation(relation: &RelationRow) -> impl IntoView + use<> {
    let targets = relation
        .targets
        .iter()
        .map(|(_, shown, active)| {
            let word = if *active { "active" } else { "inactive" };
            view! {
                <span class="target" class:on=*active title=word>
                    {state_glyph(*active, false, false)}
                    {name(shown)}
                </span>
            }
        })
        .collect_view();
    view! {
        <div class="relation">
            <span class="kind">{relation.kind.word()}</span>
            {targets}
        </div>
    }
}

/// About what a desktop window shows without scrolling.
const UNFOLDED_LINES: usize = 36;
