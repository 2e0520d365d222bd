//! What a screen reader is told unasked, and the way past the top bar.

use crate::ui::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::store::Store;

/// Verdict changes, politely, at most one in five seconds. A lost connection is the bar's own alert.
#[component]
pub fn LiveRegion() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <p class="vh" role="status" aria-live="polite">
            {store.announcement}
        </p>
    }
}

/// Moves the focus to the content. A button, because fragments name machines here.
#[component]
pub fn SkipButton() -> impl IntoView {
    let skip = |_| {
        let main = document().get_element_by_id("main");
        if let Some(main) = main.and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
            // It is there and takes focus: tabindex is -1.
            let _ = main.focus();
        }
    };
    view! {
        <button class="skip button" type="button" on:click=skip>
            "Skip to content"
        </button>
    }
}
