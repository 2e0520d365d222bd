//! Definitions as text.

use std::fmt::Write;

use crate::engine::schema::{SchemaDef, StateDef};

#[cfg(feature = "json")]
impl SchemaDef {
    /// This definition as JSON, a state per line. [`SchemaDef::from_json`] makes the same of it, if it is without
    /// mistakes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let states = self.states.iter().map(|(name, state)| {
            let keys: Vec<String> = keys(state)
                .map(|(key, value)| format!("\"{key}\": {value}"))
                .collect();
            let keys = match keys.as_slice() {
                [] => String::new(),
                keys => format!(" {} ", keys.join(", ")),
            };
            format!("\n  {}: {{{keys}}}", quoted(name))
        });
        let states: Vec<String> = states.collect();
        format!("{{{}\n}}\n", states.join(","))
    }
}

#[cfg(feature = "toml")]
impl SchemaDef {
    /// This definition as TOML, a table per state. [`SchemaDef::from_toml`] makes the same of it, if it is without
    /// mistakes.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let states = self.states.iter().map(|(name, state)| {
            let keys = keys(state).map(|(key, value)| format!("{key} = {value}\n"));
            let keys: String = keys.collect();
            match name.as_str() {
                bare if !bare.is_empty() && bare.chars().all(is_bare) => {
                    format!("[{bare}]\n{keys}")
                }
                name => format!("[{}]\n{keys}", quoted(name)),
            }
        });
        let states: Vec<String> = states.collect();
        states.join("\n")
    }
}

/// What a state has; the values are written alike in both formats.
fn keys(state: &StateDef) -> impl Iterator<Item = (&'static str, String)> {
    let flags = [("auto", state.auto), ("multi", state.multi)];
    let flags = flags.into_iter().filter(|(_, flag)| *flag);
    let flags = flags.map(|(key, _)| (key, "true".to_owned()));
    let lists = [
        ("require", &state.require),
        ("add", &state.add),
        ("remove", &state.remove),
        ("after", &state.after),
        ("tags", &state.tags),
    ];
    flags.chain(lists.into_iter().filter_map(|(key, list)| {
        let names = list.as_ref()?.iter().map(|name| quoted(name));
        let names: Vec<String> = names.collect();
        Some((key, format!("[{}]", names.join(", "))))
    }))
}

/// A text that JSON and TOML both read back as it was.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                // Control characters have at most two hexadecimal digits.
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
