//! Key of a peer: from a file or fresh.

/// The key pair of a peer.
#[derive(Clone)]
pub struct Identity {
    pub(crate) keypair: libp2p::identity::Keypair,
}

impl Identity {
    /// A fresh Ed25519 key, gone with the process.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            keypair: libp2p::identity::Keypair::generate_ed25519(),
        }
    }
    /// Own peer id.
    #[must_use]
    pub fn peer_id(&self) -> crate::PeerId {
        todo!()
    }
}
