//! Makes text of other peers safe to print.
//!
//! Machine ids, state names and tags are any text their owner likes: on a terminal they could move the cursor, colour
//! the screen or reorder a line (bidirectional overrides). Everything printed or logged goes through here once.

use std::fmt;
use std::io::{self, Write};

/// Shows text with every control, bidirectional and invisible character as `\u{…}`, and cut after [`MAX_SHOWN`] characters.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for (count, character) in self.0.chars().enumerate() {
            if count == MAX_SHOWN {
                return f.write_char('…');
            }
            if is_unsafe(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// The whole text on one line, escaped like [`Escaped`] but not cut.
pub fn escape_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Escapes what a JSON encoder leaves as it is although a terminal would act on it. The input must be encoded JSON:
/// there such characters occur inside strings only, so `\uXXXX` keeps the meaning.
pub fn escape_json(json: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Standard error for the log: each write is one event, and only its final line feed is let through raw.
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut out = escape_line(text.strip_suffix('\n').unwrap_or(&text));
        out.push('\n');
        io::stderr().lock().write_all(out.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Longest text shown of a peer; names people give are shorter.
const MAX_SHOWN: usize = 200;

/// Controls (C0, DEL, C1), separators, directional marks, zero-width and tag characters.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_see_no_control_character() {
        for (input, expected) in [
            ("courier-17", "courier-17"),
            ("Zürich 包裹 📦", "Zürich 包裹 📦"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("line\r\nbreak", "line\\u{d}\\u{a}break"),
            ("safe\u{202e}gpj.exe", "safe\\u{202e}gpj.exe"),
            ("x\u{9b}31m", "x\\u{9b}31m"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("\u{feff}", "\\u{feff}"),
        ] {
            assert_eq!(Escaped(input).to_string(), expected);
        }
    }

    #[test]
    fn long_text_is_cut() {
        let shown = Escaped(&"ä".repeat(5000)).to_string();
        assert_eq!(shown.chars().count(), MAX_SHOWN + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\"\\ü";
        let json = escape_json(&serde_json::to_string(text).unwrap());
        assert!(!json.chars().any(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
