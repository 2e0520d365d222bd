//! A sentence with names in it: the page sets names in bold and isolates them, the live region reads plain text.

use super::Shown;

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Our own words.
    Text(String),
    /// A peer's name.
    Name(Shown),
    /// A state with its tick or another datum, in the data font.
    Data(Shown, &'static str),
}

impl Piece {
    /// Our own words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The sentence without markup.
    #[must_use]
    pub fn plain(pieces: &[Self]) -> String {
        pieces
            .iter()
            .map(|piece| match piece {
                Self::Text(text) => text.clone(),
                Self::Name(name) | Self::Data(name, _) => name.plain(),
            })
            .collect()
    }
}
