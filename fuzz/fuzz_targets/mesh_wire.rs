//! Payloads of the topic and replies of the direct protocol: what can be read comes out the same again, in every dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statemesh_core::mesh::catch_up::Reply;
use statemesh_core::mesh::wire::{Dialect, MAX_PAYLOAD, MessageKind, decode, encode};

fuzz_target!(|data: &[u8]| {
    if let Ok(envelope) = decode(data) {
        if let Some(kind) = MessageKind::peek(data) {
            assert_eq!(envelope.body.kind(), kind);
        }
        for dialect in [Dialect::Compact, Dialect::V4, Dialect::V5] {
            let bytes = encode(&envelope, dialect);
            assert_eq!(MessageKind::peek(&bytes), Some(envelope.body.kind()));
            // Wide integers may take it over the limit.
            if bytes.len() <= MAX_PAYLOAD {
                assert_eq!(decode(&bytes).as_ref(), Ok(&envelope));
            }
        }
    }
    if let Ok(reply) = Reply::decode(data) {
        assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
    }
});
