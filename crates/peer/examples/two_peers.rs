//! Two peers, one machine each, in one process: `cargo run -p statemesh --example two_peers`.
//!
//! Over loopback QUIC, as if they were two programs. Each reads the other's machine and awaits its states.

use std::error::Error;

use statemesh::prelude::*;

states! {
    enum Door {
        Closed { remove: [Open] },
        Open { remove: [Closed] },
    }
}

states! {
    enum Guest {
        Waiting { remove: [Inside] },
        Inside { remove: [Waiting] },
    }
}

/// Runs it.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let door = Machine::new("door", Door::schema());
    door.add(Door::Closed)?;
    let house = Mesh::builder("two-peers")
        .listen("/ip4/127.0.0.1/udp/0/quic-v1".parse()?)
        .expose(&door)
        .spawn()
        .await?;
    let address = house.addresses().remove(0);
    println!("the house is at {address}");

    let guest = Machine::new("guest", Guest::schema());
    guest.add(Guest::Waiting)?;
    let street = Mesh::builder("two-peers")
        .connect(address)
        .expose(&guest)
        .spawn()
        .await?;

    // The house opens for whoever waits, the guest enters when it is open. Neither changes the other's machine.
    let opens = async {
        let seen = house.machine("guest").await?;
        seen.when(Guest::Waiting).await?;
        door.add(Door::Open)?;
        seen.when(Guest::Inside).await?;
        door.add(Door::Closed)?;
        Ok::<_, Box<dyn Error>>(())
    };
    let enters = async {
        let seen = street.machine("door").await?;
        seen.when(Door::Open).await?;
        guest.add(Guest::Inside)?;
        seen.when(Door::Closed).await?;
        println!("the door is {:?} behind the guest", seen.active());
        Ok::<_, Box<dyn Error>>(())
    };
    futures::try_join!(opens, enters)?;
    assert!(door.is(Door::Closed) && guest.is(Guest::Inside));

    street.shutdown().await;
    house.shutdown().await;
    Ok(())
}
