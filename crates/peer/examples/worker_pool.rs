//! A pool of workers and more clients than it can serve at once: `cargo run -p statemesh --example worker_pool`.
//!
//! Two supervisors with room for two clients each, and six clients on a third peer. A client needs no address of a
//! supervisor, only what it is good for; who is served, and when, is the supervisors' to decide.

use std::error::Error;
use std::num::NonZeroU32;

use futures::future::try_join_all;
use statemesh::Multiaddr;
use statemesh::pick::{Picker, Policy};
use statemesh::prelude::*;

states! {
    enum Supervisor {
        Ready {},
        WorkersAvailable { require: [Ready] },
    }
}

/// Runs it.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let clients = Mesh::builder("worker-pool")
        .listen("/ip4/127.0.0.1/udp/0/quic-v1".parse()?)
        .spawn()
        .await?;
    let address = clients.addresses().remove(0);

    // The clients are there first, and wait.
    let served = try_join_all((0..6).map(|number| client(&clients, number)));
    let pools = async {
        let pools = [
            pool(&address, "render-east").await?,
            pool(&address, "render-west").await?,
        ];
        Ok::<_, Box<dyn Error>>(pools)
    };
    let (served, pools) = futures::try_join!(served, pools)?;
    let east = served.iter().filter(|by| *by == "render-east").count();
    println!("{east} were served in the east, {} in the west", 6 - east);
    assert_eq!(served.len(), 6);

    clients.shutdown().await;
    for pool in pools {
        pool.shutdown().await;
    }
    Ok(())
}

/// A peer with a supervisor that serves as long as the peer runs.
async fn pool(address: &Multiaddr, id: &str) -> Result<Mesh, Box<dyn Error>> {
    let room = NonZeroU32::MIN.saturating_add(1);
    let supervisor = Machine::builder(id, Supervisor::schema())
        .tag("role:supervisor")
        .tag("kind:render")
        .tag(format!("cap:{room}"))
        .build();
    supervisor.add(Supervisor::Ready)?;
    let mesh = Mesh::builder("worker-pool")
        .connect(address.clone())
        .expose(&supervisor)
        .spawn()
        .await?;
    tokio::spawn(mesh.serve(&supervisor, room).run());
    Ok(mesh)
}

/// Finds a supervisor, is served, and goes. Who served it.
async fn client(mesh: &Mesh, number: u64) -> Result<String, Box<dyn Error>> {
    let free = Query::new()
        .tag_value("kind", "render")
        .all([Supervisor::Ready, Supervisor::WorkersAvailable])
        .first_hand();
    let mut picker = Picker::new(Policy::PowerOfTwo, format!("client-{number}"), number);
    let mut claim = mesh.acquire(&free, &mut picker).await?;
    let worker = claim.held().await?;
    println!("client-{number} is served by {}", worker.id());
    Ok(claim.target().id().to_owned())
}
