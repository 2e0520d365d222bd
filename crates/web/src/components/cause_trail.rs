//! Led here: the transitions that led to the one at the cursor, by cause, and what it led to. Each is a way to its
//! moment.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::name;
use super::rain::call;
use crate::derived::Derived;
use crate::model::Seen;
use crate::router::Router;
use crate::store::{CauseTrail, Store, TrailRow};
use crate::words::steps as say;

/// The section of the change; nothing where nobody noted a source.
#[component]
pub fn CauseTrailList() -> impl IntoView {
    let store = expect_context::<Store>();
    let router = expect_context::<Router>();
    let trail = Derived::new(move || store.cause_trail());
    dynamic(move || trail.with(|trail| trail.as_ref().map(|trail| list(store, router, trail))))
}

fn list(store: Store, router: Router, trail: &CauseTrail) -> AnyView {
    let rows = |rows: &[TrailRow]| {
        let rows = rows.iter().map(|it| row(store, router, it, trail.at));
        rows.collect_view()
    };
    view! {
        <h3>"Led here " <span>{say::BY_CAUSE}</span></h3>
        <ol class="cause-trail">
            <li class="origin">{say::origin(&trail.chain)}</li>
            {rows(&trail.causes)}
            <li aria-current="true">
                <span>"this transition"</span>
                <span class="num">{say::apart(0, 0)}</span>
            </li>
            {rows(&trail.effects)}
        </ol>
    }
    .into_any()
}

fn row(store: Store, router: Router, row: &TrailRow, at: Seen) -> impl IntoView + use<> {
    let detail = row.link.entry.detail.as_ref();
    let number = detail.and_then(|detail| detail.number);
    let head = detail.and_then(|detail| detail.head.clone());
    // The machine is named in front; its own source would be said twice.
    let head = head.map(|mut head| {
        head.source = None;
        call(&row.schema, &head)
    });
    let apart = say::apart(at.0, row.link.entry.at.by.0);
    let href = row.href.clone();
    let go = move |event: leptos::ev::MouseEvent| {
        if !(event.meta_key() || event.ctrl_key() || event.shift_key()) {
            event.prevent_default();
            jump(store, router, &href);
        }
    };
    view! {
        <li>
            <a href=row.href.clone() on:click=go>
                <b>{name(&row.machine)}</b>
                {number.map(|number| format!(" #{number} "))}
                {head}
            </a>
            <span class="num">{apart}</span>
        </li>
    }
}

/// Goes to another moment; back leads to this one, as exactly as it is named.
pub fn jump(store: Store, router: Router, href: &str) {
    if store.dock.with_untracked(|dock| dock.at.is_some()) {
        router.correct(&store.link().href());
    }
    router.open(href);
}
