//! Rain: one row for each transition or interval of a machine, a column for each state. A list of any length, of which
//! only what is on screen is in the document.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Div;
use web_sys::HtmlDivElement;

use super::dynamic::{RowKey, dynamic, rows};
use super::machine_view::MachineUi;
use super::name;
use super::tx_filters::filtered_out;
use crate::derived::Derived;
use crate::history::{Cell, Head, RainColumns, RainEvent, RainRow, RainWindow};
use crate::model::{CELL_HEIGHT, CELL_WIDTH, SchemaFacts, fixed, rain_paths};
use crate::store::Store;
use crate::words::{self, machine as say};

/// What the rows share.
#[derive(Clone, Copy)]
struct Sheet {
    ui: MachineUi,
    store: Store,
    window: Derived<RainWindow>,
    columns: Derived<RainColumns>,
}

/// The tab.
#[component]
pub fn Rain() -> impl IntoView {
    let store = expect_context::<Store>();
    let ui = expect_context::<MachineUi>();
    let all = RwSignal::new(false);
    let view = RwSignal::new((0_usize, 40_usize));
    let window = Derived::new(move || {
        let (first, count) = view.get();
        let rows = first..first + count;
        ui.key
            .get()
            .map(|key| store.rain(&key, rows))
            .unwrap_or_default()
    });
    let columns = Derived::new(move || {
        let all = all.get();
        ui.key
            .get()
            .map(|key| store.rain_columns(&key, all))
            .unwrap_or_default()
    });
    let sheet = Sheet {
        ui,
        store,
        window,
        columns,
    };
    let list = List {
        grid: NodeRef::new(),
        view,
        total: Memo::new(move |_| window.with(|window| window.total)),
    };
    // The row at the cursor stays on screen; whoever scrolls away from it is left there until it moves.
    let cursor = Memo::new(move |_| window.with(|window| (window.cursor, window.total)));
    Effect::new(move |_| list.follow(cursor.get()));
    Effect::new(move |_| {
        store.frame.track();
        list.measure();
    });
    let at_cursor = move || cursor.get().0.map(|row| format!("rain-{row}"));
    let total = move || window.with(|window| (window.total + 1).to_string());
    let height = move || window.with(|window| format!("calc(var(--rain-row) * {})", window.total));
    let items =
        move || window.with(|window| window.rows.iter().map(|row| row.row).collect::<Vec<_>>());
    view! {
        {dynamic(move || note(sheet))}
        {dynamic(move || more_columns(columns, all))}
        <div
            class="rain"
            role="grid"
            tabindex="0"
            aria-label="Transitions"
            aria-rowcount=total
            aria-activedescendant=at_cursor
            on:scroll=move |_| list.measure()
            on:keydown=move |event| list.press(store, &event)
            node_ref=list.grid
        >
            {dynamic(move || head(sheet))}
            <div class="rain-body" role="rowgroup" style:height=height>
                {rows(
                    items,
                    |row| RowKey::Numbered(None, *row as u64),
                    move |row| view! { <Row row sheet /> }.into_any(),
                )}
            </div>
        </div>
    }
}

/// A list that scrolls.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) grid: NodeRef<Div>,
    /// First row read, and how many.
    pub(super) view: RwSignal<(usize, usize)>,
    /// Rows in all.
    pub(super) total: Memo<usize>,
}

impl List {
    /// Sees what is on screen.
    pub(super) fn measure(self) {
        if let Some(grid) = self.grid.get_untracked() {
            // A frame of a page that nobody saw may come when the view was left.
            let Some(total) = self.total.try_with_untracked(|total| *total) else {
                return;
            };
            let row = row_height(&grid, total);
            // In steps, so that few scroll events change anything.
            let first = (f64::from(grid.scroll_top()) / row) as usize / STEP * STEP;
            let count = (f64::from(grid.client_height()) / row) as usize / STEP * STEP + 4 * STEP;
            let seen = (first.saturating_sub(STEP), count);
            if self.view.get_untracked() != seen {
                self.view.set(seen);
            }
        }
    }

    /// Has the row at the cursor on screen.
    pub(super) fn follow(self, (cursor, total): (Option<usize>, usize)) {
        let Some(grid) = self.grid.get() else {
            return;
        };
        // By then the list is as long as it has become.
        request_animation_frame(move || {
            // The view may have been left by then, and its signals with it.
            if !grid.is_connected() {
                return;
            }
            if let Some(row) = cursor {
                show_row(&grid, row, total);
            }
            self.measure();
        });
    }

    pub(super) fn press(self, store: Store, event: &KeyboardEvent) {
        let rows = self.view.get_untracked().1.saturating_sub(3 * STEP).max(1);
        let page = i64::try_from(rows).unwrap_or(1);
        let by = match event.key().as_str() {
            "ArrowDown" | "j" => 1,
            "ArrowUp" | "k" => -1,
            "PageDown" => page,
            "PageUp" => -page,
            _ => return,
        };
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() {
            return;
        }
        event.prevent_default();
        if by.abs() == 1 {
            store.step(by > 0);
        } else {
            store.step_by(by);
        }
    }
}

fn row_height(grid: &HtmlDivElement, total: usize) -> f64 {
    let body = grid.last_element_child();
    let height = body.map_or(0, |body| body.client_height());
    if height > 0 && total > 0 {
        f64::from(height) / total as f64
    } else {
        f64::from(CELL_HEIGHT)
    }
}

/// Scrolls as little as it takes to have a row on screen, below the head.
fn show_row(grid: &HtmlDivElement, row: usize, total: usize) {
    let height = row_height(grid, total);
    let head = grid
        .first_element_child()
        .filter(|_| grid.child_element_count() > 1)
        .map_or(0, |head| head.client_height());
    let room = f64::from(grid.client_height() - head);
    let (top, at) = (f64::from(grid.scroll_top()), row as f64 * height);
    if at < top {
        grid.set_scroll_top(at as i32);
    } else if at + height > top + room {
        grid.set_scroll_top((at + height - room).ceil() as i32);
    }
}

fn note(sheet: Sheet) -> Option<AnyView> {
    let dropped = sheet.window.with(|window| window.dropped);
    let empty = sheet
        .window
        .with(|window| window.total <= 1 && window.hidden == 0);
    if let Some(at) = dropped {
        let at = sheet.store.wall.text(at, 0);
        return Some(view! { <p class="note">{say::trimmed(&at)}</p> }.into_any());
    }
    empty.then(|| view! { <p class="note">{words::NO_CHANGE}</p> }.into_any())
}

/// What is hidden, and a way to show it.
pub fn more_columns(columns: Derived<RainColumns>, all: RwSignal<bool>) -> Option<AnyView> {
    let hidden = columns.with(|columns| columns.hidden);
    (hidden > 0 || all.get()).then(|| {
        let words = move || {
            if all.get() {
                None
            } else {
                Some(say::hidden_states(hidden))
            }
        };
        view! {
            <p class="note">
                {dynamic(words)}
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || all.get().to_string()
                    on:click=move |_| all.update(|all| *all = !*all)
                >
                    "All states"
                </button>
            </p>
        }
        .into_any()
    })
}

fn head(sheet: Sheet) -> AnyView {
    let schema = sheet.ui.schema.get().unwrap_or_default();
    let hot = sheet.ui.changed.get();
    let names = sheet.columns.with(|columns| {
        let names = columns.states.iter().map(|&state| {
            let shown = say::state_name(&schema, state);
            let is_hot = hot.contains(&state);
            view! { <span class:hot=is_hot title=shown.plain()>{name(&shown)}</span> }
        });
        names.collect_view()
    });
    view! {
        <div class="rain-head" role="row" aria-rowindex="1">
            <span class="tx" role="columnheader">"Tx"</span>
            <span class="seen" role="columnheader">"Seen"</span>
            <span class="mutation" role="columnheader">"Mutation"</span>
            <span class="names" role="columnheader" aria-label="States">{names}</span>
        </div>
    }
    .into_any()
}

#[component]
fn Row(row: usize, sheet: Sheet) -> impl IntoView {
    let Sheet { window, store, .. } = sheet;
    let data = Derived::new(move || {
        window.with(|window| {
            let first = window.rows.first()?.row;
            window.rows.get(row.checked_sub(first)?).cloned()
        })
    });
    let place = Memo::new(move |_| {
        let cursor = window.with(|window| window.cursor);
        cursor.map_or(1, |cursor| row.cmp(&cursor) as i8)
    });
    let label = Memo::new(move |_| {
        let schema = sheet.ui.schema.get().unwrap_or_default();
        data.with(|data| {
            data.as_ref().map(|data| {
                if data.is_filtered {
                    return words::log::FILTERED_OUT.to_owned();
                }
                say::rain_row(data, &schema, store.wall.get())
            })
        })
    });
    let seek = move |_| {
        if let Some(position) = data.with_untracked(|data| data.as_ref().map(|data| data.position))
        {
            store.seek_to(position);
        }
    };
    let shown = move || data.with(|data| data.as_ref().map(|data| draw(sheet, data)));
    let kind = Memo::new(move |_| data.with(|data| data.as_ref().map(kind)));
    view! {
        <div
            id=format!("rain-{row}")
            class="rain-row"
            class:at=move || place.get() == 0
            class:after=move || place.get().is_positive()
            role="row"
            aria-rowindex=(row + 2).to_string()
            aria-selected=move || (place.get() == 0).to_string()
            aria-label=label
            data-kind=kind
            style:transform=format!("translateY(calc(var(--rain-row) * {row}))")
            on:click=seek
        >
            {dynamic(shown)}
        </div>
    }
}

/// How the stylesheet and scripts call it.
fn kind(row: &RainRow) -> &'static str {
    match &row.event {
        _ if row.is_filtered => "filtered",
        RainEvent::Gap(_) => "gap",
        RainEvent::FirstLook(..) => "first",
        RainEvent::Thinned(_) => "thinned",
        RainEvent::Change { head, number, .. } => match (head, number) {
            (Some(head), _) if head.is_canceled => "canceled",
            (Some(head), _) if head.is_auto => "auto",
            (Some(_), _) => "executed",
            (None, Some(_)) => "changes",
            (None, None) => "interval",
        },
    }
}

fn draw(sheet: Sheet, row: &RainRow) -> AnyView {
    if row.is_filtered {
        return filtered_out(sheet.ui, sheet.store);
    }
    if let RainEvent::Gap(gap) = &row.event {
        return view! { <span class="words" role="gridcell"><span>{say::gap(gap)}</span></span> }
            .into_any();
    }
    let schema = sheet.ui.schema.get().unwrap_or_default();
    // Minutes are enough beside the clock of the dock.
    let seen = row
        .event
        .seen()
        .map(|at| sheet.store.wall.text(at, 3)[3..].to_owned());
    let number = match &row.event {
        RainEvent::Change { number, .. } => number.map(|number| number.to_string()),
        RainEvent::FirstLook(..) | RainEvent::Thinned(_) | RainEvent::Gap(_) => None,
    };
    view! {
        <span class="tx num" role="gridcell">{number}</span>
        <span class="seen num" role="gridcell">{seen}</span>
        <span class="mutation" role="gridcell">{mutation(&schema, &row.event)}</span>
        {cells(sheet, &schema, row)}
    }
    .into_any()
}

fn mutation(schema: &SchemaFacts, event: &RainEvent) -> AnyView {
    match event {
        RainEvent::Change {
            head: Some(head), ..
        } => call(schema, head),
        RainEvent::Change {
            number: Some(_),
            changes,
            ..
        } => say::changes(changes.len() as u64).into_any(),
        RainEvent::Change { at, changes, .. } => {
            let ticks = changes.iter().map(|it| it.ticks());
            let words = say::snapshot(ticks.fold(0, u64::saturating_add), *at);
            // Where there is little room, the row says the figures alone.
            let (lead, rest) = words.split_at(words.find(": ").map_or(0, |at| at + 2));
            view! { <span class="lead">{lead.to_owned()}</span> {rest.to_owned()} }.into_any()
        }
        RainEvent::FirstLook(_, true) => say::NEW_RUN.into_any(),
        RainEvent::FirstLook(_, false) => say::FIRST_LOOK.into_any(),
        RainEvent::Thinned(_) => say::THINNED.into_any(),
        RainEvent::Gap(_) => ().into_any(),
    }
}

/// `add RouteLost`, `remove Heartbeat ×`, and what caused it.
pub fn call(schema: &SchemaFacts, head: &Head) -> AnyView {
    let called = head.called.iter().map(|&state| {
        let shown = say::state_name(schema, state as usize);
        view! { <u>{name(&shown)}</u> " " }
    });
    let cross = head.is_canceled.then_some("× ");
    let source = head.source.as_ref().map(|cause| {
        let machine = crate::model::Shown::new(&cause.machine);
        view! { <small>"from " {name(&machine)}</small> }
    });
    view! {
        <span class="call">{say::mutation(head)}</span>
        " "
        {called.collect_view()}
        {cross}
        {source}
    }
    .into_any()
}

fn cells(sheet: Sheet, schema: &SchemaFacts, row: &RainRow) -> AnyView {
    let called = if let RainEvent::Change {
        head: Some(head), ..
    } = &row.event
    {
        &head.called[..]
    } else {
        &[]
    };
    sheet.columns.with(|columns| {
        let width = columns.states.len() as u32 * CELL_WIDTH;
        let paths = rain_paths(&row.cells, called, &columns.states, schema);
        let paths = paths.into_iter().map(|path| {
            view! { <path class=path.ink.class() d=path.path></path> }
        });
        // For scripts: how many states did what.
        let on = row
            .cells
            .iter()
            .filter(|(_, cell)| *cell != Cell::Active)
            .count();
        view! {
            <span class="cells" role="gridcell" data-cells=on.to_string()>
                <svg
                    aria-hidden="true"
                    preserveAspectRatio="none"
                    viewBox=format!("0 0 {width} {CELL_HEIGHT}")
                    style:width=format!("{}rem", fixed(f64::from(width) / 16.0))
                >
                    {paths.collect_view()}
                </svg>
            </span>
        }
        .into_any()
    })
}

/// Rows the list moves by.
const STEP: usize = 8;
