//! A neighbour that lies, for the tests of what a page makes of it: what it says is refused and counted, and nothing else
//! happens. Lines on standard input say what to send, lines on standard output what was sent.
//!
//! ```text
//! hostile --topic mesh --connect ADDR [--as PEER]
//! <- listening /ip4/127.0.0.1/tcp/41234/ws/p2p/12D3...
//! -> changed     others' messages with a byte changed, signed by itself
//! -> garbage     bytes that are no message
//! -> oversize    a message larger than any may be
//! <- sent changed 12
//! ```
//!
//! With `--as` it signs nothing and says that its messages are that peer's.

use std::collections::VecDeque;
use std::error::Error;
use std::io::BufRead;
use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, Event, IdentTopic, MessageAuthenticity, ValidationMode,
};
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut topic, mut connect, mut author) = ("mesh".to_owned(), None, None);
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().ok_or("a flag without a value")?;
        match flag.as_str() {
            "--topic" => topic = value,
            "--connect" => connect = Some(value.parse::<Multiaddr>()?),
            "--as" => author = Some(value.parse::<PeerId>()?),
            _ => return Err(format!("unknown flag {flag}").into()),
        }
    }
    let key = Keypair::generate_ed25519();
    let topic = IdentTopic::new(topic);
    let authenticity = match author {
        Some(author) => MessageAuthenticity::Author(author),
        None => MessageAuthenticity::Signed(key.clone()),
    };
    let mut swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )?
        .with_websocket(noise::Config::new, yamux::Config::default)
        .await?
        .with_behaviour(|_| {
            let config = ConfigBuilder::default()
                .validation_mode(ValidationMode::Permissive)
                .max_transmit_size(4 << 20)
                .build()?;
            let gossipsub: Behaviour = Behaviour::new(authenticity, config)?;
            Ok(gossipsub)
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::MAX))
        .build();
    swarm.behaviour_mut().subscribe(&topic)?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0/ws".parse()?)?;
    if let Some(address) = connect {
        swarm.dial(address)?;
    }
    let own = *swarm.local_peer_id();
    let mut heard: VecDeque<Vec<u8>> = VecDeque::new();
    let mut commands = commands();
    loop {
        tokio::select! {
            line = commands.recv() => {
                let Some(line) = line else { return Ok(()) };
                let mut sent = 0;
                for data in lies(&line, &heard) {
                    // What nobody takes was said to nobody.
                    sent += u32::from(swarm.behaviour_mut().publish(topic.clone(), data).is_ok());
                }
                println!("sent {line} {sent}");
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::NewListenAddr { address, .. } => println!("listening {address}/p2p/{own}"),
                SwarmEvent::Behaviour(Event::Message { message, .. }) => {
                    heard.push_back(message.data);
                    if heard.len() > KEPT {
                        heard.pop_front();
                    }
                }
                _ => {}
            },
        }
    }
}

/// What to say.
fn lies(what: &str, heard: &VecDeque<Vec<u8>>) -> Vec<Vec<u8>> {
    match what {
        "changed" => {
            let changed = heard.iter().flat_map(|data| {
                let places = data.len().saturating_sub(CHANGED)..data.len();
                places.map(move |at| {
                    let mut data = data.clone();
                    data[at] = data[at].wrapping_add(1);
                    data
                })
            });
            changed.collect()
        }
        "garbage" => vec![b"garbage".to_vec(), vec![0xc1; 64], Vec::new()],
        "oversize" => vec![vec![0x80; 900_000], vec![0x80; 2 << 20]],
        _ => Vec::new(),
    }
}

/// Lines of standard input; the channel ends with it.
fn commands() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if send.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receive
}

/// Messages kept to be changed.
const KEPT: usize = 8;
/// Bytes at the end of each that are changed, one at a time.
const CHANGED: usize = 6;
