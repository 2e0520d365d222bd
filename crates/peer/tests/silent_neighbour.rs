//! A neighbour that ends every stream while it is negotiated, as a page does that is being left, and never says a word.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::future::poll_fn;
use std::task::Poll;

use common::{Carrier, eventually, spawn, stop, within};
use futures::AsyncWriteExt;
use libp2p::core::Endpoint;
use libp2p::core::muxing::StreamMuxerExt;
use libp2p::core::transport::{DialOpts, MemoryTransport, PortUse, Transport};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{noise, yamux};
use statemesh::mesh::Mesh;

#[tokio::test]
async fn who_ends_every_stream_is_let_go_like_anybody_silent() {
    let mesh = spawn(Mesh::builder("silent"), Carrier::Memory).await;
    let mut carrier = MemoryTransport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&Keypair::generate_ed25519()).unwrap())
        .multiplex(yamux::Config::default())
        .boxed();
    let address = mesh.addresses().remove(0).iter().take(1).collect();
    let opts = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let (_, mut muxer) = within(carrier.dial(address, opts).unwrap()).await.unwrap();
    let neighbour = tokio::spawn(poll_fn(move |cx| {
        while let Poll::Ready(Ok(mut stream)) = muxer.poll_inbound_unpin(cx) {
            // Ended, not reset: the other side reads that nothing more comes.
            tokio::spawn(async move { stream.close().await });
        }
        muxer.poll_unpin(cx).map(drop)
    }));
    eventually("the link", || mesh.links().len() == 1).await;
    eventually("its end", || mesh.links().is_empty()).await;
    neighbour.abort();
    stop([mesh]).await;
}
