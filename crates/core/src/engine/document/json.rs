//! JSON as nodes. Raw values borrow from the text, so that their place is known.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Key, Node, SyntaxError, Value};

/// Tables in a schema, one in the other.
const TABLES: u32 = 2;

pub(super) fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        SyntaxError {
            line: error.line(),
            message: message[..end].to_owned(),
        }
    })?;
    Ok(node(root, text, TABLES))
}

/// A node of this part of the text, with at most so many tables one in the other.
fn node<'a>(raw: &'a RawValue, text: &str, tables: u32) -> Node<'a> {
    let part = raw.get();
    let value = match part.as_bytes().first() {
        Some(b't') => Value::Flag(true),
        Some(b'f') => Value::Flag(false),
        Some(b'n') => Value::Other("null"),
        Some(b'"') => string(part).map_or(Value::Other("a text that is no Unicode"), Value::Text),
        Some(b'{') if tables > 0 => table(part, text, tables - 1),
        Some(b'{') => Value::Other("a table"),
        // The list of a relation stands in the last table; another list only needs to be recognised.
        Some(b'[') if tables == 0 => list(part, text),
        Some(b'[') => Value::List(Vec::new()),
        Some(_) | None => Value::Other("a number"),
    };
    Node {
        at: offset(part, text),
        value,
    }
}

fn string(part: &str) -> Option<Cow<'_, str>> {
    // Most names need no unescaping.
    let plain = serde_json::from_str::<&str>(part).map(Cow::Borrowed);
    plain
        .or_else(|_| serde_json::from_str::<String>(part).map(Cow::Owned))
        .ok()
}

fn table<'a>(part: &'a str, text: &str, tables: u32) -> Value<'a> {
    let Ok(Entries(entries)) = serde_json::from_str(part) else {
        return Value::Other("a table with a key that is no Unicode");
    };
    let entries = entries.into_iter().map(|(name, raw)| {
        let node = node(raw, text, tables);
        // A key stands right before its value.
        (
            Key {
                at: node.at,
                name: Cow::Owned(name),
            },
            node,
        )
    });
    Value::Table(entries.collect())
}

fn list<'a>(part: &'a str, text: &str) -> Value<'a> {
    let items: Vec<&RawValue> = serde_json::from_str(part).unwrap_or_default();
    let items = items.into_iter().map(|raw| match raw.get().as_bytes() {
        // Not looked into: a list in a list may hide any number of them.
        [b'[', ..] => Node {
            at: offset(raw.get(), text),
            value: Value::Other("a list"),
        },
        [..] => node(raw, text, 0),
    });
    Value::List(items.collect())
}

/// Where a part of the text begins.
fn offset(part: &str, text: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// The entries of a table in their order, duplicates included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
