//! Handler sets of a case: which handlers are bound under which names, and what each does at its next call.

use std::collections::BTreeMap;

use statemesh_core::engine::{Handler, Schema};

use crate::engine_notation::handler_names;

use super::case::{Bind, Script, Scripts};

/// One bound set.
pub(crate) struct HandlerSet<'a> {
    names: BTreeMap<Handler, String>,
    scripts: &'a Scripts,
    calls: BTreeMap<Handler, u64>,
    suffix: &'static str,
}

impl<'a> HandlerSet<'a> {
    pub(crate) fn new(
        schema: &Schema,
        bind: Bind,
        scripts: &'a Scripts,
        suffix: &'static str,
    ) -> Self {
        let all = handler_names(schema);
        let is_bound = |handler: Handler, name: &str| match (bind, handler) {
            _ if scripts.contains_key(name) => true,
            (Bind::None | Bind::Listed, _) => false,
            (Bind::Full, _) => true,
            (Bind::Plain, Handler::Stay(_) | Handler::Pair(..)) => false,
            (Bind::Plain, _) => true,
        };
        let bound = all
            .into_iter()
            .filter(|(name, handler)| is_bound(*handler, name));
        Self {
            names: bound.map(|(name, handler)| (handler, name)).collect(),
            scripts,
            calls: BTreeMap::new(),
            suffix,
        }
    }
    pub(crate) fn handlers(&self) -> Vec<Handler> {
        self.names.keys().copied().collect()
    }
    pub(crate) fn name(&self, handler: Handler) -> String {
        let name = self.names.get(&handler).map_or("", String::as_str);
        format!("{name}{}", self.suffix)
    }
    /// Counts a call and says what to do in it, first to last.
    pub(crate) fn called(&mut self, handler: Handler) -> Vec<&'a Script> {
        let calls = self.calls.entry(handler).or_default();
        *calls += 1;
        let call = *calls;
        let scripts = self
            .names
            .get(&handler)
            .and_then(|name| self.scripts.get(name));
        let scripts = scripts.into_iter().flatten();
        scripts
            .filter(|script| script.at.is_none_or(|at| at == call))
            .collect()
    }
}
