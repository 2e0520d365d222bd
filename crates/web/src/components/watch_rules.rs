//! Watch rules in the settings: a list to edit, and who is told.

use crate::ui::prelude::*;
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use wasm_bindgen_futures::spawn_local;

use super::dynamic::{RowKey, dynamic, rows};
use crate::browser;
use crate::model::Settings;
use crate::preferences::Preferences;
use crate::watching::Watching;
use crate::words::watch as words;

/// The section.
#[component]
pub fn WatchRules() -> impl IntoView {
    let watching = expect_context::<Watching>();
    let problem = RwSignal::new(None::<String>);
    let field = NodeRef::<Input>::new();
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(input) = field.get_untracked() {
            let added = watching.add(&input.value());
            if added.is_ok() {
                input.set_value("");
            }
            problem.set(added.err());
        }
    };
    let said = move || {
        let kept = watching.problem.get().map(str::to_owned);
        let said = problem.get().or(kept)?;
        Some(view! { <p class="problem" role="alert">{said}</p> })
    };
    let is_empty = Memo::new(move |_| watching.rules.with(Vec::is_empty));
    let none = move || is_empty.get().then(|| view! { <p>{words::NONE}</p> });
    let items = move || (0..watching.rules.with(Vec::len)).collect::<Vec<_>>();
    let preferences = expect_context::<Preferences>();
    let badge = move |on: bool| preferences.change(|settings| settings.has_badge = on);
    // The browser is asked once, when somebody wants it.
    let notify = move |on: bool| {
        preferences.change(|settings| settings.notifies = on);
        if on {
            spawn_local(async move {
                if !browser::may_notify().await {
                    preferences.change(|settings| settings.notifies = false);
                    problem.set(Some(words::NO_PERMISSION.to_owned()));
                }
            });
        }
    };
    view! {
        <section class="watch">
            <h2>{words::TITLE}</h2>
            <p class="aside">{words::NOTE}</p>
            {dynamic(none)}
            <ul>
                {rows(items, |at| RowKey::Numbered(None, *at as u64), move |at| rule(watching, problem, at))}
            </ul>
            <form class="line" on:submit=add novalidate>
                <input type="text" aria-label="New rule" placeholder="Ready off > 5 s" autocomplete="off" spellcheck="false" node_ref=field />
                <button class="button small" type="submit">
                    "Add"
                </button>
            </form>
            {dynamic(said)}
            {switch("Count in the title of the page", |settings| settings.has_badge, badge)}
            {switch("Notify by the system", |settings| settings.notifies, notify)}
        </section>
    }
}

fn rule(watching: Watching, problem: RwSignal<Option<String>>, at: usize) -> AnyView {
    let text = move || {
        watching
            .rules
            .with(|rules| rules.get(at).cloned().unwrap_or_default())
    };
    let change = move |event| {
        let changed = watching.change(at, &event_target_value(&event));
        problem.set(changed.err());
    };
    view! {
        <li class="line">
            <input type="text" aria-label="Rule" spellcheck="false" prop:value=text on:change=change />
            <button class="button plain small" type="button" on:click=move |_| watching.delete(at)>
                "Delete"
            </button>
        </li>
    }
    .into_any()
}

fn switch(
    label: &'static str,
    read: fn(&Settings) -> bool,
    turn: impl Fn(bool) + 'static,
) -> AnyView {
    let preferences = expect_context::<Preferences>();
    let is_on = Memo::new(move |_| preferences.settings.with(read));
    let change = move |event| turn(event_target_checked(&event));
    view! {
        <label>
            <input type="checkbox" role="switch" prop:checked=is_on on:change=change />
            <span>{label}</span>
        </label>
    }
    .into_any()
}
