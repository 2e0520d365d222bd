//! Text of peers: always a text node in `<bdi>`, never markup; the full text on demand.

use crate::ui::prelude::*;

use crate::model::{Piece, Shown};

/// A peer's name.
pub fn name(shown: &Shown) -> impl IntoView + use<> {
    let title = shown.full.as_ref().map(|_| shown.plain());
    let short = shown.short.to_string();
    view! { <bdi title=title>{short}</bdi> }
}

/// A sentence with names in it.
pub fn sentence(pieces: &[Piece]) -> impl IntoView + use<> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone().into_any(),
            Piece::Name(shown) => view! { <b>{name(shown)}</b> }.into_any(),
            Piece::Data(shown, mark) => view! { <code class=*mark>{name(shown)}</code> }.into_any(),
        })
        .collect_view()
}
