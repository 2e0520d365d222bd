//! The search over everything, and the list of keys: dialogs above whatever view there is.

use crate::ui::prelude::*;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::dynamic::dynamic;
use super::filter_bar::legend;
use super::link_menu::LinkMenu;
use super::{icon, name};
use crate::model::{Action, Command, Hit};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::session::Session;
use crate::sharing::Sharing;
use crate::store::{Panel, Store};
use crate::words::overview as words;

/// The dialog; empty while it is closed.
#[component]
pub fn Panels() -> impl IntoView {
    let store = expect_context::<Store>();
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match store.panel.get() {
            // Fails only for a dialog that is open.
            Some(_) if !dialog.open() => drop(dialog.show_modal()),
            Some(_) => {}
            None => dialog.close(),
        }
    });
    let outside = move |event: MouseEvent| {
        let on_dialog = dialog
            .get_untracked()
            .is_some_and(|dialog| event.target().as_ref() == Some(dialog.as_ref()));
        if on_dialog {
            store.panel.set(None);
        }
    };
    let router = expect_context::<Router>();
    Effect::new(move |_| {
        if store.panel.get().is_some() && !router.is_whole.get_untracked() {
            spawn_local(async move {
                if !router.complete().await {
                    store.panel.set(None);
                }
            });
        }
    });
    let shown = move || store.panel.get().filter(|_| router.is_whole.get());
    let content = move || shown().map(|panel| content(panel, store));
    view! {
        <dialog
            class="panel"
            node_ref=dialog
            aria-label=move || store.panel.get().map(words::panel)
            on:close=move |_| store.panel.set(None)
            on:click=outside
        >
            {dynamic(content)}
        </dialog>
    }
}

/// A function of its own, because a first visit does without it.
#[inline(never)]
fn content(panel: Panel, store: Store) -> AnyView {
    match panel {
        Panel::Search => view! { <Search /> }.into_any(),
        Panel::Keys => keys(store).into_any(),
        Panel::Links => view! { <LinkMenu /> }.into_any(),
    }
}

#[component]
fn Search() -> impl IntoView {
    let store = expect_context::<Store>();
    let means = Means {
        store,
        router: expect_context(),
        preferences: expect_context(),
        sharing: expect_context(),
        session: expect_context(),
    };
    let typed = RwSignal::new(String::new());
    let hits = RwSignal::new(store.search(""));
    let chosen = RwSignal::new(0_usize);
    let said = RwSignal::new("");
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // It is in an open dialog.
            let _ = field.focus();
        }
    });
    let on_input = move |event| {
        let text = event_target_value(&event);
        let found = store.search(&text);
        said.set(if found.is_empty() {
            words::NOTHING_FOUND
        } else {
            ""
        });
        hits.set(found);
        chosen.set(0);
        typed.set(text);
    };
    let choose = move |at: usize| {
        if let Some(hit) = hits.with_untracked(|hits| hits.get(at).cloned()) {
            act(means, hit, said);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let last = hits.with_untracked(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1).min(last)),
            "ArrowUp" => chosen.update(|at| *at = at.saturating_sub(1)),
            "Enter" => choose(chosen.get_untracked()),
            _ => return,
        }
        event.prevent_default();
        let row = document().get_element_by_id(&option_id(chosen.get_untracked()));
        if let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
            row.scroll_into_view_with_bool(false);
        }
    };
    let options = move || {
        let option = |(at, hit): (usize, Hit)| {
            let place = hit.place.as_ref().map(name);
            view! {
                <li
                    id=option_id(at)
                    role="option"
                    aria-selected=move || (chosen.get() == at).to_string()
                    on:click=move |_| choose(at)
                >
                    <span class="label">{hit.kind}</span>
                    <b>{name(&hit.name)}</b>
                    <span class="on">{place}</span>
                </li>
            }
        };
        hits.get()
            .into_iter()
            .enumerate()
            .map(|(at, hit)| option((at, hit)))
            .collect_view()
    };
    view! {
        <div class="field">
            {icon("i-search")}
            <input
                type="text"
                role="combobox"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                placeholder=words::SEARCH_HINT
                aria-label="Search everything"
                aria-expanded="true"
                aria-controls="found"
                aria-activedescendant=move || option_id(chosen.get())
                node_ref=field
                prop:value=typed
                on:input=on_input
                on:keydown=on_key
            />
            <button class="button small" type="button" on:click=move |_| store.panel.set(None)>
                "Close"
            </button>
        </div>
        <ul id="found" role="listbox" aria-label="Found">
            {dynamic(options)}
        </ul>
        <p class="nothing" role="status" hidden=move || said.get().is_empty()>
            {said}
        </p>
    }
}

fn option_id(at: usize) -> String {
    format!("found-{at}")
}

/// What commands need.
#[derive(Clone, Copy)]
struct Means {
    store: Store,
    router: Router,
    preferences: Preferences,
    sharing: Sharing,
    session: Session,
}

/// Does what was chosen.
fn act(means: Means, hit: Hit, said: RwSignal<&'static str>) {
    let Means {
        store,
        router,
        preferences,
        sharing,
        session,
    } = means;
    match hit.action {
        Action::Open(href) => router.open(&href),
        Action::Seek(at) => store.seek(at),
        Action::Moment(machine, time) => match store.find_moment(&machine, time) {
            Some(href) => router.open(&href),
            None => return said.set(words::NO_HISTORY),
        },
        Action::Do(Command::Keys) => return store.panel.set(Some(Panel::Keys)),
        Action::Do(Command::Live) => store.live(),
        Action::Do(Command::Theme) => preferences.next_theme(),
        Action::Do(Command::ClearFilter) => store.filter_fleet(""),
        Action::Do(Command::CopyLink) => sharing.copy_link(),
        Action::Do(Command::Sample) => session.toggle_sample(),
        Action::Do(Command::Links) => return store.panel.set(Some(Panel::Links)),
    }
    store.panel.set(None);
}

fn keys(store: Store) -> impl IntoView {
    let rows = words::KEYS.iter().map(|&(key, does)| {
        view! {
            <dt>
                <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
        }
    });
    view! {
        <div class="column-head">
            <h2>"Keys and legend"</h2>
            <button class="button small" type="button" on:click=move |_| store.panel.set(None)>
                "Close"
            </button>
        </div>
        <dl class="keys-list">{rows.collect_view()}</dl>
        {legend()}
    }
}
