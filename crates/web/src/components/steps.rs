//! Steps of the transition at the cursor: as the second timeline of the dock, and as a list in the panel of the change.

use crate::ui::prelude::*;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;

use super::dynamic::dynamic;
use super::sentence;
use crate::derived::Derived;
use crate::model::{StepAct, Steps};
use crate::store::{StepView, Store};
use crate::words::steps as say;

/// What the parts of the page share that show steps.
#[derive(Clone, Copy)]
pub struct StepsUi {
    /// The transition's steps and the one looked at.
    pub view: Derived<StepView>,
    /// The number of the one looked at.
    pub at: Memo<Option<usize>>,
    /// Steps alone: they stay while one after the other is looked at.
    steps: Derived<Steps>,
}

impl StepsUi {
    /// Of the machine in view; none while there is none.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let view = Derived::new(move || store.steps());
        Self {
            view,
            at: Memo::new(move |_| view.with(|view| view.at)),
            steps: Derived::new(move || view.with(|view| view.steps.clone())),
        }
    }
}

/// The second timeline: a segment for each step, those done filled.
#[component]
pub fn StepLine() -> impl IntoView {
    let store = expect_context::<Store>();
    let ui = expect_context::<StepsUi>();
    let line = NodeRef::<Div>::new();
    let has_steps = Memo::new(move |_| ui.steps.with(|steps| !steps.rows.is_empty()));
    let count = move || ui.steps.with(|steps| steps.rows.len());
    let seek = move |event: &PointerEvent| {
        let Some(line) = line.get_untracked() else {
            return;
        };
        let rect = line.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - rect.left()) / rect.width().max(1.0);
        let count = ui.steps.with_untracked(|steps| steps.rows.len());
        let number = (share.clamp(0.0, 1.0) * count as f64) as usize + 1;
        store.step_to(Some(number.min(count)));
    };
    let begin = move |event: PointerEvent| {
        if event.button() == 0 {
            if let Some(line) = line.get_untracked() {
                // Without it a drag ends where the pointer leaves.
                let _ = line.set_pointer_capture(event.pointer_id());
            }
            seek(&event);
        }
    };
    let drag = move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            seek(&event);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => store.step_in(true),
            "ArrowLeft" | "ArrowDown" => store.step_in(false),
            "Home" => store.step_to(Some(1)),
            "End" => store.step_to(Some(ui.steps.with_untracked(|steps| steps.rows.len()))),
            _ => return,
        }
        event.prevent_default();
    };
    let said = move || {
        ui.view
            .with(|view| say::at_step(&view.schema, &view.steps, view.at))
    };
    dynamic(move || {
        has_steps.get().then(|| {
            view! {
                <div
                    class="step-line"
                    role="slider"
                    tabindex="0"
                    aria-label="Step of the transition"
                    aria-valuemin="0"
                    aria-valuemax=move || count().to_string()
                    aria-valuenow=move || ui.at.get().unwrap_or(0).to_string()
                    aria-valuetext=said
                    on:pointerdown=begin
                    on:pointermove=drag
                    on:keydown=on_key
                    node_ref=line
                >
                    {dynamic(move || phases(ui))}
                </div>
            }
        })
    })
}

fn phases(ui: StepsUi) -> impl IntoView {
    let phases = ui.steps.with(Steps::phases).into_iter();
    let phases = phases.map(|(phase, from, to)| {
        let segments = (from..to).map(|at| {
            let done = move || at_of(ui.at.get(), at + 1);
            view! { <i class:done=move || done() < 0 class:current=move || done() == 0></i> }
        });
        let width = to - from;
        view! {
            <span class="phase" style:flex=format!("{width} 1 0")>
                <span class="segments">{segments.take(SEGMENTS).collect_view()}</span>
                <small>{phase.word()}</small>
            </span>
        }
    });
    phases.collect_view()
}

/// Before the step looked at, it, or behind it. As long as none is looked at, all are done.
fn at_of(at: Option<usize>, number: usize) -> i8 {
    at.map_or(-1, |at| number.cmp(&at) as i8)
}

/// The list; a click looks at a step.
#[component]
pub fn StepList() -> impl IntoView {
    let store = expect_context::<Store>();
    let ui = expect_context::<StepsUi>();
    let which = move || {
        let count = ui.steps.with(|steps| steps.rows.len());
        match ui.at.get() {
            Some(at) => format!("{at} of {count}"),
            None => count.to_string(),
        }
    };
    let list = move || {
        let schema = ui.view.with_untracked(|view| view.schema.clone());
        ui.steps.with(|steps| {
            let phases = steps.phases().into_iter().map(|(phase, from, to)| {
                let rows = (from..to).map(|at| {
                    let act = steps.rows[at].act;
                    row(store, ui, at + 1, act, &say::step(&schema, steps, act))
                });
                view! {
                    <li class="phase">{say::phase(phase)}</li>
                    {rows.collect_view()}
                }
            });
            phases.collect_view()
        })
    };
    let has_steps = Memo::new(move |_| ui.steps.with(|steps| !steps.rows.is_empty()));
    dynamic(move || {
        has_steps.get().then(|| {
            view! {
                <h3>"Steps " <span>{dynamic(which)}</span></h3>
                <ol class="step-list">{dynamic(list)}</ol>
            }
        })
    })
}

fn row(
    store: Store,
    ui: StepsUi,
    number: usize,
    act: StepAct,
    words: &[crate::model::Piece],
) -> impl IntoView + use<> {
    let place = move || at_of(ui.at.get(), number);
    let refused = matches!(act, StepAct::Refused(..));
    view! {
        <li>
            <button
                type="button"
                class:refused-step=refused
                class:ahead=move || place().is_positive()
                aria-current=move || (place() == 0).then_some("step")
                data-step=number.to_string()
                on:click=move |_| store.step_to(Some(number))
            >
                <span class="num">{number}</span>
                <span>{sentence(words)}</span>
            </button>
        </li>
    }
}

/// More would be thinner than a line can be.
const SEGMENTS: usize = 400;
