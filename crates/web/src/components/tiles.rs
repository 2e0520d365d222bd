//! The fleet as squares, for hundreds and thousands of machines: one canvas as large as what is seen of it. The arrow keys
//! move from square to square, and a line below names the machine.

use std::sync::Arc;

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent, MouseEvent};
use leptos::html;

use super::canvas::Sheet;
use super::dynamic::{RowKey, dynamic, rows};
use super::fleet_label::label;
use super::{health_glyph, name};
use crate::derived::Derived;
use crate::model::{Arranged, Arrow, MachineKey, Tiles as Layout, fixed};
use crate::router::Router;
use crate::store::Store;
use crate::words;

/// The squares.
#[component]
pub fn Tiles() -> impl IntoView {
    let store = expect_context::<Store>();
    let router = expect_context::<Router>();
    let list = store.fleet.list;
    let (scroller, canvas) = (NodeRef::<html::Div>::new(), NodeRef::<html::Canvas>::new());
    let chosen = RwSignal::new(None::<MachineKey>);
    let (seen, look) = seen_of(store, scroller);
    let layout = Derived::new(move || {
        let width = seen.with(|seen| seen.0);
        list.with(|list| Arc::new(Layout::of(list, width)))
    });
    Effect::new(move |_| draw_all(store, canvas, layout, seen, chosen));
    let at = move |event: &MouseEvent| {
        let top = seen.with_untracked(|seen| seen.2);
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        layout.with_untracked(|layout| layout.at(x, y + top))
    };
    let open = move |key| open(store, router, key);
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            open(chosen.get_untracked());
        } else if let Some(arrow) = arrow(&event) {
            event.prevent_default();
            let from = chosen.get_untracked();
            let next = layout.with_untracked(|layout| beside(layout, from, arrow));
            if let Some((next, y)) = next {
                chosen.set(Some(next));
                scroll_to(scroller, y);
            }
        }
    };
    let owned = move || chosen.get().map(|_| CHOSEN);
    let height = move || px(layout.with(|layout| layout.height));
    let shown_height = move || px(seen.with(|seen| seen.1));
    let down = move || format!("translateY({})", px(seen.with(|seen| seen.2)));
    view! {
        <div
            class="tiles"
            node_ref=scroller
            on:scroll=move |_| look.run(())
            on:keydown=on_key
        >
            <div class="body" style:height=height>
                <canvas
                    role="listbox"
                    tabindex="0"
                    aria-label="Machines"
                    aria-activedescendant=owned
                    aria-owns=owned
                    node_ref=canvas
                    style:height=shown_height
                    style:transform=down
                    on:mousemove=move |event| chosen.set(at(&event).or(chosen.get_untracked()))
                    on:click=move |event| open(at(&event))
                ></canvas>
                {rows(
                    move || labels(layout, seen.get()),
                    |at| RowKey::Numbered(None, *at as u64),
                    move |at| view! { <TileLabel at layout /> }.into_any(),
                )}
            </div>
        </div>
        <p class="tile-status" role="presentation">
            {dynamic(move || chosen.get().map(|key| status(store, &key)))}
        </p>
    }
}

/// Width, height, and how far it is scrolled; and what looks again.
fn seen_of(
    store: Store,
    scroller: NodeRef<html::Div>,
) -> (RwSignal<(f64, f64, f64)>, Callback<()>) {
    let seen = RwSignal::new((0.0, 0.0, 0.0));
    let look = move || {
        if let Some(scroller) = scroller.get_untracked() {
            let top = f64::from(scroller.scroll_top());
            let (width, height) = (scroller.client_width(), scroller.client_height());
            seen.set((width.into(), height.into(), top));
        }
    };
    let resized = window_event_listener(ev::resize, move |_| look());
    on_cleanup(move || resized.remove());
    Effect::new(move |_| {
        store.fleet.list.track();
        request_animation_frame(look);
    });
    (seen, Callback::new(move |()| look()))
}

fn arrow(event: &KeyboardEvent) -> Option<Arrow> {
    match event.key().as_str() {
        "ArrowLeft" => Some(Arrow::Left),
        "ArrowRight" => Some(Arrow::Right),
        "ArrowUp" => Some(Arrow::Up),
        "ArrowDown" => Some(Arrow::Down),
        _ => None,
    }
}

/// Where an arrow leads, and how far down that is.
fn beside(layout: &Layout, from: Option<MachineKey>, arrow: Arrow) -> Option<(MachineKey, f64)> {
    let next = layout.next(from.as_ref(), arrow)?;
    let (section, at) = layout.find(&next)?;
    Some((next, layout.square(layout.sections.get(section)?, at).1))
}

/// Labels in view.
fn labels(layout: Derived<Arc<Layout>>, (_, height, top): (f64, f64, f64)) -> Vec<usize> {
    layout.with(|layout| {
        let sections = layout.sections.iter().enumerate();
        let near = sections.filter(|(_, it)| it.top < top + height && top < it.bottom);
        near.map(|(at, _)| at).collect()
    })
}

/// Who the chosen square is.
fn status(store: Store, key: &MachineKey) -> impl IntoView + use<> {
    store.row(key).map(|row| {
        dynamic(move || {
            row.with(|row| {
                view! {
                    <span id=CHOSEN role="option" aria-selected="true" aria-label=row.spoken(store.now.get_untracked())>
                        {health_glyph(row.health)}
                        <b>{name(&row.name)}</b>
                        <span class="on">{name(&row.host)}</span>
                        {words::health(row.health)}
                    </span>
                }
            })
        })
    })
}

#[component]
fn TileLabel(at: usize, layout: Derived<Arc<Layout>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let section = Derived::new(move || {
        let of = |list: &Arc<Arranged>| {
            let section = list.sections.get(at)?;
            Some((section.label.clone(), section.rows.len()))
        };
        store.fleet.list.with(of)
    });
    let place = move || {
        let place = layout.with(|layout| layout.sections.get(at).map(|it| (it.left, it.top)));
        let (left, top) = place.unwrap_or_default();
        format!("translate({},{})", px(left), px(top))
    };
    view! {
        <div class="group" style:transform=place>
            {dynamic(move || section.get().map(|(name, count)| label(store, &name, count, false)))}
        </div>
    }
}

fn open(store: Store, router: Router, key: Option<MachineKey>) {
    if let Some(row) = key.and_then(|key| store.row_now(&key)) {
        router.open(&row.href);
    }
}

fn draw_all(
    store: Store,
    canvas: NodeRef<html::Canvas>,
    layout: Derived<Arc<Layout>>,
    seen: RwSignal<(f64, f64, f64)>,
    chosen: RwSignal<Option<MachineKey>>,
) {
    store.frame.track();
    let top = seen.with(|seen| seen.2);
    let chosen = chosen.get();
    let sheet = canvas.get().and_then(|canvas| Sheet::on(&canvas));
    layout.with(|layout| {
        if let Some(sheet) = sheet {
            draw(store, &sheet, layout, top, chosen);
        }
    });
}

fn draw(store: Store, sheet: &Sheet, layout: &Layout, top: f64, chosen: Option<MachineKey>) {
    for section in &layout.sections {
        if section.bottom < top || top + sheet.height < section.top {
            continue;
        }
        for (at, key) in section.machines.iter().enumerate() {
            let (x, y) = layout.square(section, at);
            sheet.tile(store.health(key), x, y - top, chosen == Some(*key));
        }
    }
}

fn px(length: f64) -> String {
    format!("{}px", fixed(length))
}

fn scroll_to(scroller: NodeRef<html::Div>, y: f64) {
    let Some(scroller) = scroller.get_untracked() else {
        return;
    };
    let (top, height) = (scroller.scroll_top(), scroller.client_height());
    let y = y as i32;
    if y < top {
        scroller.set_scroll_top(y - NEAR);
    } else if y + NEAR > top + height {
        scroller.set_scroll_top(y + NEAR - height);
    }
}

const CHOSEN: &str = "tile-chosen";
/// Pixels kept between the chosen square and the edge.
const NEAR: i32 = 24;
