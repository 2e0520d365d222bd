//! A download that fails, is tried again, reports progress and can be called off: a task bound to a state, arguments with
//! a type, state contexts, retries.
//!
//!     cargo run -p statemesh --no-default-features --example download

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use statemesh::core::engine::schemas::Basic;
use statemesh::machine::Retry;
use statemesh::prelude::*;
use statemesh::timer::{SystemTimer, Timer};

states! {
    enum S: Basic {
        /// The server accepts connections; before that nothing can be downloaded.
        Online,
        Downloading { require: [Basic::Start, Online], remove: [..OVER] },
        Progress { multi, require: [Downloading] },
        Done { remove: [..OVER, Downloading] },
        Failed { multi, remove: [..OVER, Downloading] },
    }
    groups {
        OVER: [Done, Failed],
    }
}

/// What has to be known to begin: without it, `Downloading` does not begin.
struct Url(&'static str);

const DOWNLOADING: Typed<Url, S> = Typed::new(S::Downloading);

/// A server that drops the first two connections.
async fn chunk(timer: SystemTimer, connections: &AtomicU32, at: u32) -> Result<u32, &'static str> {
    timer.sleep(Duration::from_millis(5)).await;
    if at == 2 && connections.fetch_add(1, Ordering::SeqCst) < 2 {
        return Err("connection reset");
    }
    Ok(25)
}

/// The work. It ends with its state: whoever removes `Downloading` calls it off.
async fn work(machine: Machine, timer: SystemTimer, connections: Arc<AtomicU32>) {
    let mut percent = 0;
    for at in 1..=4 {
        match chunk(timer, &connections, at).await {
            Ok(more) => percent += more,
            Err(error) => {
                let _ = machine.add_error((S::Failed, Basic::ErrNetwork), error);
                return;
            }
        }
        let _ = machine.add_args(S::Progress, percent);
    }
    let _ = machine.add(S::Done);
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let timer = SystemTimer::new();
    let connections = Arc::new(AtomicU32::new(0));
    let handlers = Handlers::new(())
        .state_with(DOWNLOADING, move |(), event, url| {
            println!("  downloading {}", url.0);
            let machine = event.machine().clone();
            let context = machine
                .state_ctx(S::Downloading)
                .expect("a state of this schema");
            // The handler returns at once. The work is a task of its own, bound to the state.
            tokio::spawn(context.run(work(machine, timer, connections.clone())));
        })
        .state(S::Progress, |(), event| {
            println!("  {}%", event.args::<u32>().unwrap_or(&0))
        })
        .state(S::Failed, |(), event| {
            println!("  failed: {}", event.error().expect("is given"))
        });
    let machine = Machine::builder("download", S::schema())
        .handlers(handlers)
        .build();

    println!("The server comes online while we try:");
    machine.add(Basic::Start)?;
    let server = machine.clone();
    tokio::spawn(async move {
        timer.sleep(Duration::from_millis(30)).await;
        server.add(S::Online)
    });
    let mut tries = 0;
    loop {
        tries += 1;
        machine.remove((Basic::ErrNetwork, Basic::Exception))?;
        let (done, failed) = (
            machine.when_next_active(S::Done),
            machine.when_next_active(S::Failed),
        );
        let retry = Retry::add(DOWNLOADING).args(Url("https://example.org/disk.iso"));
        retry
            .delay(Duration::from_millis(10))
            .run(&machine, &timer)
            .await?;
        tokio::select! {
            it = done => break it?,
            it = failed => it?,
        }
    }
    println!("Done after {tries} connections: {machine}\n");
    assert_eq!((tries, machine.is(S::Done)), (3, true));

    println!("Called off on the way:");
    let begun = machine.when_next_active(S::Progress);
    machine.add_with(DOWNLOADING, Url("https://example.org/other.iso"))?;
    begun.await?;
    machine.remove(S::Downloading)?;
    println!("{machine}: nothing goes on.");
    Ok(())
}
