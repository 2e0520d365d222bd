//! All machines, in the order asked for. Each row has its own signal: one tick repaints one row. Rows stand at fixed
//! heights and only those in view are in the document, with the one in focus.

use std::sync::Arc;

use crate::ui::prelude::*;
use leptos::ev::{self, KeyboardEvent};
use leptos::html;

use super::canvas::Look;
use super::dynamic::{RowKey, dynamic, rows};
use super::fleet_label::label;
use super::fleet_row::row;
use super::roving::Roving;
use super::{lane_head, look_anew, look_of};
use crate::browser;
use crate::derived::Derived;
use crate::model::{Grouping, InView, Labels, Layout, MachineKey, Seats};
use crate::store::Store;
use crate::words::overview as words;

/// What every row of the list looks at.
#[derive(Clone, Copy)]
pub struct FleetList {
    /// Where everything stands.
    pub layout: Derived<Arc<Layout>>,
    /// Each row says its host, because no label does.
    pub says_host: Memo<bool>,
    /// Which row takes part in the tab order.
    pub roving: Roving,
    /// A row that is to take the focus as soon as it is there.
    pub wanted: RwSignal<Option<MachineKey>>,
    /// How lanes look.
    pub look: RwSignal<Option<Look>>,
}

/// What a row is about, and where it stands: another machine may take the same row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The machine.
    pub key: MachineKey,
    /// Its row, counted from the top.
    pub index: usize,
    /// How far down, in thirds of a row.
    pub top: u32,
    /// How deep in a tree.
    pub depth: u8,
}

/// The list.
#[component]
pub fn Fleet() -> impl IntoView {
    let store = expect_context::<Store>();
    let bar = store.fleet;
    let narrow = RwSignal::new(browser::is_narrow());
    let (scroller, body) = (NodeRef::<html::Section>::new(), NodeRef::<html::Div>::new());
    let beside = Memo::new(move |_| bar.grouping.get() == Grouping::Host && !narrow.get());
    let layout = layout_of(store, narrow, beside);
    let first = Derived::new(move || layout.with(|layout| Some(layout.rows.first()?.0)));
    let list = FleetList {
        layout,
        says_host: Memo::new(move |_| bar.grouping.get() != Grouping::Host),
        roving: Roving::new(first),
        wanted: RwSignal::new(None),
        look: look_of(store, body),
    };
    provide_context(list);
    let view = in_view_of(store, list, narrow, (scroller, body));
    let shown = Derived::new(move || {
        let focused = list.roving.focused();
        layout.with(|layout| layout.in_view(view.get(), focused.as_ref()))
    });
    let seated = StoredValue::new_local(Seated::default());
    let items = move || {
        layout.with(|layout| {
            shown.with(|shown| {
                seated
                    .try_update_value(|seated| items(layout, shown, seated))
                    .unwrap_or_default()
            })
        })
    };
    let height = move || thirds(layout.with(|layout| layout.height));
    let count = Memo::new(move |_| layout.with(|layout| layout.rows.len() + 1));
    // By the pointer, and by the focus.
    let inside = RwSignal::new((false, false));
    Effect::new(move |_| {
        let (pointer, focus) = inside.get();
        store.hold_fleet(pointer || focus);
    });
    view! {
        <section
            class="fleet"
            aria-label="All machines"
            node_ref=scroller
            class:beside=beside
            on:scroll=move |_| bar.scrolled.update(|count| *count = count.wrapping_add(1))
            on:pointerenter=move |_| inside.update(|inside| inside.0 = true)
            on:pointerleave=move |_| inside.update(|inside| inside.0 = false)
            on:focusin=move |_| inside.update(|inside| inside.1 = true)
            on:focusout=move |_| inside.update(|inside| inside.1 = false)
        >
            <div
                role="grid"
                aria-label="Machines"
                aria-rowcount=count
                on:keydown=move |event| move_focus(&event, list)
            >
                {head(store)}
                <div class="body" role="rowgroup" node_ref=body style:height=height>
                    {rows(items, Item::key, Item::draw)}
                </div>
            </div>
        </section>
    }
}

fn layout_of(store: Store, narrow: RwSignal<bool>, beside: Memo<bool>) -> Derived<Arc<Layout>> {
    let bar = store.fleet;
    Derived::new(move || {
        let labels = match bar.grouping.get() {
            Grouping::Parent | Grouping::None => Labels::Absent,
            _ if beside.get() => Labels::Beside,
            // On a phone a row takes 48 pixels, a label 32.
            _ if narrow.get() => Labels::Above(2),
            _ => Labels::Above(3),
        };
        Arc::new(bar.list.with(|list| Layout::of(list, labels)))
    })
}

/// What is in view, in thirds of a row; followed as long as the list is there.
fn in_view_of(
    store: Store,
    list: FleetList,
    narrow: RwSignal<bool>,
    (scroller, body): (NodeRef<html::Section>, NodeRef<html::Div>),
) -> RwSignal<(u32, u32)> {
    let view = RwSignal::new((0, u32::MAX / 2));
    let look = move || {
        // A frame of a page that nobody saw may come when the view was left.
        let Some(height) = list.layout.try_with_untracked(|layout| layout.height) else {
            return;
        };
        if narrow.get_untracked() != browser::is_narrow() {
            narrow.set(browser::is_narrow());
        }
        if list.look.with_untracked(Option::is_none) {
            look_anew(list.look, body);
        }
        if let Some(seen) = in_view(scroller, body, height)
            && view.get_untracked() != seen
        {
            view.set(seen);
        }
    };
    let resized = window_event_listener(ev::resize, move |_| {
        look();
        look_anew(list.look, body);
    });
    on_cleanup(move || {
        resized.remove();
        store.hold_fleet(false);
    });
    Effect::new(move |_| {
        list.layout.track();
        store.fleet.scrolled.track();
        request_animation_frame(look);
    });
    view
}

/// A label, or a row.
enum Item {
    Label(usize),
    Row(u64, ArcRwSignal<Seat>),
}

impl Item {
    fn key(&self) -> RowKey {
        match self {
            Self::Label(at) => RowKey::Numbered(None, *at as u64),
            Self::Row(seat, _) => RowKey::Numbered(None, SEATS + seat),
        }
    }

    fn draw(self) -> AnyView {
        match self {
            Self::Label(at) => view! { <LabelAt at /> }.into_any(),
            Self::Row(_, seat) => row(seat),
        }
    }
}

/// Rows that are there.
#[derive(Default)]
struct Seated {
    seats: Seats<MachineKey>,
    rows: Vec<(u64, ArcRwSignal<Seat>)>,
}

impl Seated {
    /// The rows of these machines, each told what it is about now.
    fn seat(&mut self, wanted: &[Seat]) -> Vec<Item> {
        let seats = self.seats.seat(wanted.iter().map(|seat| seat.key));
        let mut before = std::mem::take(&mut self.rows);
        let rows = seats.into_iter().zip(wanted).map(|(number, seat)| {
            let known = before.iter().position(|(it, _)| *it == number);
            let row = known.map(|at| before.swap_remove(at).1);
            let row = row.unwrap_or_else(|| ArcRwSignal::new(*seat));
            if row.with_untracked(|old| old != seat) {
                row.set(*seat);
            }
            (number, row)
        });
        self.rows = rows.collect();
        let rows = self.rows.iter().cloned();
        rows.map(|(number, row)| Item::Row(number, row)).collect()
    }
}

/// From top to bottom, as they are read: a label, then its rows.
fn items(layout: &Layout, shown: &InView, seated: &mut Seated) -> Vec<Item> {
    let labels = shown.labels.iter().filter_map(|at| layout.labels.get(*at));
    let mut labels = labels.peekable();
    let seat = |index: &usize| {
        let (key, top, depth) = *layout.rows.get(*index)?;
        Some(Seat {
            key,
            index: *index,
            top,
            depth,
        })
    };
    let wanted: Vec<Seat> = shown.rows.iter().filter_map(seat).collect();
    let rows = seated.seat(&wanted);
    let mut items = Vec::with_capacity(shown.labels.len() + rows.len());
    for (row, seat) in rows.into_iter().zip(&wanted) {
        while let Some(label) = labels.next_if(|label| label.1 <= seat.top) {
            items.push(Item::Label(label.0));
        }
        items.push(row);
    }
    items.extend(labels.map(|label| Item::Label(label.0)));
    items
}

/// The label of a section, whichever that is now.
#[component]
fn LabelAt(at: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let list = expect_context::<FleetList>();
    let section = Derived::new(move || {
        let sections = |list: &Arc<crate::model::Arranged>| {
            let section = list.sections.get(at)?;
            Some((section.label.clone(), section.rows.len()))
        };
        store.fleet.list.with(sections)
    });
    let place = Derived::new(move || {
        let place =
            |layout: &Arc<Layout>| layout.labels.iter().find(|label| label.0 == at).copied();
        list.layout.with(place).unwrap_or_default()
    });
    let top = move || shifted(place.with(|place| place.1));
    let height = move || thirds(place.with(|place| place.2));
    view! {
        <div class="group" role="row" style:transform=top style:height=height>
            {dynamic(move || section.get().map(|(name, count)| label(store, &name, count, true)))}
        </div>
    }
}

/// So many thirds of a row, for the stylesheet.
fn thirds(count: u32) -> String {
    format!("calc(var(--line-third) * {count})")
}

/// So much further down.
pub fn shifted(top: u32) -> String {
    format!("translateY({})", thirds(top))
}

fn head(store: Store) -> impl IntoView {
    view! {
        <div class="head" role="row">
            <span role="columnheader">"Host"</span>
            <span role="columnheader"></span>
            <span role="columnheader">"Machine"</span>
            <span role="columnheader">"Active states"</span>
            <span class="num" role="columnheader">
                "Ticks"
            </span>
            <span class="num rate" role="columnheader" title=words::RATE>
                "Per s"
            </span>
            <span class="num" role="columnheader">
                "Changed"
            </span>
            <span class="lanes" role="columnheader" aria-label="Changes over time">
                {lane_head(store)}
            </span>
        </div>
    }
}

/// What is seen of the body, in thirds of a row, and a little more; by whatever scrolls it.
fn in_view(
    scroller: NodeRef<html::Section>,
    body: NodeRef<html::Div>,
    height: u32,
) -> Option<(u32, u32)> {
    let scroller = scroller.get_untracked()?;
    let body = body.get_untracked()?.get_bounding_client_rect();
    let screen = window().inner_height().ok()?.as_f64()?;
    let seen = scroller.get_bounding_client_rect();
    let third = body.height() / f64::from(height.max(1));
    if third <= 0.0 {
        return None;
    }
    let at = |y: f64| ((y - body.top()) / third).max(0.0) as u32;
    let from = at(seen.top().max(0.0)) / STEP * STEP;
    let to = at(seen.bottom().min(screen));
    Some((from.saturating_sub(STEP), (to / STEP + 2) * STEP))
}

/// Moves the focus among all rows of the list, also those that are not in the document yet.
fn move_focus(event: &KeyboardEvent, list: FleetList) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let at = |layout: &Arc<Layout>| {
        let last = layout.rows.len().checked_sub(1)?;
        let at = list.roving.focused().and_then(|key| layout.place(&key));
        let next = match event.key().as_str() {
            "ArrowDown" | "j" => at.map_or(0, |at| (at + 1).min(last)),
            "ArrowUp" | "k" => at.map_or(0, |at| at.saturating_sub(1)),
            "PageDown" => at.map_or(0, |at| (at + PAGE).min(last)),
            "PageUp" => at.map_or(0, |at| at.saturating_sub(PAGE)),
            "Home" => 0,
            "End" => last,
            _ => return None,
        };
        Some(layout.rows.get(next)?.0)
    };
    if let Some(key) = list.layout.with_untracked(at) {
        event.prevent_default();
        list.roving.enter(key);
        list.wanted.set(Some(key));
    }
}

/// The view moves on after so many thirds of a row: not every pixel of scrolling is worth a look.
const STEP: u32 = 12;
/// Rows by Page Up and Page Down.
const PAGE: usize = 20;
/// Numbers of rows begin here; those below are of labels.
const SEATS: u64 = 1 << 32;
