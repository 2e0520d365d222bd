//! The verdict: one sentence, the next, and how many machines are how.

use crate::ui::prelude::*;

use super::dynamic::{RowKey, dynamic, rows};
use super::{Failures, health_glyph, sentence};
use crate::derived::Derived;
use crate::model::{Health, Phase, has_health, toggled};
use crate::store::Store;
use crate::words;

/// Headline, second line, counts. A count is a word of the filter below.
#[component]
pub fn VerdictBanner() -> impl IntoView {
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
            <Counts />
        </div>
        <Failures />
        {dynamic(other)}
    }
}

#[component]
fn Counts() -> impl IntoView {
    let store = expect_context::<Store>();
    let counts = Derived::new(move || store.verdict.with(|verdict| verdict.counts.clone()));
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
            let text = store
                .fleet
                .text
                .with_untracked(|text| toggled(text, health));
            store.filter_fleet(&text);
        };
        let pressed = move || {
            store
                .fleet
                .text
                .with(|text| has_health(text, health))
                .to_string()
        };
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
