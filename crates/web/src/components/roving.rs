//! Keyboard in long lists: one row takes part in the tab order, arrow keys move between rows.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::derived::Derived;
use crate::model::MachineKey;

/// Which row of a list takes part in the tab order: the one focused last, else the first.
#[derive(Clone, Copy)]
pub struct Roving {
    focused: RwSignal<Option<MachineKey>>,
    first: Derived<Option<MachineKey>>,
}

impl Roving {
    /// A list whose first row is `first`.
    pub fn new(first: Derived<Option<MachineKey>>) -> Self {
        Self {
            focused: RwSignal::new(None),
            first,
        }
    }

    /// The row focused last.
    pub fn focused(self) -> Option<MachineKey> {
        self.focused.get()
    }

    /// The `tabindex` of a row.
    pub fn tabindex(self, key: MachineKey) -> &'static str {
        let at = self.focused.get().or_else(|| self.first.get());
        if at == Some(key) { "0" } else { "-1" }
    }

    /// A row took the focus.
    pub fn enter(self, key: MachineKey) {
        self.focused.set(Some(key));
    }
}

/// Moves the focus among the links of the list the event comes from.
pub fn move_focus(event: KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowDown" | "j" => Step::By(1),
        "ArrowUp" | "k" => Step::By(-1),
        "Home" => Step::First,
        "End" => Step::Last,
        _ => return,
    };
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let list = event
        .current_target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let Some(Ok(rows)) = list.map(|list| list.query_selector_all(ROWS)) else {
        return;
    };
    let rows: Vec<HtmlElement> = (0..rows.length())
        .filter_map(|at| rows.get(at)?.dyn_into().ok())
        .collect();
    let focused = document().active_element();
    let at = rows
        .iter()
        .position(|row| focused.as_ref() == Some(row.as_ref()));
    let last = rows.len().saturating_sub(1);
    let next = match (step, at) {
        (Step::First, _) | (Step::By(_), None) => 0,
        (Step::Last, _) => last,
        (Step::By(by), Some(at)) => at.saturating_add_signed(by).min(last),
    };
    if let Some(row) = rows.get(next) {
        event.prevent_default();
        // A visible link takes the focus.
        let _ = row.focus();
    }
}

enum Step {
    By(isize),
    First,
    Last,
}

/// Rows that can take the focus.
const ROWS: &str = "a.row:not([hidden]), [role=treeitem]";
