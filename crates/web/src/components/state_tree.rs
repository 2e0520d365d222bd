//! States: activity, tick, what the change at the cursor did to each, and on demand relations and tags. Letters search.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;

use super::dynamic::{RowKey, dynamic, rows};
use super::machine_view::MachineUi;
use super::roving::move_focus;
use super::{Arcs, GroupSelect, StepsUi, WhyPanel, name, state_glyph};
use crate::browser;
use crate::derived::Derived;
use crate::model::{RelationRow, Seen, StateRow, grouped, state_order};
use crate::store::Store;
use crate::words::machine as say;
use statemesh::core::collections::OrderedSet;

/// What the rows share.
#[derive(Clone, Copy)]
struct Tree {
    ui: MachineUi,
    states: Derived<Vec<StateRow>>,
    open: RwSignal<OrderedSet<usize>>,
    by_name: RwSignal<bool>,
    /// Indexes in the order shown.
    order: Derived<Vec<usize>>,
    /// Letters typed, and when the last.
    typed: RwSignal<(String, Seen)>,
}

/// The tree of the machine shown, and why the selected state is as it is.
#[component]
pub fn StateTree(states: Derived<Vec<StateRow>>) -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let by_name = RwSignal::new(false);
    let open = RwSignal::new(OrderedSet::new());
    let tree = Tree {
        ui,
        states,
        open,
        by_name,
        order: Derived::new(move || {
            let names = by_name.get();
            let mut order = states.with(|states| state_order(states, names));
            store.sift.with(|sift| {
                let Some(group) = &sift.group else { return };
                states.with(|states| {
                    let is_in =
                        |at: &usize| states[*at].tags.iter().any(|tag| tag.whole() == group);
                    if order.iter().any(is_in) {
                        order.retain(is_in);
                    }
                });
            });
            order
        }),
        typed: RwSignal::new((String::new(), browser::now())),
    };
    // A tree that fits is unfolded when its machine is opened.
    Effect::new(move |_| {
        ui.key.track();
        tree.unfold(!browser::is_narrow() && tree.lines() <= UNFOLDED_LINES);
    });
    // The key `x` asks from elsewhere.
    Effect::new(move |asked: Option<u32>| {
        let now = ui.expand.get();
        if asked.is_some_and(|asked| asked != now) {
            tree.toggle_all();
        }
        now
    });
    let steps = expect_context::<StepsUi>();
    let moved = Derived::new(move || open.with(|open| open.iter().copied().collect()));
    let items = move || {
        let key = ui.key.get();
        let order = tree.order.get();
        order.into_iter().map(|at| (key, at)).collect::<Vec<_>>()
    };
    view! {
        <section class="states" aria-label="States">
            <Head tree />
            <div class="scroll">
                <div
                    class="tree"
                    class:stepping=move || steps.at.get().is_some()
                    role="tree"
                    aria-label="States"
                    on:keydown=move |event| tree.press(event)
                >
                    {rows(
                        items,
                        |(key, at)| RowKey::Numbered(*key, *at as u64),
                        move |(_, at)| view! { <Item at tree /> }.into_any(),
                    )}
                    <Arcs order=tree.order moved />
                </div>
            </div>
            <WhyPanel />
        </section>
    }
}

#[component]
fn Head(tree: Tree) -> impl IntoView {
    let store = expect_context::<Store>();
    let Tree { by_name, open, .. } = tree;
    let is_open = Memo::new(move |_| open.with(|open| !open.is_empty()));
    let hint = move || {
        tree.typed.with(|(text, at)| {
            let is_fresh = store.clock.get().since(*at) < SEARCH;
            (!text.is_empty() && is_fresh).then(|| format!("Search: {text}"))
        })
    };
    view! {
        <div class="column-head">
            <h2>"States"</h2>
            <GroupSelect />
            <span class="label" role="status">{dynamic(hint)}</span>
            <span class="grow"></span>
            <button
                class="chip"
                type="button"
                title="Order by schema or by name"
                aria-pressed=move || by_name.get().to_string()
                on:click=move |_| by_name.update(|by_name| *by_name = !*by_name)
            >
                "By name"
            </button>
            <button class="chip" type="button" title="Expand or collapse all (x)" on:click=move |_| tree.toggle_all()>
                {dynamic(move || if is_open.get() { "Collapse" } else { "Expand" })}
            </button>
        </div>
    }
}

impl Tree {
    fn lines(self) -> usize {
        self.states
            .with_untracked(|states| states.iter().map(|row| 1 + row.relations.len()).sum())
    }

    fn unfold(self, all: bool) {
        let count = if all {
            self.states.with_untracked(Vec::len)
        } else {
            0
        };
        self.open.set((0..count).collect());
    }

    fn toggle_all(self) {
        self.unfold(self.open.with_untracked(OrderedSet::is_empty));
    }

    /// Letters search; other keys move.
    fn press(self, event: KeyboardEvent) {
        let now = browser::now();
        let mut text = self.typed.with_untracked(|(text, at)| {
            if now.since(*at) > SEARCH {
                String::new()
            } else {
                text.clone()
            }
        });
        let Some(letter) = letter(&event, text.is_empty()) else {
            return move_focus(event);
        };
        event.prevent_default();
        text.push(letter);
        let selected = self.ui.selected.get_untracked();
        let found = self.order.with_untracked(|order| {
            let states = self.states;
            states.with_untracked(|states| say::search(states, order, &text, selected))
        });
        self.typed.set((text, now));
        if let Some(at) = found {
            browser::focus(&format!("state-{at}"));
        }
    }
}

/// A key that searches.
fn letter(event: &KeyboardEvent, is_first: bool) -> Option<char> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return None;
    }
    let key = event.key();
    let mut letters = key.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    // Digits open tabs and signs step; neither begins a search. Whatever is not ASCII is somebody's letter.
    let begins = letter.is_ascii_alphabetic() || !letter.is_ascii();
    (begins || (!is_first && letter.is_ascii_alphanumeric())).then_some(letter)
}

#[component]
fn Item(at: usize, tree: Tree) -> impl IntoView {
    let Tree {
        ui, states, open, ..
    } = tree;
    let row = Derived::new(move || states.with(|states| states.get(at).cloned()));
    let is_open = Memo::new(move |_| open.with(|open| open.contains(&at)));
    let has_more = Memo::new(move |_| {
        row.with(|row| {
            let more = |row: &StateRow| !row.relations.is_empty() || !row.tags.is_empty();
            row.as_ref().is_some_and(more)
        })
    });
    let steps = expect_context::<StepsUi>();
    let marks = Derived::new(move || {
        let marks = ui.change.with(|change| say::marks(change.as_ref(), at));
        say::Marks {
            ran: steps.view.with(|view| view.steps.ran.contains(&at)),
            ..marks
        }
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
    let is_selected = Memo::new(move |_| ui.selected.get() == Some(at));
    let click = move |event: leptos::ev::MouseEvent| {
        let on_twisty = i64::from(event.offset_x()) < 24;
        ui.selected.set(Some(at));
        if on_twisty || browser::is_narrow() {
            set_open(!is_open.get_untracked());
        }
    };
    let key = move |event: KeyboardEvent| {
        let wanted = match event.key().as_str() {
            "ArrowRight" if !event.shift_key() => true,
            "ArrowLeft" if !event.shift_key() => false,
            "Enter" | " " => !is_open.get_untracked(),
            _ => return,
        };
        event.prevent_default();
        set_open(wanted);
    };
    let tabindex = move || {
        let first = ui.selected.get().unwrap_or(0);
        if first == at { "0" } else { "-1" }
    };
    let expanded = move || has_more.get().then(|| is_open.get().to_string());
    let said = Memo::new(move |_| {
        let marks = marks.get();
        row.with(|row| row.as_ref().map(|row| say::state_row(row, &marks)))
    });
    let line = move || row.get().map(|row| marks.with(|marks| line(&row, marks)));
    let more = move || (is_open.get() && has_more.get()).then(|| row.get().map(|row| more(&row)));
    view! {
        <div class="item">
            <div
                id=format!("state-{at}")
                class="state"
                class:on=is(row, |row| row.active)
                class:error=is(row, |row| row.error && row.active)
                class:multi=is(row, |row| row.multi)
                class:changed=move || marks.with(|marks| marks.moved.is_some())
                class:called=move || marks.with(|marks| marks.is_called)
                role="treeitem"
                aria-expanded=expanded
                aria-selected=move || is_selected.get().to_string()
                aria-label=said
                tabindex=tabindex
                data-state=text(row, |row| row.name.clone())
                data-active=text(row, |row| row.active.to_string())
                data-tick=text(row, |row| row.tick.to_string())
                on:click=click
                on:focus=move |_| ui.selected.set(Some(at))
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

fn line(row: &StateRow, marks: &say::Marks) -> AnyView {
    let has_more = !row.relations.is_empty() || !row.tags.is_empty();
    let moved = marks.moved.clone();
    view! {
        <span class="twisty" class:leaf=!has_more aria-hidden="true"></span>
        {state_glyph(row.active, row.multi, row.error)}
        <span class="machine">{name(&row.shown)}</span>
        <span class="marks">
            {row.auto.then(|| view! { <span class="auto">"auto"</span> })}
            {marks.is_called.then(|| view! { <span class="called-mark">"called"</span> })}
            {marks.is_refused.then(|| view! { <span class="refused-mark">"×"</span> })}
            {moved.map(|mark| view! { <span class="mark" class:up=row.active>{mark}</span> })}
            {marks.ran.then(|| view! { <span class="ran" title=say::RAN>"*"</span> })}
        </span>
        <span class="num">{grouped(row.tick)}</span>
    }
    .into_any()
}

fn more(row: &StateRow) -> AnyView {
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
    .into_any()
}

/// Enter on a target jumps to it.
fn relation(relation: &RelationRow) -> AnyView {
    let kind = relation.kind.word();
    let targets = relation
        .targets
        .iter()
        .map(|(at, shown, active)| {
            let word = if *active { "active" } else { "inactive" };
            let label = format!("{kind} {}, {word}", shown.plain());
            let target = format!("state-{at}");
            view! {
                <button
                    class="target"
                    class:on=*active
                    type="button"
                    role="treeitem"
                    tabindex="-1"
                    title=word
                    aria-label=label
                    on:click=move |_| browser::focus(&target)
                >
                    {state_glyph(*active, false, false)}
                    {name(shown)}
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="relation">
            <span class="kind" aria-hidden="true">{kind}</span>
            {targets}
        </div>
    }
    .into_any()
}

/// About what a desktop window shows without scrolling.
const UNFOLDED_LINES: usize = 36;
/// Letters that follow each other within this many milliseconds are one word (dashboard design 7.1).
const SEARCH: u64 = 1_500;
