//! What a relay says of itself over HTTP: `GET /api/relay`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use futures::channel::oneshot;
use statemesh::Multiaddr;
use statemesh::mesh::AddressSource;
use wasm_bindgen_futures::spawn_local;

use crate::answer::Answer;
use crate::browser::{self, FetchError};
use crate::model::JoinTarget;

/// Where a relay is asked, and what is dialled beside its answer.
pub struct Relay {
    /// Its page, if it has one.
    origin: Option<String>,
    /// Typed by hand, or named by a link; dialled first.
    typed: Vec<String>,
    /// The name of the mesh, if a link names it.
    topic: Option<String>,
    /// The first answer, used for the first round of dialling.
    answer: Mutex<Option<Answer>>,
    /// What was dialled last.
    dialled: Mutex<Vec<String>>,
}

/// What asking a relay brought.
pub enum Found {
    /// The name of its mesh.
    Topic(String),
    /// Whoever answered is no relay.
    NoRelay,
    /// Nobody answered there.
    NoAnswer {
        /// Where.
        origin: String,
    },
}

impl Relay {
    /// The relay that served this page.
    pub fn of_page() -> Self {
        Self::new(Some(browser::origin()), Vec::new())
    }

    /// The relay typed on the Join page.
    pub fn of_target(target: &JoinTarget) -> Self {
        match target {
            JoinTarget::Page { origin } => Self::new(Some(origin.clone()), Vec::new()),
            JoinTarget::Address { text, origin, .. } => {
                Self::new(origin.clone(), vec![text.clone()])
            }
            JoinTarget::Link(link) => {
                let relay = Self::new(link.origin.clone(), link.addresses.clone());
                // The link says enough to begin with.
                let answer = Answer {
                    topic: link.topic.clone(),
                    addresses: Vec::new(),
                };
                Self {
                    topic: Some(link.topic.clone()),
                    answer: Mutex::new(Some(answer)),
                    ..relay
                }
            }
        }
    }

    fn new(origin: Option<String>, typed: Vec<String>) -> Self {
        Self {
            origin,
            typed,
            topic: None,
            answer: Mutex::new(None),
            dialled: Mutex::default(),
        }
    }

    /// Asks for the name of the mesh. A typed address needs no answer: without one its mesh has the usual name.
    pub async fn find(&self) -> Found {
        if let Some(topic) = &self.topic {
            return Found::Topic(topic.clone());
        }
        let answer = match &self.origin {
            Some(origin) => Answer::of(origin).await,
            None => Err(FetchError::NoAnswer),
        };
        match (answer, self.typed.is_empty(), &self.origin) {
            (Ok(answer), _, _) => {
                let topic = answer.topic.clone();
                if let Ok(mut kept) = self.answer.lock() {
                    *kept = Some(answer);
                }
                Found::Topic(topic)
            }
            (Err(_), false, _) => Found::Topic(USUAL_TOPIC.to_owned()),
            (Err(FetchError::NoAnswer), true, Some(origin)) => Found::NoAnswer {
                origin: origin.clone(),
            },
            (Err(_), true, _) => Found::NoRelay,
        }
    }

    /// Addresses for the mesh peer, asked again before every round: certificates and ports change with a restart.
    pub fn source(self: &std::sync::Arc<Self>, topic: String) -> AddressSource {
        let relay = std::sync::Arc::clone(self);
        Box::new(move || {
            let (relay, topic) = (std::sync::Arc::clone(&relay), topic.clone());
            // Browser futures are bound to their thread; only the answer crosses.
            let (tell, told) = oneshot::channel();
            spawn_local(async move {
                // Nobody waits any more: the peer was shut down.
                let _ = tell.send(relay.addresses(&topic).await);
            });
            let answer: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
                told.await
                    .unwrap_or_else(|_| Err("the page is closing".to_owned()))
            });
            answer
        })
    }

    /// The addresses that were dialled last.
    pub fn dialled(&self) -> Vec<String> {
        let dialled = self.dialled.lock();
        dialled.map(|dialled| dialled.clone()).unwrap_or_default()
    }

    async fn addresses(&self, topic: &str) -> Result<Vec<Multiaddr>, String> {
        let kept = self.answer.lock().ok().and_then(|mut kept| kept.take());
        let answer = match (kept, &self.origin) {
            (Some(answer), _) => Ok(answer),
            (None, Some(origin)) => Answer::of(origin).await,
            (None, None) => Err(FetchError::NoAnswer),
        };
        let told = match answer {
            Ok(answer) if answer.topic != topic => {
                return Err(format!(
                    "the relay is now for another mesh ({}). Reload the page to join it",
                    answer.topic.escape_debug()
                ));
            }
            Ok(answer) => answer.addresses,
            Err(error) if self.typed.is_empty() => {
                return Err(match error {
                    FetchError::NoAnswer => "the relay gave no answer by HTTP".to_owned(),
                    FetchError::Refused(status) => {
                        format!("the relay answered with HTTP status {status}")
                    }
                    FetchError::Unreadable => "whoever answered by HTTP is no relay".to_owned(),
                });
            }
            Err(_) => Vec::new(),
        };
        let mut addresses: Vec<Multiaddr> = Vec::new();
        for text in self.typed.iter().chain(&told).take(ADDRESSES) {
            let parsed = text.parse().ok().filter(|_| is_dialable(text));
            if let Some(address) = parsed
                && !addresses.contains(&address)
            {
                addresses.push(address);
            }
        }
        if let Ok(mut dialled) = self.dialled.lock() {
            *dialled = addresses.iter().map(ToString::to_string).collect();
        }
        if addresses.is_empty() {
            return Err("the relay named no address that a browser can dial".to_owned());
        }
        Ok(addresses)
    }
}

/// Browsers have WebSocket and WebRTC only.
pub fn is_dialable(address: &str) -> bool {
    address
        .split('/')
        .any(|part| matches!(part, "ws" | "wss" | "webrtc-direct"))
}

/// The relay's default topic.
const USUAL_TOPIC: &str = "mesh";
/// Addresses taken from one answer.
const ADDRESSES: usize = 16;
