//! Compare: two moments, runs or machines beside each other, and where they part.

use crate::ui::prelude::*;

use crate::comparing::Comparing;
use crate::components::{ComparePicker, CompareStates, CompareTable, dynamic, sentence};
use crate::model::Route;
use crate::router::Router;
use crate::store::Store;
use crate::words::compare as say;

/// `/compare#<A>&cmp=<B>`.
#[component]
pub fn ComparePage() -> impl IntoView {
    let store = expect_context::<Store>();
    let router = expect_context::<Router>();
    let comparing = expect_context::<Comparing>();
    Effect::new(move |_| router.fragment.with(|fragment| comparing.arrive(fragment)));
    Effect::new(move |_| {
        let fragment = comparing.fragment();
        if router.fragment.with_untracked(|now| *now != fragment)
            && router.route.get_untracked() == Route::Compare
        {
            router.correct(&format!("{}{fragment}", Route::Compare.path()));
        }
    });
    Effect::new(move |_| {
        store.clock.track();
        comparing.try_again();
    });
    let notes = move || {
        let wall = store.wall.get();
        let told = [0, 1].map(|side| {
            let told = comparing.told(side);
            told.map(|told| format!("{}: {told}.", say::SIDES[side]))
        });
        let notes = comparing.with(|comparison, _| say::notes(comparison, wall));
        let notes = notes.unwrap_or_default();
        if notes.is_empty() && told.iter().all(Option::is_none) {
            return None;
        }
        let all = told.into_iter().flatten().chain(notes);
        let all = all.map(|note| view! { <li>{note}</li> });
        Some(view! { <ul class="compare-notes">{all.collect_view()}</ul> })
    };
    view! {
        <div class="compare-page">
            <header class="compare-head">
                <h1>{dynamic(move || headline(store, comparing))}</h1>
                <span class="grow"></span>
                {dynamic(move || buttons(store, comparing))}
            </header>
            {dynamic(notes)}
            <div class="compare-sides">
                <ComparePicker side=0 />
                <div class="compare-how">{dynamic(move || aligned(comparing))} <Alignments /></div>
                <ComparePicker side=1 />
            </div>
            <CompareTable />
            <CompareStates />
        </div>
    }
}

fn headline(store: Store, comparing: Comparing) -> AnyView {
    if let Some(percent) = comparing.progress.get() {
        return say::aligning(percent).into_any();
    }
    let wall = store.wall.get();
    if let Some(line) = comparing.with(|comparison, _| say::headline(comparison, wall)) {
        return sentence(&line).into_any();
    }
    let chosen = comparing.sides.with(|sides| {
        let has = |side: usize| {
            sides[side]
                .as_ref()
                .is_some_and(|it| it.link.machine.is_some())
        };
        [has(0), has(1)]
    });
    match chosen {
        [true, false] => say::CHOOSE_OTHER[1],
        [false, true] => say::CHOOSE_OTHER[0],
        [true, true] | [false, false] => say::CHOOSE,
    }
    .into_any()
}

fn buttons(store: Store, comparing: Comparing) -> AnyView {
    if comparing.progress.get().is_some() {
        return view! {
            <button class="button small" type="button" on:click=move |_| comparing.cancel()>
                "Cancel"
            </button>
        }
        .into_any();
    }
    let since = move || {
        store.clock.track();
        let since = comparing.since();
        (since > 0).then(|| {
            view! {
                <button class="button small" type="button" on:click=move |_| comparing.start()>
                    {say::again(since)}
                </button>
            }
        })
    };
    let has_first = comparing.first_line().is_some();
    let is_chosen = comparing
        .sides
        .with(|sides| sides.iter().any(Option::is_some));
    view! {
        {dynamic(since)}
        {is_chosen
            .then(|| {
                view! {
                    <button class="button small" type="button" on:click=move |_| comparing.swap()>
                        "Swap"
                    </button>
                }
            })}
        {has_first
            .then(|| {
                view! {
                    <button class="button primary small" type="button" on:click=move |_| comparing.go_first()>
                        "Go to first difference"
                    </button>
                }
            })}
    }
    .into_any()
}

fn aligned(comparing: Comparing) -> Option<AnyView> {
    if comparing.hand.get().is_some() {
        return Some(view! { <p>{say::BY_HAND}</p> }.into_any());
    }
    let line = comparing.with(|comparison, _| say::aligned(comparison))?;
    Some(view! { <p>{sentence(&line)}</p> }.into_any())
}

/// How both sides are aligned.
#[component]
fn Alignments() -> impl IntoView {
    use crate::model::compare::Alignment;
    let comparing = expect_context::<Comparing>();
    let value = move || {
        if comparing.hand.get().is_some() {
            return "hand";
        }
        match comparing.alignment.get() {
            Alignment::Anchor => "anchor",
            Alignment::MachineTime => "time",
            Alignment::Start => "start",
            Alignment::Hand(..) => "hand",
        }
    };
    let options = [
        ("anchor", "First in common"),
        ("time", "Machine time"),
        ("start", "Start"),
        ("hand", "By hand"),
    ]
    .map(|(key, word)| {
        view! {
            <option value=key selected=move || value() == key>
                {word}
            </option>
        }
    });
    let choose = move |event| match event_target_value(&event).as_str() {
        "hand" => comparing.hand.set(Some([None, None])),
        "time" => comparing.align(Alignment::MachineTime),
        "start" => comparing.align(Alignment::Start),
        _ => comparing.align(Alignment::Anchor),
    };
    view! {
        <select aria-label="Align by" prop:value=value on:change=choose>
            {options.into_iter().collect_view()}
        </select>
    }
}
