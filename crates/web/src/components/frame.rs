//! A picture that a link brought, where the history is gone: hearsay, under a hatched header.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::{health_glyph, name, state_glyph};
use crate::model::{Frame, FrameMachine, Seen, Shown, grouped, is_active};
use crate::store::Store;
use crate::words::{self, link as say};

/// The picture, until somebody closes it or looks elsewhere.
#[component]
pub fn FrameBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let shown = move || {
        store.brought.get().map(|brought| match brought {
            Ok(frame) => picture(store, &frame),
            Err(problem) => view! {
                <div class="bar said" role="alert">
                    <p>{say::no_frame(problem)}</p>
                    <span class="grow"></span>
                    {close(store)}
                </div>
            }
            .into_any(),
        })
    };
    dynamic(shown)
}

fn close(store: Store) -> impl IntoView {
    view! {
        <button class="button small" type="button" on:click=move |_| store.brought.set(None)>
            "Close"
        </button>
    }
}

fn picture(store: Store, frame: &Frame) -> AnyView {
    let at = Seen(frame.at.saturating_sub(store.origin()));
    let at = store.wall.text(at, 3);
    let head = frame
        .head
        .as_ref()
        .map(|head| view! { <b>{name(head)}</b> });
    let steps = frame
        .steps
        .iter()
        .map(|step| view! { <li>{name(step)}</li> });
    let steps = (!frame.steps.is_empty()).then(|| {
        view! {
            <details>
                <summary>{format!("{} steps", frame.steps.len())}</summary>
                <ol>{steps.collect_view()}</ol>
            </details>
        }
    });
    let machines = frame.machines.iter().map(machine);
    view! {
        <section class="frame" aria-label=say::FROM_LINK>
            <header>
                <p>{say::FROM_LINK}</p>
                <span class="grow"></span>
                {close(store)}
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label="Picture from the link">
                <p class="frame-head">
                    <span class="num">{at}</span>
                    {head}
                </p>
                {steps}
                <ul>{machines.collect_view()}</ul>
            </div>
        </section>
    }
    .into_any()
}

/// By its name alone: a picture has no schema.
fn is_error(state: &Shown) -> bool {
    state.short.starts_with("Err") || &*state.short == "Exception"
}

fn machine(machine: &FrameMachine) -> impl IntoView + use<> {
    let states = machine
        .states
        .iter()
        .filter(|(_, tick)| is_active(&[*tick], 0));
    let states = states.map(|(state, tick)| {
        view! {
            <span title=format!("tick {tick}")>{state_glyph(true, false, is_error(state))} {name(state)}</span>
            " "
        }
    });
    view! {
        <li>
            <span class=format!("word health-{}", machine.health.mark())>
                {health_glyph(machine.health)} {words::health(machine.health)}
            </span>
            <b>{name(&machine.name)}</b>
            <span class="on">{name(&machine.host)}</span>
            <span class="frame-states">{states.collect_view()}</span>
            <span class="num">{format!("t{}", grouped(machine.time()))}</span>
        </li>
    }
}
