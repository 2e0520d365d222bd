//! Glyphs: shapes from the sprite in index.html, so that colour only repeats what the shape says.

use crate::ui::prelude::*;

use crate::model::Health;

/// A drawing of the sprite; decoration only.
pub fn icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("#{name}") />
        </svg>
    }
}

/// The glyph of a health; the row around it says the word.
pub fn health_glyph(health: Health) -> impl IntoView {
    let mark = health.mark();
    view! {
        <svg class=format!("glyph health-{mark}") aria-hidden="true">
            <use href=format!("#h-{mark}") />
        </svg>
    }
}

/// The glyph of a state.
pub fn state_glyph(active: bool, multi: bool, error: bool) -> impl IntoView {
    let (shape, class) = state_shape(active, multi, error);
    view! {
        <svg class=class aria-hidden="true">
            <use href=shape />
        </svg>
    }
}

/// Where the glyph of a state is in the sprite, and its class.
pub fn state_shape(active: bool, multi: bool, error: bool) -> (&'static str, &'static str) {
    match (active, error, multi) {
        (true, true, _) => ("#h-error", "glyph error"),
        (true, false, true) => ("#s-multi-on", "glyph multi"),
        (true, false, false) => ("#s-on", "glyph active"),
        (false, _, true) => ("#s-multi-off", "glyph inactive"),
        (false, _, false) => ("#s-off", "glyph inactive"),
    }
}
