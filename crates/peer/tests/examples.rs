//! The examples run to their end. They check themselves on the way.

use std::error::Error;

#[path = "../examples/dining_philosophers.rs"]
mod dining_philosophers;
#[path = "../examples/download.rs"]
mod download;
#[path = "../examples/orders.rs"]
mod orders;
#[path = "../examples/otel.rs"]
mod otel;
#[path = "../examples/traffic_light.rs"]
mod traffic_light;

#[test]
fn dining_philosophers() -> Result<(), Box<dyn Error>> {
    dining_philosophers::main()
}

#[test]
fn download() -> Result<(), Box<dyn Error>> {
    download::main()
}

#[test]
fn orders() -> Result<(), Box<dyn Error>> {
    orders::main()
}

#[test]
fn otel() -> Result<(), Box<dyn Error>> {
    otel::main()
}

#[test]
fn traffic_light() -> Result<(), Box<dyn Error>> {
    traffic_light::main()
}
