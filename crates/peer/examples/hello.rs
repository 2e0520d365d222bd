//! Exposes a machine and awaits a remote one: `cargo run -p statemesh --example hello -- ADDR [TOPIC]`.

use statemesh::prelude::*;

states! {
    enum Customer {
        Waiting { remove: [Happy] },
        Happy { remove: [Waiting] },
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::args().nth(1).ok_or("usage: hello ADDR [TOPIC]")?;
    let topic = std::env::args().nth(2).unwrap_or("mesh".into());
    let mesh = Mesh::builder(topic).connect(relay.parse()?).spawn().await?;

    let customer = Machine::new("customer", Customer::schema());
    customer.add(Customer::Waiting)?;
    mesh.expose(&customer).await?;

    let courier = mesh.machine("courier-17").await?;
    println!("{} is {:?}", courier.id(), courier.active());
    courier.when("Delivered").await?;
    customer.add(Customer::Happy)?;
    println!("Delivered: on the page this peer's customer is Happy. Ctrl-C ends it.");
    tokio::signal::ctrl_c().await?;
    mesh.shutdown().await;
    Ok(())
}
