//! The menu of the machine shown: its text, pinned, hidden. And the sentence that undoes hiding.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Details;
use leptos::wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::dynamic::dynamic;
use super::icon;
use crate::browser;
use crate::sharing::Sharing;
use crate::shelving::Shelving;
use crate::store::Store;
use crate::store::shelf::Form;
use crate::words;

/// A button that opens it.
#[component]
pub fn MachineMenu() -> impl IntoView {
    let store = expect_context::<Store>();
    let sharing = expect_context::<Sharing>();
    let shelving = expect_context::<Shelving>();
    let menu = NodeRef::<Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
            if let Ok(Some(summary)) = menu.query_selector("summary") {
                let _ = summary.unchecked_into::<HtmlElement>().focus();
            }
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            close();
        }
    };
    let copy = move |form: Form| {
        close();
        let Some(text) = store.machine_text(form) else {
            return;
        };
        spawn_local(async move {
            if browser::copy(&text).await {
                sharing.say(words::COPIED);
            } else {
                sharing.refuse_with(words::NOT_COPIED, text);
            }
        });
    };
    let forms = [
        (Form::Active, "String"),
        (Form::All, "StringAll"),
        (Form::Inspect, "Inspect"),
        (Form::Time, "Time"),
    ];
    let copies = forms.map(|(form, word)| {
        view! {
            <button class="button small" type="button" on:click=move |_| copy(form)>
                {word}
            </button>
        }
    });
    view! {
        <details class="record machine-menu" node_ref=menu on:keydown=on_key>
            <summary class="button plain small square" aria-label="Machine menu" title="Copy as text, pin, hide">
                {icon("i-down")}
            </summary>
            <div class="popover" role="group" aria-label="Machine menu">
                <h2>"Copy as text"</h2>
                <div class="line">{copies.into_iter().collect_view()}</div>
                <h2>"In the lists"</h2>
                <div class="line">
                    <button class="button small" type="button" title="Pin (p)" on:click=move |_| { close(); shelving.pin(sharing); }>
                        "Pin or let go"
                    </button>
                    <button class="button small" type="button" title="Hide (Backspace)" on:click=move |_| { close(); shelving.hide(sharing); }>
                        "Hide"
                    </button>
                </div>
            </div>
        </details>
    }
}

/// Says what was hidden, while that can be undone.
#[component]
pub fn HiddenBar() -> impl IntoView {
    let shelving = expect_context::<Shelving>();
    let bar = move || {
        shelving.undo.get().map(|(machine, name)| {
            view! {
                <div class="bar said good">
                    <p>{words::shelf::hidden(&name)}</p>
                    <span class="grow"></span>
                    <button class="button small" type="button" on:click=move |_| shelving.show(&machine)>
                        "Undo"
                    </button>
                </div>
            }
        })
    };
    view! { <div role="status">{dynamic(bar)}</div> }
}

/// In the settings: how many are hidden, and all of them back.
#[component]
pub fn HiddenCount() -> impl IntoView {
    let shelving = expect_context::<Shelving>();
    let count = Memo::new(move |_| shelving.shelf.with(|shelf| shelf.hidden.len()));
    let line = move || {
        (count.get() > 0).then(|| {
            view! {
                <p>
                    {words::shelf::hidden_count(count.get())} ". "
                    <button class="button small" type="button" on:click=move |_| shelving.show_all()>
                        "Show all"
                    </button>
                </p>
            }
        })
    };
    dynamic(line)
}
