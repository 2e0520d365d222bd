//! One side of a comparison: what it is, and a panel in which another is chosen: a machine of what is live, of a recording
//! or of a file, a link, a bookmark.

use crate::ui::prelude::*;
use leptos::html::Details;
use web_sys::HtmlInputElement;

use super::{dynamic, name};
use crate::browser::{self, files::Picked};
use crate::comparing::{About, Chosen, Comparing, Source};
use crate::model::{MomentLink, Shown};
use crate::sharing::Sharing;
use crate::store::Store;
use crate::store::time::WINDOWS;
use crate::words::{self, compare as say};

/// A or B.
#[component]
pub fn ComparePicker(side: usize) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let store = expect_context::<Store>();
    let letter = say::SIDES[side];
    let menu = NodeRef::<Details>::new();
    let about = move || match comparing.about(side) {
        Some(about) => facts(store, &about).into_any(),
        None => view! { <span>{say::NOTHING_CHOSEN}</span> }.into_any(),
    };
    view! {
        <details class="compare-side" node_ref=menu data-side=letter>
            <summary>
                <span class="tag">{letter}</span>
                <span class="compare-about">{dynamic(about)}</span>
                <span class="chip">"Choose"</span>
            </summary>
            <div class="compare-panel" role="group" aria-label=format!("Choose {letter}")>
                <Machines side menu />
                <Link side menu />
                <Marks side menu />
                <File side menu />
                <Width side />
            </div>
        </details>
    }
}

fn facts(store: Store, about: &About) -> impl IntoView + use<> {
    let span = about
        .span
        .map(|span| say::span(span, store.wall.get(), browser::now()));
    let said = match &about.source {
        Some(source) => [Some(source.clone()), span, about.level.map(str::to_owned)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
        None => say::NOT_HERE.to_owned(),
    };
    view! {
        <b>{name(&about.name)}</b>
        " "
        <span>{said}</span>
    }
}

/// Chooses and closes the panel.
fn choose(comparing: Comparing, side: usize, chosen: Chosen, menu: NodeRef<Details>) {
    comparing.choose(side, chosen);
    if let Some(menu) = menu.get_untracked() {
        menu.set_open(false);
    }
}

#[component]
fn Machines(side: usize, menu: NodeRef<Details>) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let store = expect_context::<Store>();
    let typed = RwSignal::new(String::new());
    let from = RwSignal::new(None::<Source>);
    let source = move || {
        let chosen = comparing.sides.with(|sides| sides[side].as_ref()?.source);
        let shown = store.recording.with(Option::is_some);
        let first = if shown { Source::Shown } else { Source::Live };
        from.get().or(chosen).unwrap_or(first)
    };
    let sources = move || {
        let options = comparing
            .sources()
            .into_iter()
            .enumerate()
            .map(|(at, (it, called))| {
                view! {
                    <option value=at.to_string() selected=move || source() == it>
                        {Shown::new(&called).plain()}
                    </option>
                }
            });
        options.collect_view()
    };
    let list = move || {
        // Machines come and go.
        store.clock.track();
        comparing.drawn.track();
        let source = source();
        let found = comparing.machines(source, &typed.get());
        let items = found.into_iter().filter_map(move |link| {
            let machine = link.machine.as_ref()?;
            let (id, owner) = (Shown::new(&machine.id), Shown::new(&machine.owner));
            let chosen = Chosen {
                source: Some(source),
                link,
            };
            Some(view! {
                <li>
                    <button type="button" on:click=move |_| choose(comparing, side, chosen.clone(), menu)>
                        {name(&id)} <small>"@" {name(&owner)}</small>
                    </button>
                </li>
            })
        });
        items.collect_view()
    };
    let pick = move |event| {
        let at = event_target_value(&event).parse::<usize>().ok();
        let source = at.and_then(|at| comparing.sources().into_iter().nth(at));
        from.set(source.map(|(source, _)| source));
    };
    view! {
        <div class="line">
            <select aria-label="From" on:change=pick>
                {dynamic(sources)}
            </select>
            <input type="search" placeholder="Machine" aria-label="Machine" on:input=move |event| typed.set(event_target_value(&event)) />
        </div>
        <ul class="compare-list" aria-label="Machines">
            {dynamic(list)}
        </ul>
    }
}

#[component]
fn Link(side: usize, menu: NodeRef<Details>) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let sharing = expect_context::<Sharing>();
    let paste = move |event| {
        let text = event_target_value(&event);
        let link = MomentLink::of_text(&text).filter(|link| link.machine.is_some());
        match link {
            Some(link) => choose(comparing, side, Chosen::of(link), menu),
            None if text.trim().is_empty() => {}
            None => sharing.refuse(say::NO_LINK),
        }
    };
    view! {
        <input type="text" placeholder="Or paste a link" aria-label="Link" autocomplete="off" spellcheck="false" on:change=paste />
    }
}

#[component]
fn Marks(side: usize, menu: NodeRef<Details>) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let sharing = expect_context::<Sharing>();
    let all = move || {
        let mut all = sharing.bookmarks.get();
        all.extend(sharing.of_recording.get());
        all.retain(|mark| mark.link.machine.is_some());
        all
    };
    let pick = move |event| {
        let at = event_target_value(&event).parse::<usize>().ok();
        let mark = at.and_then(|at| all().into_iter().nth(at));
        if let Some(mark) = mark {
            choose(comparing, side, Chosen::of(mark.link), menu);
        }
    };
    let marks = move || {
        let all = all();
        (!all.is_empty()).then(|| {
            let options = all.into_iter().enumerate().map(|(at, mark)| {
                view! { <option value=at.to_string()>{Shown::new(&mark.name).plain()}</option> }
            });
            view! {
                <select aria-label="Bookmark" on:change=pick>
                    <option value="">"Or a bookmark"</option>
                    {options.collect_view()}
                </select>
            }
        })
    };
    dynamic(marks)
}

#[component]
fn File(side: usize, menu: NodeRef<Details>) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let open = move |event| {
        let field: HtmlInputElement = event_target(&event);
        if let Some(file) = Picked::of(&field) {
            comparing.read_file(side, file);
        }
        field.set_value("");
    };
    // Which machine of it is meant is still to be said, unless there is but one.
    let _ = Effect::new(move |_| {
        let is_chosen = comparing.sides.with(|sides| {
            let side = sides[side].as_ref();
            side.is_some_and(|it| it.link.machine.is_some())
        });
        if let Some(menu) = menu.get_untracked().filter(|_| is_chosen) {
            menu.set_open(false);
        }
    });
    view! {
        <label class="line">
            <span>"Or a recording"</span>
            <input type="file" accept=".smesh" aria-label="Recording to compare" on:change=open />
        </label>
    }
}

/// How much before the moment is compared.
#[component]
fn Width(side: usize) -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let width = move || {
        comparing
            .sides
            .with(|sides| sides[side].as_ref()?.link.window.flatten())
    };
    let options = WINDOWS.map(|ms| {
        view! {
            <option value=ms.to_string() selected=move || width() == Some(ms)>
                {format!("The last {}", words::window(Some(ms)))}
            </option>
        }
    });
    let pick = move |event| {
        let ms = event_target_value(&event).parse::<u64>().ok();
        let chosen = comparing.sides.with_untracked(|sides| sides[side].clone());
        if let Some(mut chosen) = chosen {
            chosen.link.window = ms.map(Some);
            comparing.choose(side, chosen);
        }
    };
    view! {
        <select aria-label="How much of it" on:change=pick>
            <option value="" selected=move || width().is_none()>
                "The whole run"
            </option>
            {options.into_iter().collect_view()}
        </select>
    }
}
