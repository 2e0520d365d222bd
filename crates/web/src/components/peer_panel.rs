//! One peer in full: what it is, where it can be reached, its links over time, its machines.

use std::sync::Arc;

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::{CopyButton, health_glyph, name};
use crate::derived::Derived;
use crate::model::{NodeKind, PeerLine, Shown, grouped};
use crate::store::Store;
use crate::store::peers::{LinkSpan, PeerDetail, PeerMachine};
use crate::words;
use crate::words::peers as say;

/// The panel beside the table.
#[component]
pub fn PeerPanel() -> impl IntoView {
    let store = expect_context::<Store>();
    let detail: Derived<Option<Arc<PeerDetail>>> =
        Derived::new(move || store.peers.with(|screen| screen.detail.clone()));
    // Each part is drawn anew only when it looks different.
    let line = Derived::new(move || Some(detail.get()?.line.clone()));
    let refused = Derived::new(move || Some(detail.get()?.refused.clone()));
    let addresses = Derived::new(move || Some(detail.get()?.addresses.clone()));
    let links = Derived::new(move || Some(detail.get()?.links.clone()));
    let machines = Derived::new(move || Some(detail.get()?.machines.clone()));
    view! {
        <aside class="mesh-panel" aria-label="Selected peer">
            {dynamic(move || line.get().map(|line| facts(store, &line)))}
            {dynamic(move || refusals(&refused.get()?))}
            {dynamic(move || address_list(&addresses.get()?))}
            {dynamic(move || machine_list(&machines.get()?))}
            {dynamic(move || links.get().map(|links| link_list(store, &links)))}
        </aside>
    }
}

fn fact(term: &'static str, value: impl IntoView) -> impl IntoView {
    view! {
        <dt>{term}</dt>
        <dd>{value}</dd>
    }
}

fn head(title: impl IntoView, label: Option<String>) -> impl IntoView {
    view! {
        <div class="column-head">
            <h2>{title}</h2>
            <span class="grow"></span>
            <span class="label">{label}</span>
        </div>
    }
}

fn facts(store: Store, line: &PeerLine) -> impl IntoView + use<> {
    let title = match (&line.name, line.kind) {
        (Some(shown), _) => name(shown).into_any(),
        (None, kind) => kind.word().into_any(),
    };
    let id = line.id.clone();
    let number = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    let left = line.left.map(|at| fact("Left", store.wall.text(at, 0)));
    let runs = match &line.software {
        Some(runs) => name(runs).into_any(),
        None => "not told".into_any(),
    };
    let offset =
        (line.kind != NodeKind::This).then(|| fact("Clock offset", say::ahead(line.ahead)));
    view! {
        <section class="facts-of">
            <div class="column-head">
                <h2>{title}</h2>
                <span class="label">{say::role(line)}</span>
                <span class="grow"></span>
                <a class="button small plain" href=format!("/mesh#peer={}", line.short)>
                    "In the mesh"
                </a>
                <a class="button small plain" href="/peers">
                    "Close"
                </a>
            </div>
            <dl>
                <dt>"Peer id"</dt>
                <dd>
                    {id.clone()}
                    <CopyButton text=id label="Copy peer id" />
                </dd>
                <dt>"Health"</dt>
                <dd>{health_glyph(line.health)} " " {words::health(line.health)}</dd>
                {left}
                {fact("Known", line.known)}
                {fact("Runs", runs)}
                {fact("Transport", say::carriers(&line.carriers))}
                {fact("Hops", number(line.hops.map(|hops| hops.to_string())))}
                {fact("Round trip", number(line.rtt.map(|rtt| format!("{rtt} ms"))))}
                {offset}
                {fact("Messages/s", say::rate(line.rate))}
            </dl>
        </section>
    }
}

fn refusals(refused: &[(&'static str, u64)]) -> Option<AnyView> {
    let row = |(reason, count): &(&'static str, u64)| {
        view! { <li>{say::refused(*count, reason)}</li> }
    };
    (!refused.is_empty()).then(|| {
        view! {
            <section class="facts-of">
                {head("Refused", None)} <ul class="plain-lines">{refused.iter().map(row).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

fn address_list(addresses: &[Shown]) -> Option<AnyView> {
    let row = |address: &Shown| {
        let full = address.whole().to_owned();
        view! {
            <li class="cut-line">
                <bdi title=full.clone()>{full.clone()}</bdi>
                <CopyButton text=full label="Copy address" />
            </li>
        }
    };
    (!addresses.is_empty()).then(|| {
        view! {
            <section class="facts-of">
                {head("Addresses", None)}
                <ul class="plain-lines">{addresses.iter().map(row).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

fn machine_list(machines: &[PeerMachine]) -> Option<AnyView> {
    let row = |it: &PeerMachine| {
        view! {
            <li>
                <a class="row" href=it.href.clone()>
                    {health_glyph(it.health)}
                    <span class="machine">{name(&it.name)}</span>
                    <span class="vh">{words::health(it.health)}</span>
                    <span class="num">{format!("t{}", grouped(it.time))}</span>
                </a>
            </li>
        }
    };
    let count = words::machines(machines.len());
    (!machines.is_empty()).then(|| {
        view! {
            <section class="facts-of">
                {head("Machines", Some(count))} <ul>{machines.iter().map(row).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

fn link_list(store: Store, links: &[LinkSpan]) -> impl IntoView + use<> {
    let row = |it: &LinkSpan| {
        let time = |at| store.wall.text(at, 0);
        let to = it.to.map(time);
        let what = match (it.carrier, it.rtt) {
            (Some(carrier), Some(rtt)) => format!("{} {rtt} ms", say::carrier(carrier)),
            (Some(carrier), None) => say::carrier(carrier).to_owned(),
            (None, _) => "link".to_owned(),
        };
        view! {
            <li>
                <a class="row" href=it.href.clone() class:gone=it.to.is_some()>
                    {name(&it.other)}
                    <span class="num">{what}</span>
                    <span class="label">{say::span(&time(it.from), to.as_deref())}</span>
                </a>
            </li>
        }
    };
    let none = links
        .is_empty()
        .then(|| view! { <p class="nothing">{say::NO_LINKS}</p> });
    view! {
        <section class="facts-of">
            {head("Links", None)} {none} <ul>{links.iter().map(row).collect_view()}</ul>
        </section>
    }
}
