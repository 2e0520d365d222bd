//! The change at the cursor: one transition in full, or one interval with what can be known of it.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::machine_view::MachineUi;
use super::rain::call;
use super::{CauseTrailList, StepList, jump, name, sentence, state_glyph};
use crate::history::{ChangeDetail, Fidelity, Reason, StateChange};
use crate::model::{Interval, SchemaFacts, grouped};
use crate::router::Router;
use crate::store::Store;
use crate::words::{self, machine as say};

/// The panel.
#[component]
pub fn ChangePanel() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let shown = move || {
        ui.change.with(|change| match change {
            Some(change) => panel(store, change),
            None => view! { <p class="nothing">{words::NO_CHANGE}</p> }.into_any(),
        })
    };
    view! {
        <section class="change-pane" aria-label="Change at the cursor">
            {dynamic(shown)}
        </section>
    }
}

fn panel(store: Store, change: &ChangeDetail) -> AnyView {
    let (title, result) = title(change);
    let unknown = unknown(change).map(|words| view! { <p class="unknown">{words}</p> });
    let without =
        say::not_in_clock(&change.known).map(|words| view! { <p class="unknown">{words}</p> });
    let epoch = (change.is_first_look && change.epoch > 1)
        .then(|| view! { <p class="unknown">{say::restarted(change.epoch)}</p> });
    view! {
        <div class="column-head">
            <h2>{title}</h2>
            {result.map(|word| view! { <span class="tag">{word}</span> })}
        </div>
        <div class="scroll" tabindex="0" role="group" aria-label="Details of the change">
            {facts(store, change)}
            {epoch}
            {unknown}
            {without}
            <CauseTrailList />
            {difference(change)}
            {refusals(change)}
            <StepList />
        </div>
    }
    .into_any()
}

fn title(change: &ChangeDetail) -> (AnyView, Option<&'static str>) {
    let number = change.number.map(|number| format!("#{number} "));
    match &change.head {
        Some(head) => {
            let call = call(&change.schema, head);
            (
                view! { {number} {call} }.into_any(),
                Some(say::result(head)),
            )
        }
        None if change.is_first_look => {
            let word = if change.epoch > 1 {
                say::NEW_RUN
            } else {
                say::FIRST_LOOK
            };
            (word.into_any(), None)
        }
        None if change.time.is_none() => (say::THINNED.into_any(), None),
        None if number.is_some() => {
            let words = say::changes(change.ticks());
            (view! { {number} {words} }.into_any(), Some("committed"))
        }
        None => (say::snapshot(change.ticks(), change.at).into_any(), None),
    }
}

/// One line about what cannot be known, where something is hidden for that.
fn unknown(change: &ChangeDetail) -> Option<&'static str> {
    match change.fidelity {
        _ if change.head.is_some() => None,
        Fidelity::Name | Fidelity::Snapshots => Some(say::SNAPSHOTS_ONLY),
        Fidelity::Changes => Some(say::CHANGES_ONLY),
        Fidelity::Trace | Fidelity::Local => None,
    }
}

fn facts(store: Store, change: &ChangeDetail) -> impl IntoView + use<> {
    let is_instant = change.at.after == Some(change.at.by);
    let seen = store.wall.text(change.at.by, 3);
    let happened = (!is_instant && !change.is_first_look).then(|| {
        let between = store.wall.get().interval(Interval { ..change.at });
        view! { <dt>"Happened"</dt> <dd>{between}</dd> }
    });
    let owner = change.owner_at.map(|at| {
        let time = say::owner_time(at, crate::browser::zone());
        view! { <dt>"Owner time"</dt> <dd>{time}</dd> }
    });
    let time = change.time.map(|(before, after)| {
        let (before, after) = (grouped(before), grouped(after));
        let text = if change.is_first_look {
            format!("t{after}")
        } else {
            format!("t{before} → t{after}")
        };
        view! { <dt>"Machine time"</dt> <dd>{text}</dd> }
    });
    let source = change
        .head
        .as_ref()
        .and_then(|head| head.source.as_ref())
        .map(|cause| {
            let machine = crate::model::Shown::new(&cause.machine);
            let number = format!(" #{}", cause.number);
            let held = untrack(|| store.source_href());
            let source = view! { {name(&machine)} {number} };
            let source = match held {
                Some(href) => {
                    let router = expect_context::<Router>();
                    let there = href.clone();
                    let go = move |event: leptos::ev::MouseEvent| {
                        if !(event.meta_key() || event.ctrl_key() || event.shift_key()) {
                            event.prevent_default();
                            jump(store, router, &there);
                        }
                    };
                    view! {
                        <a href=href title="Go to the source (s)" on:click=go>{source}</a>
                        " "
                        <kbd>"s"</kbd>
                    }
                    .into_any()
                }
                None => source.into_any(),
            };
            view! { <dt>"Source"</dt> <dd class="source">{source}</dd> }
        });
    let queue = change.head.as_ref().and_then(say::queue);
    let queue = queue.map(|queue| view! { <dt>"Queue"</dt> <dd>{queue}</dd> });
    let next = change.next.as_ref().map(|(number, head, at)| {
        let number = number.map(|number| format!("#{number} "));
        let after = format!("+{} ms", at.since(change.at.by));
        view! { <dt>"Next"</dt> <dd>{number} {call(&change.schema, head)} {after}</dd> }
    });
    view! {
        <dl>
            <dt>"Seen here"</dt>
            <dd>{seen}</dd>
            {happened}
            {owner}
            {time}
            {source}
            {queue}
            {next}
            <dt>"Known as"</dt>
            <dd>{change.fidelity.word()} ", " {words::provenance(change.first_hand)}</dd>
        </dl>
    }
}

fn difference(change: &ChangeDetail) -> Option<AnyView> {
    if change.is_first_look || change.time.is_none() {
        return None;
    }
    let count = say::of_states(change.states.len(), change.schema.states.len());
    let is_transition = change.head.is_some() || change.number.is_some();
    let ticks = if is_transition {
        words::ticks(change.ticks())
    } else {
        say::unordered(change.ticks())
    };
    let rows = change
        .states
        .iter()
        .map(|(moved, reason)| state(&change.schema, *moved, *reason, is_transition));
    Some(
        view! {
            <h3>
                "Clock"
                <span>{count} ", " {ticks}</span>
            </h3>
            <ul class="clock-diff">{rows.collect_view()}</ul>
        }
        .into_any(),
    )
}

/// `Ready:8 +1 off, needs RouteOk`.
fn state(schema: &SchemaFacts, moved: StateChange, reason: Reason, is_transition: bool) -> AnyView {
    let facts = schema.states.get(moved.state);
    let is_on = moved.after % 2 == 1;
    let multi = facts.is_some_and(|it| it.multi);
    let error = facts.is_some_and(|it| it.is_error);
    let shown = say::state_name(schema, moved.state);
    let tick = format!(":{}", moved.after);
    let by = format!("+{}", moved.ticks());
    let words = say::moved(moved.before, moved.after, is_transition);
    // The flicker's words begin with its ticks.
    let words = words
        .split_once(" ticks, ")
        .map_or(words.clone(), |(_, words)| words.to_owned());
    let reason = say::reason(schema, reason);
    view! {
        <li data-changed=shown.plain() data-ticks=moved.ticks().to_string()>
            {state_glyph(is_on, multi, error)}
            <span class="machine" class:error=error && is_on>
                {name(&shown)}
                <span class="tick">{tick}</span>
            </span>
            <span class="by">{by}</span>
            <span class="how">{words} {sentence(&reason)}</span>
        </li>
    }
    .into_any()
}

fn refusals(change: &ChangeDetail) -> Option<AnyView> {
    (!change.refusals.is_empty()).then(|| {
        let rows = change.refusals.iter().map(|refused| {
            let reason = crate::model::Shown::new(&refused.reason);
            let handler = say::handler(&change.schema, refused.handler);
            view! { <li><span class="machine">{handler}</span> <span class="how">{name(&reason)}</span></li> }
        });
        view! {
            <h3>"Refused by"</h3>
            <ul class="refused">{rows.collect_view()}</ul>
        }
        .into_any()
    })
}
