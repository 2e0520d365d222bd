//! The verdict: one sentence, the next, and how many machines are how.

use leptos::prelude::*;

use super::dynamic::{RowKey, dynamic, rows};
use super::{Failures, health_glyph, sentence};
use crate::derived::Derived;
use crate::model::{Health, Phase};
use crate::store::Store;
use crate::words;

/// Headline, second line, counts. A count is a filter of the list below.
#[component]
pub fn VerdictBanner(filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let headline = Derived::new(move || store.verdict.with(|verdict| verdict.headline.clone()));
    let detail = Derived::new(move || store.verdict.with(|verdict| verdict.detail.clone()));
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
    let other = move || {
        unreached.get().then(|| {
            view! {
                <p class="other">
                    <a class="button small" href="/join">
                        "Use another relay"
                    </a>
                </p>
            }
        })
    };
    view! {
        <div class="verdict-line">
            <div class="say" role=role>
                <h1>{dynamic(move || headline.with(|line| sentence(line)))}</h1>
                <p>{dynamic(move || detail.with(|line| sentence(line)))}</p>
            </div>
            <Counts filter />
        </div>
        <Failures />
        {dynamic(other)}
    }
}

#[component]
fn Counts(filter: RwSignal<Option<Health>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let counts = Derived::new(move || store.verdict.with(|verdict| verdict.counts.clone()));
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
                    <b>{dynamic(move || count(health))}</b>
                    <span>{words::health(health)}</span>
                </button>
            </li>
        }
    };
    view! {
        <div class="counts">
            <div class="share" aria-hidden="true">
                {dynamic(move || counts.get().into_iter().map(segment).collect_view())}
            </div>
            <ul aria-label="Machines by health">
                {rows(
                    move || counts.get(),
                    |(health, _)| RowKey::Health(*health),
                    move |(health, _)| button(health).into_any(),
                )}
            </ul>
        </div>
    }
}
