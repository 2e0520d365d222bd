//! The verdict: one sentence, the next, and how many machines are how.

use leptos::prelude::*;

use super::{Failures, health_glyph, sentence};
use crate::model::{Health, Phase};
use crate::store::Store;
use crate::words;

/// Headline, second line, counts. A count is a filter of the list below.
#[component]
pub fn VerdictBanner(filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let headline = Memo::new(move |_| store.verdict.with(|verdict| verdict.headline.clone()));
    let detail = Memo::new(move |_| store.verdict.with(|verdict| verdict.detail.clone()));
    let unreached = Memo::new(move |_| {
        store
            .connection
            .with(|connection| !connection.is_stale() && !connection.failures().is_empty())
    });
    let role = move || {
        let is_stopped = store
            .connection
            .with(|connection| matches!(connection.phase, Phase::Stopped(_)));
        (is_stopped || unreached.get()).then_some("alert")
    };
    view! {
        <div class="verdict-line">
            <div class="say" role=role>
                <h1>{move || headline.with(|line| sentence(line))}</h1>
                <p>{move || detail.with(|line| sentence(line))}</p>
            </div>
            <Counts filter />
        </div>
        <Failures />
        {move || unreached.get().then(|| view! {
            <p class="other">
                <a class="button small" href="/join">"Use another relay"</a>
            </p>
        })}
    }
}

#[component]
fn Counts(filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let counts = Memo::new(move |_| store.verdict.with(|verdict| verdict.counts.clone()));
    // A filter whose machines are gone would hide everything.
    Effect::new(move |_| {
        let chosen = filter.get();
        let there = counts.with(|counts| counts.iter().any(|(health, _)| Some(*health) == chosen));
        if chosen.is_some() && !there {
            filter.set(None);
        }
    });
    let segment = |(health, count): (Health, usize)| {
        let class = format!("part health-{}", health.mark());
        view! { <i class=class style:flex-grow=count.to_string()></i> }
    };
    let count = move |health: Health| {
        counts.with(|counts| {
            let found = counts.iter().find(|(other, _)| *other == health);
            found.map(|(_, count)| *count)
        })
    };
    let button = move |health: Health| {
        let toggle = move |_| {
            filter.update(|chosen| *chosen = (*chosen != Some(health)).then_some(health));
        };
        let pressed = move || (filter.get() == Some(health)).to_string();
        view! {
            <li>
                <button type="button" aria-pressed=pressed on:click=toggle data-count=health.mark()>
                    {health_glyph(health)}
                    <b>{move || count(health)}</b>
                    <span>{words::health(health)}</span>
                </button>
            </li>
        }
    };
    view! {
        <div class="counts">
            <div class="share" aria-hidden="true">
                {move || counts.get().into_iter().map(segment).collect_view()}
            </div>
            <ul aria-label="Machines by health">
                <For
                    each=move || counts.get().into_iter().map(|(health, _)| health)
                    key=|health| *health
                    let(health)
                >
                    {button(health)}
                </For>
            </ul>
        </div>
    }
}
