//! `statemesh --demo --incident SECONDS`: one story, the same every time, to look at it on the page.
//!
//! ```text
//! due     route-17 fails -> courier-17 is not ready ~> orders is not ready
//! +8 s    kiosk-03 is killed: a process of its own, which breaks its heartbeat promise and says no bye
//! +90 s   route-17 has a route again -> courier-17, orders
//! +92 s   kiosk-03 is started again, under the key it had
//! ```
//! The first three do it by themselves (`demo/van_17.rs`, `demo/hub_fra.rs`); here the kiosk is killed and started, and every
//! step is told on the log when it is seen. Nothing follows after the last one.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use statemesh::machine::Machine;
use statemesh::multiaddr::Multiaddr;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::demo::{Demo, Host, INCIDENT_LASTS};

/// Hosts that stay in the relay's process.
pub fn hosts() -> Vec<Host> {
    let mut hosts = Host::ALL.to_vec();
    hosts.retain(|host| *host != OUTSIDE);
    hosts
}

/// The incident of a running demo.
pub struct Incident {
    stop: oneshot::Sender<()>,
    story: JoinHandle<()>,
}

impl Incident {
    /// Starts kiosk-03 and waits for the incident, which the demo was told of.
    ///
    /// # Errors
    /// Its process did not start.
    pub fn begin(demo: &Demo, started: Instant, due: Instant, kiosk: Kiosk) -> io::Result<Self> {
        let mut stage = Stage {
            started,
            due,
            process: kiosk.start()?,
            kiosk,
        };
        let machines = ["route-17", "courier-17", "orders"].map(|id| demo.machine(id));
        let (stop, stopped) = oneshot::channel();
        let story = tokio::spawn(async move {
            let play = async {
                if let [Some(route), Some(courier), Some(orders)] = &machines {
                    stage.play(route, courier, orders).await;
                }
                std::future::pending().await
            };
            tokio::select! {
                () = play => {}
                _ = stopped => {}
            }
            stage.process.leave().await;
        });
        Ok(Self { stop, story })
    }

    /// Ends it; kiosk-03 says bye.
    pub async fn end(self) {
        let _ = self.stop.send(());
        let _ = self.story.await;
    }
}

/// Where the story is played.
struct Stage {
    started: Instant,
    due: Instant,
    kiosk: Kiosk,
    process: Process,
}

impl Stage {
    async fn play(&mut self, route: &Machine, courier: &Machine, orders: &Machine) {
        // A wait ends with an error when the demo ends, and this with it.
        let _ = route.when("ErrNetwork").await;
        self.say("route-17 fails: ErrNetwork");
        let _ = courier.when_not("Ready").await;
        self.say("courier-17 is not ready: it has no route");
        let _ = orders.when_not("Ready").await;
        self.say("orders is not ready: it has no courier");
        sleep_until(self.due + KILL).await;
        self.process.kill();
        self.say("kiosk-03 is killed: no heartbeat, no bye");
        let _ = route.when_not("ErrNetwork").await;
        self.say("route-17 has a route again");
        let _ = courier.when("Ready").await;
        self.say("courier-17 is ready");
        let _ = orders.when("Ready").await;
        self.say("orders is ready");
        sleep_until(self.due + RETURN).await;
        match self.kiosk.start() {
            Ok(process) => {
                self.process = process;
                self.say("kiosk-03 is started again; the incident is over");
            }
            Err(error) => tracing::warn!("kiosk-03 cannot be started again: {error}"),
        }
    }

    fn say(&self, what: &str) {
        let at = self.started.elapsed().as_secs_f64();
        tracing::info!("incident, {at:.1} s after start: {what}");
    }
}

/// How kiosk-03 is started.
#[derive(Clone, Debug)]
pub struct Kiosk {
    /// Topic to join.
    pub topic: String,
    /// Address of the relay.
    pub connect: Multiaddr,
    /// Seed of its choices.
    pub seed: u64,
    /// Its key, kept so that it comes back as the same peer.
    pub key: PathBuf,
}

impl Kiosk {
    fn start(&self) -> io::Result<Process> {
        let child = Command::new(std::env::current_exe()?)
            .args(["demo", "--leash", "--calm", "--log", "warn"])
            .args(["--host", OUTSIDE.name(), "--topic", &self.topic])
            .args(["--connect", &self.connect.to_string()])
            .args(["--seed", &self.seed.to_string(), "--key"])
            .arg(&self.key)
            // It ends with the other end of this pipe, also when this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Process(child))
    }
}

/// The running kiosk-03. Killed when dropped.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Lets it say bye.
    async fn leave(&mut self) {
        drop(self.0.stdin.take());
        let end = Instant::now() + BYE;
        while let Ok(None) = self.0.try_wait()
            && Instant::now() < end
        {
            sleep(Duration::from_millis(10)).await;
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The host that runs outside.
const OUTSIDE: Host = Host::Kiosk03;
/// After the beginning, and later than any heartbeat before it: its last word comes after the three failed.
const KILL: Duration = Duration::from_secs(8);
/// After the beginning.
const RETURN: Duration = INCIDENT_LASTS.saturating_add(Duration::from_secs(2));
/// The relay has less than 2 s to end.
const BYE: Duration = Duration::from_millis(500);
