//! Facts of one machine in a line.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::{MachineMenu, MachineUi, health_glyph, icon, led_here, name, sentence};
use crate::comparing::Comparing;
use crate::derived::Derived;
use crate::history::Fidelity;
use crate::model::{MachineHead, Subject, grouped};
use crate::store::Store;
use crate::words::{self, machine as say};

/// The header of the Machine page.
#[component]
pub fn MachineFacts(head: Derived<Option<MachineHead>>, states: Memo<usize>) -> impl IntoView {
    let store = expect_context::<Store>();
    let line = move || {
        head.get()
            .map(|head| view! { {title(store, &head)} {facts(&head, states)} })
    };
    let notes = move || head.get().map(|head| notes(store, &head));
    view! {
        <header class="machine-head">
            <a class="up" href="/m" aria-label="All machines">
                {icon("i-left")}
            </a>
            {dynamic(line)}
            <MachineMenu />
        </header>
        {dynamic(notes)}
    }
}

fn title(store: Store, head: &MachineHead) -> impl IntoView + use<> {
    let answer = head.answer;
    let health = answer.health;
    let said = move || words::assessment(&answer, store.now.get());
    view! {
        {health_glyph(health)}
        <h1 class:hearsay=head.hearsay title=words::provenance(!head.hearsay)>
            {name(&head.name)}
        </h1>
        <span class=format!("tag health-{}", health.mark())>{dynamic(said)}</span>
        <span class="on" title=head.owner.clone()>
            {name(&head.host)}
        </span>
    }
}

fn facts(head: &MachineHead, states: Memo<usize>) -> impl IntoView + use<> {
    let parent = head.parent.as_ref().map(|parent| {
        view! {
            <span>
                "parent " <b>{name(parent)}</b>
            </span>
        }
    });
    let tags = (!head.tags.is_empty()).then(|| {
        let tags = head.tags.iter().map(|tag| view! { <b>{name(tag)}</b> " " });
        view! {
            <span>
                "tags " {tags.collect_view()}
            </span>
        }
    });
    let ui = use_context::<MachineUi>();
    let comparing = expect_context::<Comparing>();
    let own = head.own;
    let record = move || {
        let change = ui?.change;
        change.with(|change| {
            let (word, record, of) = say::record_of(change.as_ref()?);
            Some(view! { <span>{word} <b>{record}</b> {of}</span> })
        })
    };
    let fidelity = move || {
        let heard = ui.and_then(|ui| ui.change.with(|it| it.as_ref().map(|it| it.fidelity)));
        let fallback = if own {
            Fidelity::Local
        } else {
            Fidelity::Snapshots
        };
        heard.unwrap_or(fallback).word()
    };
    view! {
        <span class="facts">
            <span>
                "machine time " <b>{format!("t{}", grouped(head.time))}</b>
            </span>
            {dynamic(record)}
            <span>
                "schema " <b>{dynamic(move || format!("{} states", states.get()))}</b>
            </span>
            {parent}
            {tags}
        </span>
        <span class="grow"></span>
        <span class="tag fidelity" title="Clocks from time to time: changes have intervals, not instants">
            {dynamic(fidelity)}
        </span>
        <button class="button small" type="button" title="Compare this moment with another" on:click=move |_| comparing.take_here()>
            "Compare"
        </button>
    }
}

/// The rule that fired, and what to do when the machine is gone.
fn notes(store: Store, head: &MachineHead) -> impl IntoView + use<> {
    let rule = head.answer.health.needs_attention().then(|| {
        let trail = store.led_here(Subject::Machine(head.key), head.answer.onset);
        view! {
            <p class="note">{sentence(&head.rule)}</p>
            <p class="note">
                <b>{words::overview::led_here(&trail)}</b>
                ": "
                {led_here(&trail)}
            </p>
        }
    });
    let gone = head.gone.map(|at| {
        let left = words::left_at(&store.wall.text(at, 0));
        let next = head.successor.as_ref().map(|href| {
            view! {
                " "
                <a href=href.clone()>"A machine of this name is live."</a>
            }
        });
        view! {
            <p class="note">
                <b>{name(&head.name)}</b>
                {left}
                {next}
            </p>
        }
    });
    let namesake = head.namesake.then(|| {
        view! { <p class="note">{words::NAMESAKE}</p> }
    });
    view! {
        {rule}
        {gone}
        {namesake}
    }
}
