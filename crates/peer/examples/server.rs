//! A server whose machine a browser tab follows: `cargo run -p statemesh --example server [IP:PORT]`.
//!
//! It listens for WebSockets, by default on 127.0.0.1:8710, and takes an order every two seconds. The tab is
//! `examples/browser`: its few lines of JavaScript join here and await the order's states.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use statemesh::Multiaddr;
use statemesh::multiaddr::Protocol;
use statemesh::prelude::*;

states! {
    /// An order's way.
    pub enum Order {
        /// Taken.
        Placed { remove: [Packed, Delivered] },
        /// On its way.
        Packed { remove: [Placed, Delivered] },
        /// Arrived.
        Delivered { remove: [Placed, Packed] },
    }
}

/// A peer that listens for WebSockets there and shows this machine.
pub async fn serve(at: SocketAddr, order: &Machine) -> Result<Mesh, Box<dyn Error>> {
    let address = Multiaddr::from(at.ip())
        .with(Protocol::Tcp(at.port()))
        .with(Protocol::Ws("/".into()));
    let builder = Mesh::builder("shop").listen(address).expose(order);
    Ok(builder.spawn().await?)
}

/// Runs it until Ctrl-C.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let at = std::env::args().nth(1);
    let at: SocketAddr = at.as_deref().unwrap_or("127.0.0.1:8710").parse()?;
    let order = Machine::new("order", Order::schema());
    let mesh = serve(at, &order).await?;
    for address in mesh.addresses() {
        println!("join {{ topic: \"shop\", relays: [\"{address}\"] }}");
    }
    let work = async {
        let mut every = tokio::time::interval(Duration::from_secs(2));
        for state in [Order::Placed, Order::Packed, Order::Delivered]
            .into_iter()
            .cycle()
        {
            every.tick().await;
            order.add(state)?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    tokio::select! {
        failed = work => failed?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    mesh.shutdown().await;
    Ok(())
}
