//! Peer ids and addresses as peers, people and pages write them: text and bytes, there and back, and what a browser
//! would open.
#![no_main]

// The tab's own reading of an address: the same file on every platform.
#[path = "../../crates/peer/src/transport/websocket_url.rs"]
mod websocket_url;

use libfuzzer_sys::fuzz_target;
use libp2p::Multiaddr;
use statemesh_core::PeerId;

fuzz_target!(|data: &[u8]| {
    if let Ok(id) = PeerId::from_bytes(data) {
        assert_eq!(id.as_bytes(), data);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().ends_with(&id.short(8)));
    }
    if let Ok(address) = Multiaddr::try_from(data.to_vec()) {
        open(&address);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = text.parse::<PeerId>() {
        assert_eq!(PeerId::from_bytes(id.as_bytes()), Ok(id));
        assert_eq!(id.to_string(), text);
    }
    if let Ok(address) = text.parse::<Multiaddr>() {
        open(&address);
        assert_eq!(Multiaddr::try_from(address.to_vec()).ok(), Some(address));
    }
});

fn open(address: &Multiaddr) {
    if let Some(url) = websocket_url::url(address) {
        assert!(
            url.starts_with("ws://") || url.starts_with("wss://"),
            "{url}"
        );
        assert!(
            !url.contains("/p2p/") || address.to_string().contains("ws/"),
            "{url}"
        );
    }
}
