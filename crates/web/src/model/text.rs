//! Text that came from a peer: made safe to show, never trusted.

use std::sync::Arc;

/// A peer's text as it may be shown: control characters replaced, cut, with the full text beside it when it was cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// At most [`SHORT`] characters.
    pub short: Arc<str>,
    /// All of it (bounded, see [`FULL`]) when `short` lacks something.
    pub full: Option<Arc<str>>,
}

impl Shown {
    /// Cleans and cuts.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut cleaned = text.chars().map(clean);
        let mut short: String = cleaned.by_ref().take(SHORT).collect();
        let rest: String = cleaned.take(FULL - SHORT).collect();
        let full = if rest.is_empty() {
            None
        } else {
            let full: Arc<str> = format!("{short}{rest}").into();
            short = short.chars().take(SHORT - 1).chain(['…']).collect();
            Some(full)
        };
        Self {
            short: short.into(),
            full,
        }
    }

    /// All that is known of it.
    #[must_use]
    pub fn whole(&self) -> &str {
        self.full.as_deref().unwrap_or(&self.short)
    }

    /// For places without markup (tooltips, labels), where nothing isolates directions: marks of direction are
    /// replaced too.
    #[must_use]
    pub fn plain(&self) -> String {
        self.whole()
            .chars()
            .map(|c| if is_direction(c) { REPLACED } else { c })
            .collect()
    }
}

fn clean(c: char) -> char {
    if c.is_control() { REPLACED } else { c }
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const REPLACED: char = '\u{fffd}';
/// Characters shown in place (dashboard design 4.3).
const SHORT: usize = 64;
/// Characters shown on demand: longer than any sensible name, short enough for a tooltip.
const FULL: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        let shown = Shown::new("a\0b\u{1b}[31m\nc");
        assert_eq!(&*shown.short, "a\u{fffd}b\u{fffd}[31m\u{fffd}c");
        assert_eq!(shown.full, None);
    }

    #[test]
    fn long_text_is_cut_by_characters_with_the_rest_on_demand() {
        let shown = Shown::new(&"é".repeat(100_000));
        assert_eq!(shown.short.chars().count(), SHORT);
        assert!(shown.short.ends_with('…'));
        assert_eq!(shown.whole().chars().count(), FULL);
        let exact = "x".repeat(SHORT);
        assert_eq!(Shown::new(&exact).whole(), exact);
    }

    #[test]
    fn tooltips_hold_no_marks_of_direction() {
        assert_eq!(Shown::new("exe\u{202e}gpj").plain(), "exe\u{fffd}gpj");
        assert_eq!(&*Shown::new("exe\u{202e}gpj").short, "exe\u{202e}gpj");
    }
}
