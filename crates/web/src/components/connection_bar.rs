//! The bar that says the connection went, and for a moment that it is back. Never a dialog: the page stays usable.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::health_glyph;
use crate::model::{Health, Phase, Stop};
use crate::session::Session;
use crate::store::Store;
use crate::words;

/// Shown while a connection that was live is not.
#[component]
pub fn ConnectionBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_lost = Memo::new(move |_| {
        store.recording.with(Option::is_none)
            && store.connection.with(|connection| connection.is_stale())
    });
    let news = move || {
        let news = store.news.get()?;
        let words = words::peers::news(&news);
        Some(view! { <div class="bar good"><p>{words}</p></div> })
    };
    view! {
        <div class="bars">
            {dynamic(move || is_lost.get().then(|| view! { <Lost /> }))}
            <div role="status">{dynamic(news)}</div>
        </div>
    }
}

#[component]
fn Lost() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let has_left = Memo::new(move |_| {
        let left = Phase::Stopped(Stop::Left);
        store.connection.with(|connection| connection.phase == left)
    });
    let lost = move || match has_left.get() {
        true => words::peers::LEFT.to_owned(),
        false => store
            .connection
            .with(|connection| words::lost(&connection.relay)),
    };
    let since = move || {
        let now = store.clock.get();
        store.connection.with(|connection| match has_left.get() {
            true => words::peers::left_since(connection.since, now),
            false => words::lost_since(connection, now),
        })
    };
    let again = move |_| match has_left.get_untracked() {
        true => session.rejoin(),
        false => session.retry_now(),
    };
    let word = move || match has_left.get() {
        true => "Connect again",
        false => "Try now",
    };
    view! {
        <div class="bar">
            {health_glyph(Health::Error)}
            <p>
                <b role="alert">{dynamic(lost)}</b>
                {dynamic(since)}
            </p>
            <span class="grow"></span>
            <button class="button small" type="button" on:click=again>
                {dynamic(word)}
            </button>
            <a class="button small" href="/join">
                "Use another relay"
            </a>
        </div>
    }
}
