//! The table of a comparison: A, how both relate, B. Of any number of rows only those on screen are in the document.
//!
//! Arrow keys move through it, Enter goes to the moment of the side the cursor is on, or opens what is folded.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Div;
use web_sys::HtmlDivElement;

use super::{dynamic, name, sentence};
use crate::comparing::Comparing;
use crate::model::compare::{Call, Comparison, Fold, Item, Level, Line, Row, Sameness, Table};
use crate::model::{Seen, grouped};
use crate::words::compare as say;

/// What is on screen, and where the cursor is.
#[derive(Clone, Copy)]
struct Sheet {
    comparing: Comparing,
    grid: NodeRef<Div>,
    /// First line drawn, and how many.
    view: RwSignal<(usize, usize)>,
    /// Line and side.
    cursor: RwSignal<(usize, usize)>,
}

/// All rows.
#[component]
pub fn CompareTable() -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let sheet = Sheet {
        comparing,
        grid: NodeRef::new(),
        view: RwSignal::new((0, 60)),
        cursor: RwSignal::new((0, 0)),
    };
    let total = Memo::new(move |_| comparing.with(|_, table| table.lines()).unwrap_or(0));
    // Another comparison begins where both part.
    Effect::new(move |_| {
        comparing.made.track();
        if let Some(line) = untrack(|| comparing.first_line()) {
            sheet.cursor.update(|cursor| cursor.0 = line);
            request_animation_frame(move || sheet.show(line));
        }
    });
    let height = move || format!("calc(var(--compare-row) * {})", total.get() + 1);
    let rows = move || {
        let (from, count) = sheet.view.get();
        comparing.with(|comparison, table| {
            let lines = (from..from + count).filter_map(|at| Some((at, table.line(at)?)));
            let lines = lines.map(|(at, line)| draw(sheet, comparison, at, line));
            let end = (from + count >= table.lines()).then(|| end(comparison, table));
            view! {
                {lines.collect_view()}
                {end}
            }
        })
    };
    // The grid stays, and with it the focus, whatever is opened in it.
    let is_any = Memo::new(move |_| total.get() > 0);
    let body = move || {
        is_any.get().then(|| {
            view! {
                <div
                    class="compare-grid"
                    role="grid"
                    tabindex="0"
                    aria-label="Rows of A and B"
                    aria-rowcount=move || (total.get() + 1).to_string()
                    aria-activedescendant=move || format!("compare-{}", sheet.cursor.get().0)
                    on:scroll=move |_| sheet.measure()
                    on:keydown=move |event| sheet.press(&event)
                    node_ref=sheet.grid
                >
                    <div class="compare-body" role="rowgroup" style:height=height>
                        {dynamic(rows)}
                    </div>
                </div>
            }
        })
    };
    dynamic(body)
}

impl Sheet {
    fn row_height(grid: &HtmlDivElement, total: usize) -> f64 {
        let body = grid.first_element_child();
        let height = body.map_or(0, |body| body.client_height());
        f64::from(height.max(1)) / (total + 1) as f64
    }

    fn total(self) -> usize {
        untrack(|| self.comparing.with(|_, table| table.lines())).unwrap_or(0)
    }

    fn measure(self) {
        if let Some(grid) = self.grid.get_untracked() {
            let row = Self::row_height(&grid, self.total());
            // In steps, so that few scroll events change anything.
            let first = (f64::from(grid.scroll_top()) / row) as usize / STEP * STEP;
            let count = (f64::from(grid.client_height()) / row) as usize / STEP * STEP + 4 * STEP;
            let seen = (first.saturating_sub(STEP), count);
            if self.view.get_untracked() != seen {
                self.view.set(seen);
            }
        }
    }

    /// Has a line on screen, with some before it.
    fn show(self, line: usize) {
        if let Some(grid) = self.grid.get_untracked() {
            let row = Self::row_height(&grid, self.total());
            let (top, room) = (
                f64::from(grid.scroll_top()),
                f64::from(grid.client_height()),
            );
            let at = line as f64 * row;
            if at < top + row || at + 2.0 * row > top + room {
                grid.set_scroll_top((at - room / 3.0).max(0.0) as i32);
            }
        }
        self.measure();
    }

    fn press(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() {
            return;
        }
        let (line, side) = self.cursor.get_untracked();
        let last = self.total().saturating_sub(1);
        let page = self.view.get_untracked().1.saturating_sub(3 * STEP).max(1);
        let (line, side) = match event.key().as_str() {
            "ArrowDown" | "j" => ((line + 1).min(last), side),
            "ArrowUp" | "k" => (line.saturating_sub(1), side),
            "PageDown" => ((line + page).min(last), side),
            "PageUp" => (line.saturating_sub(page), side),
            "Home" => (0, side),
            "End" => (last, side),
            "ArrowLeft" => (line, 0),
            "ArrowRight" => (line, 1),
            "Enter" => {
                self.enter(line, side);
                return event.prevent_default();
            }
            _ => return,
        };
        event.prevent_default();
        self.cursor.set((line, side));
        self.show(line);
    }

    fn enter(self, line: usize, side: usize) {
        match self.comparing.row_at(line) {
            Some((Line::Fold(block, ..), _)) => self.comparing.toggle(block),
            Some((Line::Row(_), Some(row))) => {
                let has = [row.a.is_some(), row.b.is_some()];
                let side = if has[side] { side } else { 1 - side };
                self.choose(row, side);
            }
            Some((Line::Row(_), None)) | None => {}
        }
    }

    /// Goes there, or takes it to be aligned.
    fn choose(self, row: Row, side: usize) {
        let Some(item) = [row.a, row.b][side] else {
            return;
        };
        if self.comparing.hand.get_untracked().is_some() {
            self.comparing.pick(side, item);
        } else {
            self.comparing.go(side, item);
        }
    }
}

fn draw(sheet: Sheet, comparison: &Comparison, at: usize, line: Line) -> AnyView {
    let cells = match line {
        Line::Fold(block, rows, fold, is_open) => {
            folded(sheet, comparison, (block, rows, fold, is_open))
        }
        Line::Row(row) => {
            let row = comparison.rows[row];
            view! {
                {side(sheet, comparison, row, 0)}
                <span class="compare-is" role="gridcell">{say::relation(&row)}</span>
                {side(sheet, comparison, row, 1)}
            }
            .into_any()
        }
    };
    let is = match line {
        Line::Fold(..) => "fold",
        Line::Row(row) => mark(comparison.rows[row].is),
    };
    let is_first = matches!(line, Line::Row(row) if Some(row) == comparison.first);
    view! {
        <div
            id=format!("compare-{at}")
            class="compare-row"
            class:first=is_first
            role="row"
            aria-rowindex=(at + 1).to_string()
            aria-selected=move || (sheet.cursor.get().0 == at).to_string()
            data-is=is
            style:transform=format!("translateY(calc(var(--compare-row) * {at}))")
            on:click=move |_| sheet.cursor.update(|cursor| cursor.0 = at)
        >
            {cells}
        </div>
    }
    .into_any()
}

/// How the stylesheet and scripts call it.
fn mark(is: Sameness) -> &'static str {
    match is {
        Sameness::Before => "before",
        Sameness::Same => "same",
        Sameness::SlowerInA | Sameness::SlowerInB => "slower",
        Sameness::Between => "between",
        Sameness::Target => "target",
        Sameness::Different => "different",
        Sameness::Only => "only",
        Sameness::Order(_) => "order",
    }
}

fn folded(
    sheet: Sheet,
    comparison: &Comparison,
    (block, (from, to), fold, is_open): (usize, (usize, usize), Fold, bool),
) -> AnyView {
    let rows = &comparison.rows[from..to];
    let says = |side: usize| {
        let count = rows.iter().filter(|row| [row.a, row.b][side].is_some());
        match count.count() {
            0 => String::new(),
            count => say::folded(fold, count, comparison.level),
        }
    };
    let sign = if fold == Fold::Same { "=" } else { "…" };
    view! {
        <span class="compare-cell" role="gridcell">
            <button
                class="compare-fold"
                type="button"
                tabindex="-1"
                aria-expanded=is_open.to_string()
                on:click=move |_| sheet.comparing.toggle(block)
            >
                <i class="twisty" aria-hidden="true"></i>
                {says(0)}
            </button>
        </span>
        <span class="compare-is" role="gridcell">{sign}</span>
        <span class="compare-cell" role="gridcell">{says(1)}</span>
    }
    .into_any()
}

fn side(sheet: Sheet, comparison: &Comparison, row: Row, side: usize) -> AnyView {
    let Some(item) = comparison.item(side, [row.a, row.b][side]) else {
        return view! { <span class="compare-cell none" role="gridcell" aria-label="nothing"></span> }
            .into_any();
    };
    let comparing = sheet.comparing;
    let number = item.number.map_or_else(|| "·".to_owned(), grouped);
    let zero = zero(comparison, side);
    let goes = move || {
        if comparing.hand.get().is_some() {
            "Align here"
        } else {
            "Go to this moment"
        }
    };
    let at = [row.a, row.b][side];
    let is_picked = move || {
        comparing
            .hand
            .with(|hand| hand.is_some_and(|hand| hand[side] == at))
    };
    view! {
        <span class="compare-cell" role="gridcell" class:picked=is_picked>
            <button class="num" type="button" tabindex="-1" title=goes on:click=move |_| sheet.choose(row, side)>
                {number}
            </button>
            <span class="num">{say::apart(item.at.by, zero)}</span>
            <span class="compare-what">{what(comparison, item)}</span>
        </span>
    }
    .into_any()
}

/// Where both part, else where both begin.
fn zero(comparison: &Comparison, side: usize) -> Seen {
    let first = comparison.first.and_then(|first| {
        let rows = comparison.rows[first..].iter();
        let mut places = rows.filter_map(|row| [row.a, row.b][side]);
        comparison.item(side, places.next())
    });
    let begin = [comparison.begin.0, comparison.begin.1][side];
    let item = first.or_else(|| comparison.item(side, Some(begin as u32)));
    item.map_or(comparison.sides[side].span.0, |item| item.at.by)
}

fn what(comparison: &Comparison, item: &Item) -> AnyView {
    let call =
        Call::of(&comparison.symbols, item.what).filter(|_| comparison.level == Level::Trace);
    let Some(call) = call else {
        let turned = comparison.symbols.list(item.turned).iter().map(|turned| {
            let word = if turned & 1 == 1 { "on " } else { "off " };
            view! { {word} <u>{name(&say::state_name(comparison, turned >> 1))}</u> " " }
        });
        return turned.collect_view().into_any();
    };
    let called = call.called.iter().map(|state| {
        view! { <u>{name(&say::state_name(comparison, *state))}</u> " " }
    });
    let cross = call.is_canceled.then_some("×");
    view! {
        <span class="call">{say::mutation(&call)}</span>
        " "
        <span class:refused=call.is_canceled>{called.collect_view()}</span>
        {cross}
    }
    .into_any()
}

fn end(comparison: &Comparison, table: &Table) -> AnyView {
    view! {
        <div
            class="compare-row"
            role="row"
            aria-rowindex=(table.lines() + 1).to_string()
            data-is="end"
            style:transform=format!("translateY(calc(var(--compare-row) * {}))", table.lines())
        >
            <span class="compare-cell" role="gridcell"><span>{sentence(&say::end(comparison, 0))}</span></span>
            <span class="compare-is" role="gridcell"></span>
            <span class="compare-cell" role="gridcell"><span>{sentence(&say::end(comparison, 1))}</span></span>
        </div>
    }
    .into_any()
}

/// Lines the list moves by.
const STEP: usize = 8;
