//! The examples with a mesh run to their end, and a tab follows the server. They check themselves on the way.

use std::error::Error;

use statemesh::mesh::Role;
use statemesh::prelude::*;

#[path = "../examples/server.rs"]
#[allow(dead_code, reason = "its main runs until Ctrl-C")]
mod server;
#[path = "../examples/two_peers.rs"]
mod two_peers;
#[path = "../examples/worker_pool.rs"]
mod worker_pool;

#[test]
fn two_peers() -> Result<(), Box<dyn Error>> {
    two_peers::main()
}

#[test]
fn worker_pool() -> Result<(), Box<dyn Error>> {
    worker_pool::main()
}

/// As a tab does: over a WebSocket, without listening.
#[tokio::test]
async fn a_tab_follows_the_server() -> Result<(), Box<dyn Error>> {
    use server::Order;

    let order = Machine::new("order", Order::schema());
    let server = server::serve("127.0.0.1:0".parse()?, &order).await?;
    let tab = Mesh::builder("shop")
        .role(Role::Tab)
        .connect(server.addresses().remove(0))
        .spawn()
        .await?;
    let seen = tab.machine("order").await?;
    for state in [Order::Placed, Order::Packed, Order::Delivered] {
        let comes = seen.when_next_active(state);
        order.add(state)?;
        comes.await?;
    }
    assert_eq!(seen.active(), ["Delivered"]);
    tab.shutdown().await;
    server.shutdown().await;
    Ok(())
}
