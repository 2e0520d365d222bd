//! The main part of the Machine view: states, one of the tabs, and the change at the cursor; on a phone one at a time.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::core::collections::OrderedSet;

use super::dynamic::dynamic;
use super::{
    ChangePanel, Diagram, DiagramUi, FiltersBar, FiltersButton, LogPane, Matrix, Rain, StateTree,
    WhatIf,
};
use crate::derived::Derived;
use crate::history::ChangeDetail;
use crate::model::{MachineKey, SchemaFacts, StateFacts, StateRow};
use crate::store::Store;

/// What the parts of the view share: which machine, what is selected in it, and what is open.
#[derive(Clone, Copy)]
pub struct MachineUi {
    /// The machine shown.
    pub key: Derived<Option<MachineKey>>,
    /// Its schema.
    pub schema: Derived<Option<Arc<SchemaFacts>>>,
    /// The record at the cursor.
    pub change: Derived<Option<ChangeDetail>>,
    /// States that it changed.
    pub changed: Derived<Vec<usize>>,
    /// The state selected.
    pub selected: RwSignal<Option<usize>>,
    /// States that What if calls.
    pub called: RwSignal<OrderedSet<usize>>,
    /// What the diagram shows.
    pub diagram: DiagramUi,
    /// The tab in the middle.
    pub tab: RwSignal<Tab>,
    /// What a phone shows.
    pub pane: RwSignal<Pane>,
    /// Counts the wishes to expand all or none.
    pub expand: RwSignal<u32>,
    /// The bar of filters is open.
    pub filters: RwSignal<bool>,
    /// The reader is shown, not the log.
    pub reader: RwSignal<bool>,
}

/// A tab in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Transitions.
    #[default]
    Rain,
    /// Relations.
    Matrix,
    /// Relations, drawn.
    Diagram,
    /// The engine, asked.
    WhatIf,
}

/// One of the parts that are beside each other on a desktop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The tree.
    #[default]
    States,
    /// The tabs.
    Main,
    /// The change at the cursor.
    Change,
    /// Log and reader.
    Log,
}

impl Pane {
    fn mark(self) -> &'static str {
        match self {
            Self::States => "states",
            Self::Main => "main",
            Self::Change => "change",
            Self::Log => "log",
        }
    }
}

impl MachineUi {
    /// Nothing selected yet.
    #[must_use]
    pub fn new(store: Store, key: Derived<Option<MachineKey>>) -> Self {
        let change = Derived::new(move || key.get().and_then(|key| store.change(&key)));
        let ui = Self {
            key,
            schema: Derived::new(move || key.get().and_then(|key| store.schema(&key))),
            change,
            changed: Derived::new(move || {
                change.with(|change| {
                    let states = change.iter().flat_map(|change| &change.states);
                    states.map(|(change, _)| change.state).collect()
                })
            }),
            selected: RwSignal::new(None),
            called: RwSignal::new(OrderedSet::new()),
            diagram: DiagramUi::new(key),
            tab: RwSignal::new(Tab::default()),
            pane: RwSignal::new(Pane::default()),
            expand: RwSignal::new(0),
            filters: RwSignal::new(false),
            reader: RwSignal::new(false),
        };
        // What is called belongs to the machine. A selected state is kept by its name, which links name, too.
        Effect::new(move |_| {
            key.track();
            ui.called.set(OrderedSet::new());
        });
        Effect::new(move |_| {
            key.track();
            let wanted = store.state.get();
            let at = ui.schema.with(|schema| {
                let states = schema.as_ref().map(|schema| schema.states.as_slice());
                let is_it = |state: &StateFacts| Some(&state.name) == wanted.as_ref();
                states.and_then(|states| states.iter().position(is_it))
            });
            if ui.selected.get_untracked() != at {
                ui.selected.set(at);
            }
        });
        Effect::new(move |_| {
            let selected = ui.selected.get();
            let name = ui.schema.with_untracked(|schema| {
                let state = schema.as_ref()?.states.get(selected?)?;
                Some(state.name.clone())
            });
            if name.is_some() && store.state.with_untracked(|state| *state != name) {
                store.state.set(name);
            }
        });
        ui
    }
}

/// States, tabs, change.
#[component]
pub fn MachinePanes(states: Derived<Vec<StateRow>>) -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let tab = move || match ui.tab.get() {
        Tab::Rain => view! { <Rain /> }.into_any(),
        Tab::Matrix => view! { <Matrix /> }.into_any(),
        Tab::Diagram => view! { <Diagram states /> }.into_any(),
        Tab::WhatIf => view! { <WhatIf /> }.into_any(),
    };
    let pane = |pane: Pane, word: &'static str| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (ui.pane.get() == pane).to_string()
                on:click=move |_| ui.pane.set(pane)
            >
                {word}
            </button>
        }
    };
    view! {
        <div class="pane-tabs" role="group" aria-label="Parts of the view">
            {pane(Pane::States, "States")}
            {pane(Pane::Main, "Rain")}
            {pane(Pane::Change, "Change")}
            {pane(Pane::Log, "Log")}
        </div>
        <div class="panes" data-pane=move || ui.pane.get().mark()>
            <StateTree states />
            <section class="main-pane" aria-label="History and relations">
                <MainTabs />
                <FiltersBar />
                <div class="tab-body" role="tabpanel" aria-label=move || ui.tab.get().word()>
                    {dynamic(tab)}
                </div>
            </section>
            <LogPane />
            <ChangePanel />
        </div>
    }
}

impl Tab {
    /// All, with the key that opens each.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Rain, "1"),
        (Self::Matrix, "2"),
        (Self::Diagram, "3"),
        (Self::WhatIf, "4"),
    ];

    /// Its title.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rain => "Rain",
            Self::Matrix => "Matrix",
            Self::Diagram => "Diagram",
            Self::WhatIf => "What if",
        }
    }
}

#[component]
fn MainTabs() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let move_tab = move |event: leptos::ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => Tab::ALL.len() - 1,
            _ => return,
        };
        event.prevent_default();
        let now = ui.tab.get_untracked();
        let at = Tab::ALL
            .iter()
            .position(|(tab, _)| *tab == now)
            .unwrap_or(0);
        let next = (at + by) % Tab::ALL.len();
        ui.tab.set(Tab::ALL[next].0);
        crate::browser::focus(&format!("tab-{next}"));
    };
    let tabs = Tab::ALL.into_iter().enumerate().map(|(at, (tab, key))| {
        view! {
            <button
                id=format!("tab-{at}")
                class="chip"
                type="button"
                role="tab"
                title=format!("{} ({key})", tab.word())
                aria-selected=move || (ui.tab.get() == tab).to_string()
                tabindex=move || if ui.tab.get() == tab { "0" } else { "-1" }
                on:click=move |_| ui.tab.set(tab)
            >
                {tab.word()}
            </button>
        }
    });
    view! {
        <div class="column-head">
            <div class="tab-list" role="tablist" aria-label="History and relations" on:keydown=move_tab>
                {tabs.collect_view()}
            </div>
            <span class="grow"></span>
            <FiltersButton />
        </div>
    }
}
