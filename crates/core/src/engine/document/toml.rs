//! TOML as nodes.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Key, Node, SyntaxError, Value, line_of};

pub(super) fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let root = DeTable::parse(text).map_err(|error| SyntaxError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    Ok(Node {
        at: root.span().start,
        value: table(root.into_inner()),
    })
}

fn node(value: Spanned<DeValue<'_>>) -> Node<'_> {
    let at = value.span().start;
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(entries) => table(entries),
        DeValue::Integer(_) | DeValue::Float(_) => Value::Other("a number"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node { at, value }
}

/// The entries as they stand in the text; the parser sorts them by name.
fn table(entries: DeTable<'_>) -> Value<'_> {
    let mut entries: Vec<(Key<'_>, Node<'_>)> = entries
        .into_iter()
        .map(|(key, value)| {
            let at = key.span().start;
            let name: Cow<'_, str> = key.into_inner();
            (Key { at, name }, node(value))
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.at);
    Value::Table(entries)
}
