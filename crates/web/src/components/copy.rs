//! A button that copies, and a field to copy by hand from where the browser refuses.

use crate::ui::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::dynamic::dynamic;
use super::icon;
use crate::browser;
use crate::words;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Untried,
    Done,
    Denied,
}

/// Copies `text`; `label` says what that is.
#[component]
pub fn CopyButton(text: String, label: &'static str) -> impl IntoView {
    let outcome = RwSignal::new(Outcome::Untried);
    let shown = text.clone();
    let copy = move |_| {
        let text = text.clone();
        spawn_local(async move {
            let done = browser::copy(&text).await;
            outcome.set(if done { Outcome::Done } else { Outcome::Denied });
        });
    };
    let said = move || match outcome.get() {
        Outcome::Untried => ().into_any(),
        Outcome::Done => view! { <span class="outcome">{words::COPIED}</span> }.into_any(),
        Outcome::Denied => view! {
            <label class="outcome">
                {words::NOT_COPIED} <input type="text" readonly value=shown.clone() />
            </label>
        }
        .into_any(),
    };
    view! {
        <button class="button plain square small" type="button" aria-label=label title=label on:click=copy>
            {icon("i-copy")}
        </button>
        <span role="status">{dynamic(said)}</span>
    }
}
