//! Overview: what is wrong, and every machine by host.

use crate::ui::prelude::*;

use super::JoinPage;
use crate::components::{
    AttentionList, EmptyMesh, FilterBar, Fleet, Tiles, VerdictBanner, dynamic, no_match,
};
use crate::model::{Phase, Stop};
use crate::store::Store;
use crate::words;

/// `/`. Without a relay it is the Join page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let store = expect_context::<Store>();
    // What was typed stays on screen until it leads somewhere.
    let no_relay = Memo::new(move |before: Option<&bool>| {
        store.connection.with(|connection| match &connection.phase {
            Phase::Stopped(Stop::NoRelay) => true,
            Phase::Live => false,
            Phase::Connecting { .. } | Phase::Reconnecting { .. } | Phase::Stopped(_) => {
                before.copied().unwrap_or(false)
            }
        })
    });
    dynamic(move || {
        if no_relay.get() {
            view! { <JoinPage /> }.into_any()
        } else {
            view! { <Overview /> }.into_any()
        }
    })
}

#[component]
fn Overview() -> impl IntoView {
    let store = expect_context::<Store>();
    let bar = store.fleet;
    store.open_fleet(true);
    on_cleanup(move || store.open_fleet(false));
    let none_fits = Memo::new(move |_| {
        bar.list
            .with(|list| list.total > 0 && list.sections.is_empty())
    });
    let not_live = Memo::new(move |_| store.connection.with(|connection| connection.is_stale()));
    let has_hosts = Memo::new(move |_| !store.hosts.with(Vec::is_empty));
    let is_empty = Memo::new(move |_| {
        let headline = store.verdict.with(|verdict| verdict.headline.clone());
        crate::model::Piece::plain(&headline) == words::EMPTY
    });
    view! {
        <div
            class="overview"
            class:not-live=not_live
            on:scroll=move |_| bar.scrolled.update(|count| *count = count.wrapping_add(1))
        >
            <section class="verdict" aria-label="What is wrong now">
                <VerdictBanner />
                <AttentionList />
            </section>
            {dynamic(move || is_empty.get().then(|| view! { <EmptyMesh /> }))}
            {dynamic(move || has_hosts.get().then(|| view! { <FilterBar /> }))}
            {dynamic(move || none_fits.get().then(|| no_match(store)))}
            {dynamic(move || has_hosts.get().then(|| fleet(bar.tiles.get())))}
        </div>
    }
}

fn fleet(as_tiles: bool) -> AnyView {
    if as_tiles {
        view! { <Tiles /> }.into_any()
    } else {
        view! { <Fleet /> }.into_any()
    }
}

/// Any other address.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="empty">
            <h1>"No such page"</h1>
            <p>
                "Here are " <a href="/">"Overview"</a> ", " <a href="/m">"Machines"</a> " and "
                <a href="/peers">"Peers"</a> "."
            </p>
        </div>
    }
}
