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
    /// Typed by hand; dialled first.
    typed: Option<String>,
    /// The first answer, used for the first round of dialling.
    answer: Mutex<Option<Answer>>,
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
        Self::new(Some(browser::origin()), None)
    }

    /// The relay typed on the Join page.
    pub fn of_target(target: &JoinTarget) -> Self {
        match target {
            JoinTarget::Page { origin } => Self::new(Some(origin.clone()), None),
            JoinTarget::Address { text, origin, .. } => {
                Self::new(origin.clone(), Some(text.clone()))
            }
        }
    }

    fn new(origin: Option<String>, typed: Option<String>) -> Self {
        Self {
            origin,
            typed,
            answer: Mutex::new(None),
        }
    }

    /// Asks for the name of the mesh. A typed address needs no answer: without one its mesh has the usual name.
    pub async fn find(&self) -> Found {
        let answer = match &self.origin {
            Some(origin) => Answer::of(origin).await,
            None => Err(FetchError::NoAnswer),
        };
        match (answer, &self.typed, &self.origin) {
            (Ok(answer), _, _) => {
                let topic = answer.topic.clone();
                if let Ok(mut kept) = self.answer.lock() {
                    *kept = Some(answer);
                }
                Found::Topic(topic)
            }
            (Err(_), Some(_), _) => Found::Topic(USUAL_TOPIC.to_owned()),
            (Err(FetchError::NoAnswer), None, Some(origin)) => Found::NoAnswer {
                origin: origin.clone(),
            },
            (Err(_), None, _) => Found::NoRelay,
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
            Err(error) if self.typed.is_none() => {
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
