//! Machine: all machines beside one of them, its states, its history, and the change at the cursor.

use crate::ui::prelude::*;

use crate::components::{
    MachineFacts, MachineList, MachinePanes, MachineUi, dynamic, listen_here, name,
};
use crate::derived::Derived;
use crate::model::{MachineRef, MachineScreen, MachineView, Shown};
use crate::router::Router;
use crate::store::Store;
use crate::words;

/// `/m#id=<machine>@<short peer>`; without an id the last one seen, else the first that needs attention.
#[component]
pub fn MachinePage() -> impl IntoView {
    let store = expect_context::<Store>();
    let fragment = expect_context::<Router>().fragment;
    let wanted = Derived::new(move || fragment.with(|fragment| MachineRef::parse(fragment)));
    Effect::new(move |_| store.want(wanted.get()));
    on_cleanup(move || store.want_none());
    let not_live = Memo::new(move |_| store.connection.with(|connection| connection.is_stale()));
    let is_machine = Memo::new(move |_| {
        store
            .screen
            .with(|screen| matches!(screen, MachineScreen::Machine(_)))
    });
    let shown = move || {
        if is_machine.get() {
            view! { <Machine /> }.into_any()
        } else {
            view! { <NoMachine /> }.into_any()
        }
    };
    view! {
        <div
            class="machine-page"
            class:not-live=not_live
            class:chosen=move || wanted.with(Option::is_some)
        >
            <MachineList />
            <article class="machine-view">
                {dynamic(shown)}
            </article>
        </div>
    }
}

#[component]
fn Machine() -> impl IntoView {
    let store = expect_context::<Store>();
    let head = part(store, |view| Some(view.head.clone()));
    let states = part(store, |view| view.states.clone());
    let key = Derived::new(move || head.with(|head| head.as_ref().map(|head| head.key)));
    let mark = Memo::new(move |_| head.with(|head| head.as_ref().map(|head| head.mark.clone())));
    let ui = MachineUi::new(store, key);
    provide_context(ui);
    listen_here(store, ui);
    let count = Memo::new(move |_| states.with(Vec::len));
    view! {
        <MachineFacts head states=count />
        <div class="machine-body" data-shown=mark>
            <MachinePanes states />
        </div>
    }
}

/// One part of the shown machine, which repaints only when it changes.
fn part<T: Default + PartialEq + Send + Sync + 'static>(
    store: Store,
    read: fn(&MachineView) -> T,
) -> Derived<T> {
    Derived::new(move || {
        store.screen.with(|screen| match screen {
            MachineScreen::Machine(view) => read(view),
            MachineScreen::Nothing | MachineScreen::Unknown { .. } => T::default(),
        })
    })
}

#[component]
fn NoMachine() -> impl IntoView {
    let store = expect_context::<Store>();
    let absent = Memo::new(move |_| {
        let now = store.clock.get();
        store
            .connection
            .with(|connection| words::no_machine(connection, now))
    });
    dynamic(move || match (store.screen.get(), absent.get()) {
        (MachineScreen::Unknown { id, similar }, words::EMPTY) => unknown(&id, &similar).into_any(),
        (_, words) => view! { <p class="nothing">{words}</p> }.into_any(),
    })
}

fn unknown(id: &Shown, similar: &[(Shown, String)]) -> impl IntoView + use<> {
    let links = similar
        .iter()
        .map(|(shown, href)| view! { <a href=href.clone()>{name(shown)}</a> " " })
        .collect_view();
    view! {
        <p class="nothing">
            "No machine " <code>{name(id)}</code> {words::unknown_machine(!similar.is_empty())}
            {links}
        </p>
    }
}
