//! Filters of the Machine view: a button that opens a bar, and in it a chip for each, with how many it hides.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;

use super::dynamic::dynamic;
use super::machine_view::MachineUi;
use crate::browser;
use crate::derived::Derived;
use crate::history::Sift;
use crate::model::{SchemaFacts, Shown, TxFilter, grouped};
use crate::preferences::Preferences;
use crate::store::Store;
use crate::words::log as say;

/// The button.
#[component]
pub fn FiltersButton() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let hide = Memo::new(move |_| store.sift.with(|sift| say::filters(sift.hide)));
    view! {
        <button
            id="filters-button"
            class="chip"
            type="button"
            title="What the lists leave out (f)"
            aria-expanded=move || ui.filters.get().to_string()
            aria-controls="filters-bar"
            on:click=move |_| ui.open_filters()
        >
            {hide}
        </button>
    }
}

impl MachineUi {
    /// Opens the bar, or closes it.
    pub fn open_filters(self) {
        let open = !self.filters.get_untracked();
        self.filters.set(open);
        let next = if open { "filter-0" } else { "filters-button" };
        request_animation_frame(move || browser::focus(next));
    }
}

/// The bar, while it is open.
#[component]
pub fn FiltersBar() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    dynamic(move || ui.filters.get().then(|| bar(ui)))
}

fn bar(ui: MachineUi) -> AnyView {
    let store = expect_context::<Store>();
    let counts = Derived::new(move || {
        let key = ui.key.get();
        key.map_or([0; TxFilter::ALL.len()], |key| store.filter_counts(&key))
    });
    let chip = move |(at, filter): (usize, TxFilter)| chip(at, filter, counts);
    let (transitions, machines) = TxFilter::ALL.split_at(TxFilter::OF_TRANSITIONS);
    let transitions = transitions.iter().copied().enumerate().map(chip);
    let machines = (TxFilter::OF_TRANSITIONS..).zip(machines.iter().copied());
    let close = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            ui.open_filters();
        }
    };
    view! {
        <div id="filters-bar" class="tx-filters" role="group" aria-label="Filters" on:keydown=close>
            <span class="label">"Hide"</span>
            {transitions.collect_view()}
            <span class="label">"In the list"</span>
            {machines.map(chip).collect_view()}
        </div>
    }
    .into_any()
}

fn chip(at: usize, filter: TxFilter, counts: Derived<[usize; TxFilter::ALL.len()]>) -> AnyView {
    let store = expect_context::<Store>();
    let preferences = expect_context::<Preferences>();
    let pressed = move || store.sift.with(|sift| sift.hide.has(filter)).to_string();
    let count = Memo::new(move |_| grouped(counts.with(|counts| counts[at]) as u64));
    view! {
        <button
            id=format!("filter-{at}")
            class="chip"
            type="button"
            title=say::filter_hint(filter)
            aria-pressed=pressed
            data-filter=filter.key()
            on:click=move |_| preferences.change(|it| it.hidden = it.hidden.turned(filter))
        >
            {say::filter(filter)}
            " "
            <span class="num">{count}</span>
        </button>
    }
    .into_any()
}

/// The row of the record at the cursor when filters hide it.
pub fn filtered_out(ui: MachineUi, store: Store) -> AnyView {
    let preferences = expect_context::<Preferences>();
    let show = move |event: leptos::ev::MouseEvent| {
        event.stop_propagation();
        if let Some(key) = ui.key.get_untracked() {
            let hiding = untrack(|| store.hiding(&key));
            preferences.change(|it| it.hidden = it.hidden.without(hiding));
        }
    };
    view! {
        <span class="words" role="gridcell">
            <span>
                {say::FILTERED_OUT}
                " · "
                <button class="link" type="button" on:click=show>
                    "show"
                </button>
            </span>
        </span>
    }
    .into_any()
}

/// Groups of the states in the tree, if there are any: their tags.
#[component]
pub fn GroupSelect() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let groups = Derived::new(move || ui.schema.with(|schema| groups(schema.as_deref())));
    let choose = move |event| {
        let at: Option<usize> = event_target_value(&event).parse().ok();
        let group = at.and_then(|at| {
            groups.with_untracked(|groups| groups.get(at).map(|it| it.whole().to_owned()))
        });
        store.look_at_group(group);
    };
    dynamic(move || {
        let options = groups.get();
        (!options.is_empty()).then(|| {
            let options = (0_usize..).zip(options).map(|(at, group)| {
                let words = group.plain();
                let is_it = move |sift: &Sift| sift.group.as_deref() == Some(group.whole());
                view! {
                    <option value=at.to_string() selected=move || store.sift.with(&is_it)>
                        {words}
                    </option>
                }
            });
            view! {
                <select class="chip" aria-label="Group of states" on:change=choose>
                    <option value="">"All groups"</option>
                    {options.collect_view()}
                </select>
            }
        })
    })
}

/// Tags of states, each once, in the order of the schema.
fn groups(schema: Option<&SchemaFacts>) -> Vec<Shown> {
    let mut groups: Vec<Shown> = Vec::new();
    let states = schema.map_or(&[][..], |schema| &schema.states);
    for tag in states.iter().flat_map(|state| &state.tags) {
        if groups.len() < MOST_GROUPS && !groups.contains(tag) {
            groups.push(tag.clone());
        }
    }
    groups
}

/// Groups to choose from at most (guess: a list that can be read).
const MOST_GROUPS: usize = 64;
