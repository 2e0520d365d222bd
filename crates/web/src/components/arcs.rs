//! Arcs beside the tree of states: relations that the transition at the cursor looked at, while its steps are gone
//! through. The list of steps says the same in words, and so does the name of the drawing.

use crate::ui::prelude::*;
use leptos::wasm_bindgen::JsCast;
use statemesh::core::engine::Relation;
use web_sys::HtmlElement;

use super::dynamic::dynamic;
use super::steps::StepsUi;
use crate::derived::Derived;
use crate::model::{LANES, RelationArc};
use crate::store::Store;
use crate::words::steps as say;

/// An arc and where it begins and ends, in pixels from the top of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Placed {
    arc: RelationArc,
    from: i32,
    to: i32,
}

/// The drawing, on the tree that holds it. `moved`: whatever the places of its rows depend on.
#[component]
pub fn Arcs(order: Derived<Vec<usize>>, moved: Derived<Vec<usize>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let ui = expect_context::<StepsUi>();
    let arcs = Derived::new(move || {
        ui.view.with(|view| match view.at {
            Some(at) => order.with(|order| view.steps.arcs(at, order)),
            None => Vec::new(),
        })
    });
    let placed = RwSignal::new(Vec::<Placed>::new());
    Effect::new(move |_| {
        moved.with(|_| ());
        let arcs = arcs.get();
        if !arcs.is_empty() {
            // Rows are as high as the window and the reader want them.
            store.clock.track();
        }
        // By then the rows stand where they will.
        request_animation_frame(move || {
            let places = arcs.iter().filter_map(|arc| {
                Some(Placed {
                    arc: *arc,
                    from: middle(arc.from)?,
                    to: middle(arc.to)?,
                })
            });
            let places = places.collect();
            if placed.with_untracked(|old| *old != places) {
                placed.set(places);
            }
        });
    });
    let label = move || {
        let schema = ui.view.with(|view| view.schema.clone());
        arcs.with(|arcs| say::arcs(&schema, arcs))
    };
    dynamic(move || {
        let mut placed = placed.get();
        // The current one lies above the others.
        placed.sort_by_key(|placed| placed.arc.is_current);
        let height = placed.iter().map(|it| it.from.max(it.to)).max();
        height.map(|height| {
            view! {
                <svg
                    class="arcs"
                    role="img"
                    aria-label=label
                    width=WIDTH.to_string()
                    height=(height + BEND).to_string()
                >
                    {placed.iter().map(draw).collect_view()}
                </svg>
            }
        })
    })
}

fn middle(state: usize) -> Option<i32> {
    let row = document().get_element_by_id(&format!("state-{state}"))?;
    let row: HtmlElement = row.dyn_into().ok()?;
    Some(row.offset_top() + row.offset_height() / 2)
}

fn draw(placed: &Placed) -> impl IntoView + use<> {
    let Placed { arc, from, to } = *placed;
    let class = match arc.relation {
        Relation::Add => "adds",
        Relation::Remove => "removes",
        Relation::Require | Relation::After => "requires",
    };
    // What leaves a row does so below its middle: above it, arrows come in.
    let (from, to) = (from + LEAVES, to - LEAVES);
    let x = FIRST + i32::try_from(arc.lane).unwrap_or(0) * LANE;
    let bend = if to > from { BEND } else { -BEND };
    let path = format!(
        "M0 {from}H{}q{BEND} 0 {BEND} {bend}V{}q0 {bend} -{BEND} {bend}H4",
        x - BEND,
        to - bend,
    );
    let arrow = format!("M0 {to}l6 -3.5v7z");
    view! {
        <g
            class=class
            class:current=arc.is_current
            data-arc=format!("{} {class} {}", arc.from, arc.to)
        >
            <path d=path></path>
            <path class="head" d=arrow></path>
        </g>
    }
}

/// Where the first lane runs.
const FIRST: i32 = 10;
/// Between two lanes.
const LANE: i32 = 6;
/// Radius of the corners.
const BEND: i32 = 4;
/// How far from the middle of a row arcs leave and arrive.
const LEAVES: i32 = 2;
const WIDTH: i32 = FIRST + LANES as i32 * LANE;
