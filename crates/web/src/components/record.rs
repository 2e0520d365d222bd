//! The menu of the dock: what was seen as a file, and a file as what was seen.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Details;
use leptos::wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};

use super::bookmarks::Bookmarks;
use super::{dynamic, icon};
use crate::browser::files::Picked;
use crate::keeping::Keeping;
use crate::sharing::Sharing;
use crate::store::recording::Part;
use crate::words;

/// A button that opens a panel above it.
#[component]
pub fn RecordMenu() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    let menu = NodeRef::<Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
            // Its button keeps the focus.
            if let Ok(Some(summary)) = menu.query_selector("summary") {
                let _ = summary.unchecked_into::<HtmlElement>().focus();
            }
        }
    };
    // A key opens it, too.
    Effect::new(move |_| {
        if sharing.lists.get() > 0
            && let Some(menu) = menu.get_untracked()
        {
            menu.set_open(true);
            let first = menu.query_selector(".bookmarks a, .bookmarks + *, button");
            if let Ok(Some(first)) = first {
                let _ = first.unchecked_into::<HtmlElement>().focus();
            }
        }
    });
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            close();
        }
    };
    let save = move |_| {
        sharing.save();
        close();
    };
    view! {
        <details class="record" node_ref=menu on:keydown=on_key>
            <summary class="button plain small" title="Recordings and bookmarks">
                {icon("i-record")}
                <span>"Recording"</span>
            </summary>
            <div class="popover" role="group" aria-label="Recording">
                <h2>"Save what was seen"</h2>
                <div class="line">
                    <Parts />
                    <button class="button primary small" type="button" title="Save (Ctrl S)" on:click=save>
                        "Save"
                    </button>
                </div>
                <label>
                    <input type="checkbox" prop:checked=sharing.with_words on:change=move |event| sharing.with_words.set(event_target_checked(&event)) />
                    "With log lines, arguments and reasons"
                </label>
                <SaveShown />
                <h2>"Open a recording"</h2>
                <OpenFile />
                <Keep />
                <Bookmarks />
            </div>
        </details>
    }
}

/// The view that is open, as a table, a text or a picture.
#[component]
fn SaveShown() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    view! {
        <h2>"Save what is shown"</h2>
        <div class="line">
            <button class="button small" type="button" on:click=move |_| sharing.save_table(false)>
                "CSV"
            </button>
            <button class="button small" type="button" on:click=move |_| sharing.save_table(true)>
                "JSON lines"
            </button>
            <button class="button small" type="button" title="This view as text (Ctrl Shift S)" on:click=move |_| sharing.save_text()>
                "Text"
            </button>
            <button class="button small" type="button" title="Lanes of the Overview as PNG" on:click=move |_| sharing.save_lanes()>
                "Lanes"
            </button>
        </div>
    }
}

/// Recording to this browser: a switch, and a way to be rid of it.
#[component]
fn Keep() -> impl IntoView {
    let keeping = expect_context::<Keeping>();
    let sharing = expect_context::<Sharing>();
    let size = move || words::recording::kept(keeping.size.get());
    view! {
        <h2>"Keep what is seen in this browser"</h2>
        <label>
            <input type="checkbox" role="switch" prop:checked=keeping.is_on on:change=move |event| keeping.turn(event_target_checked(&event), sharing) />
            "Record to this browser"
        </label>
        <div class="line">
            <p>{dynamic(size)}</p>
            <span class="grow"></span>
            <button class="button small" type="button" on:click=move |_| keeping.delete(sharing)>
                "Delete now"
            </button>
        </div>
    }
}

/// A field that opens a recording.
#[component]
pub fn OpenFile() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    let open = move |event| {
        let field: HtmlInputElement = event_target(&event);
        if let Some(file) = Picked::of(&field) {
            sharing.open(file);
        }
        // The same file again is a change, too.
        field.set_value("");
    };
    view! {
        <label class="line">
            <input type="file" accept=".smesh" aria-label="Recording to open" on:change=open />
        </label>
        <p>"Or drop a file anywhere on this page."</p>
    }
}

#[component]
fn Parts() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    let options = PARTS.map(|(part, value, word)| {
        view! {
            <option value=value selected=move || sharing.part.get() == part>
                {word}
            </option>
        }
    });
    let choose = move |event| {
        let value = event_target_value(&event);
        let chosen = PARTS.iter().find(|(_, it, _)| *it == value);
        sharing
            .part
            .set(chosen.map_or(Part::All, |(part, _, _)| *part));
    };
    view! {
        <select aria-label="What to save" on:change=choose>
            {options.into_iter().collect_view()}
        </select>
    }
}

const PARTS: [(Part, &str, &str); 3] = [
    (Part::All, "all", "Everything"),
    (Part::Machines, "machines", "Machines shown"),
    (Part::Window, "window", "The window of the lanes"),
];
