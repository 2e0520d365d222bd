//! What a peer has sent, heard and refused so far, counted where it happens.

use statemesh_core::collections::OrderedMap;
pub use statemesh_core::mesh::wire::MessageKind;

/// Messages on the topic since the peer started.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Others' messages, by the type they claim (`None`: no known one). Each counts once, however many neighbours
    /// brought it.
    pub received: OrderedMap<Option<MessageKind>, Flow>,
    /// Copies of others' messages that neighbours brought. Each cost a check of its signature.
    pub copies: u64,
    /// Own messages handed to the neighbours, by type.
    pub published: OrderedMap<Option<MessageKind>, Flow>,
    /// Others' messages that were refused, by reason. As many reasons as the code has.
    pub dropped: OrderedMap<&'static str, u64>,
}

/// How much of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Messages.
    pub messages: u64,
    /// Their payloads.
    pub bytes: u64,
}

impl Traffic {
    /// Another one's message came.
    pub(crate) fn count_received(&mut self, data: &[u8]) {
        count(&mut self.received, data);
    }
    /// An own one went.
    pub(crate) fn count_published(&mut self, data: &[u8]) {
        count(&mut self.published, data);
    }
    /// Another one's was refused.
    pub(crate) fn count_dropped(&mut self, reason: &'static str) {
        let known = self.dropped.get(&reason).copied().unwrap_or(0);
        self.dropped.insert(reason, known + 1);
    }
}

fn count(flows: &mut OrderedMap<Option<MessageKind>, Flow>, data: &[u8]) {
    let kind = MessageKind::peek(data);
    let mut flow = flows.get(&kind).copied().unwrap_or_default();
    flow.messages += 1;
    flow.bytes += data.len() as u64;
    flows.insert(kind, flow);
}
