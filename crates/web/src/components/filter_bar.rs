//! Above the fleet: which machines, together with what, in which order, as rows or as squares, and what marks mean.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::dynamic::dynamic;
use super::icon;
use crate::model::{Grouping, Sorting};
use crate::store::Store;
use crate::words::overview as words;

/// The bar.
#[component]
pub fn FilterBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let bar = store.fleet;
    let typed = move |event| store.filter_fleet(&event_target_value(&event));
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            store.filter_fleet("");
            focus("#main");
        }
    };
    let wrong = Memo::new(move |_| bar.error.with(Option::is_some).then_some("true"));
    let count = Memo::new(move |_| {
        bar.list
            .with(|list| words::shown_of(list.shown, list.total))
    });
    view! {
        <search class="filter-bar" aria-label="Machines">
            <span class="field">
                {icon("i-search")}
                <input
                    id=FIELD
                    type="text"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    placeholder=words::FILTER_HINT
                    aria-label="Filter machines"
                    aria-describedby="filter-error"
                    aria-invalid=wrong
                    prop:value=bar.text
                    on:input=typed
                    on:keydown=on_key
                />
            </span>
            <Selects />
            <p id="filter-error" class="filter-error" role="status">
                {bar.error}
            </p>
            {legend()}
            <span class="shown">{count}</span>
            <Looks />
        </search>
    }
}

#[component]
fn Selects() -> impl IntoView {
    let store = expect_context::<Store>();
    let bar = store.fleet;
    let tags = Memo::new(move |_| bar.list.with(|list| list.tags.clone()));
    let group = move |event| {
        let value = event_target_value(&event);
        store.group_fleet(match value.as_str() {
            "host" => Grouping::Host,
            "parent" => Grouping::Parent,
            "health" => Grouping::Health,
            "none" => Grouping::None,
            tag => Grouping::Tag(tag.trim_start_matches("tag:").to_owned()),
        });
    };
    let sort = move |event| {
        let value: usize = event_target_value(&event).parse().unwrap_or_default();
        store.sort_fleet(Sorting::ALL.get(value).copied().unwrap_or_default());
    };
    let is_grouped = move |grouping: Grouping| bar.grouping.with(|now| *now == grouping);
    let groups = [
        ("host", Grouping::Host),
        ("parent", Grouping::Parent),
        ("health", Grouping::Health),
        ("none", Grouping::None),
    ];
    let groups = groups.map(|(word, grouping)| {
        view! {
            <option value=word selected=move || is_grouped(grouping.clone())>
                {word}
            </option>
        }
    });
    let by_tag = move || {
        let tags = tags.get().into_iter();
        tags.map(|tag| {
            let value = format!("tag:{tag}");
            let word = value.clone();
            view! {
                <option value=value selected=move || is_grouped(Grouping::Tag(tag.clone()))>
                    {word}
                </option>
            }
        })
        .collect_view()
    };
    let sorts = (0..).zip(Sorting::ALL).map(|(at, sorting): (usize, _)| {
        view! {
            <option value=at.to_string() selected=move || bar.sorting.get() == sorting>
                {words::sorting(sorting)}
            </option>
        }
    });
    view! {
        <label>
            <span>"Group"</span>
            <select aria-label="Group machines by" on:change=group>
                {groups.collect_view()}
                {dynamic(by_tag)}
            </select>
        </label>
        <label>
            <span>"Sort"</span>
            <select aria-label="Sort machines by" on:change=sort>
                {sorts.collect_view()}
            </select>
        </label>
    }
}

#[component]
fn Looks() -> impl IntoView {
    let tiles = expect_context::<Store>().fleet.tiles;
    let button = move |word: &'static str, is_tiles: bool| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (tiles.get() == is_tiles).to_string()
                on:click=move |_| tiles.set(is_tiles)
            >
                {word}
            </button>
        }
    };
    view! { <span class="looks">{button("Lanes", false)} {button("Tiles", true)}</span> }
}

/// What the marks of lanes mean.
pub fn legend() -> impl IntoView {
    let marks = LEGEND.map(|(shape, word)| {
        view! {
            <li>
                <svg class=shape aria-hidden="true">
                    <use href=format!("#{shape}") />
                </svg>
                {word}
            </li>
        }
    });
    view! {
        <ul class="legend" aria-label="Marks in lanes">
            {marks.collect_view()}
        </ul>
    }
}

/// Nothing passes the filter.
pub fn no_match(store: Store) -> impl IntoView {
    let text = move || store.fleet.text.with(|text| text.trim().to_owned());
    view! {
        <p class="nothing" role="status">
            "No machine matches " <code>{text}</code> ". "
            <button class="link" type="button" on:click=move |_| store.filter_fleet("")>
                "Clear filter"
            </button>
        </p>
    }
}

/// The cursor goes into the filter.
pub fn focus_filter() -> bool {
    focus("#machine-filter")
}

fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let found = found.and_then(|field| field.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|field| field.focus().is_ok())
}

const FIELD: &str = "machine-filter";
/// Shapes of the sprite.
const LEGEND: [(&str, &str); 7] = [
    ("l-change", "change"),
    ("l-cancel", "canceled"),
    ("l-error", "error"),
    ("l-notready", "not ready"),
    ("l-quiet", "quiet"),
    ("l-between", "between snapshots"),
    ("l-hatch", "not known"),
];
