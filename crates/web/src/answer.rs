//! What a relay says of itself by HTTP: `GET /api/relay`, as far as it matters here. The browser reads the JSON.

use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::{Array, JSON, Reflect};

use crate::browser::{self, FetchError};

/// A relay's answer.
#[derive(Clone)]
pub struct Answer {
    /// The name of its mesh.
    pub topic: String,
    /// Where it listens.
    pub addresses: Vec<String>,
}

impl Answer {
    /// Asks whoever serves `origin`.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn of(origin: &str) -> Result<Self, FetchError> {
        let text = browser::fetch_text(&format!("{origin}/api/relay"), TIMEOUT).await?;
        Self::read(&text).ok_or(FetchError::Unreadable)
    }

    fn read(text: &str) -> Option<Self> {
        let answer = JSON::parse(text).ok()?;
        let field = |name| Reflect::get(&answer, &JsValue::from_str(name)).ok();
        let addresses: Array = field("addresses")?.dyn_into().ok()?;
        Some(Self {
            topic: field("topic")?.as_string()?,
            addresses: addresses
                .iter()
                .map(|address| address.as_string())
                .collect::<Option<_>>()?,
        })
    }
}

/// Milliseconds a relay may take to answer, as long as a dial.
const TIMEOUT: u32 = 2_000;
