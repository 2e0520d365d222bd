//! The few things asked of the browser itself. Everything here may be missing (no storage, no clipboard on plain http
//! off loopback) and has a fallback.

pub mod files;
pub mod idb;

use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, HtmlTextAreaElement, RequestInit, Response, js_sys};

use crate::model::{Seen, WallClock};

/// Milliseconds on the page's monotonic clock. It began long before the page, so that what was recorded earlier has its
/// place on it, too.
#[must_use]
pub fn now() -> Seen {
    let since = window()
        .performance()
        .map_or(0.0, |performance| performance.now());
    Seen(BEFORE + since as u64)
}

/// Wall time of [`now`]'s zero, in milliseconds since 1970.
#[must_use]
pub fn epoch() -> u64 {
    (js_sys::Date::now() - now().0 as f64) as u64
}

/// Local wall time of [`now`]'s zero, which is this [`epoch`].
#[must_use]
pub fn wall_clock(epoch: u64) -> WallClock {
    let zone = js_sys::Date::new_0().get_timezone_offset() * 60_000.0;
    let start = epoch as f64 - zone;
    WallClock {
        start: start as u64,
    }
}

/// Scheme, host and port this page came from.
#[must_use]
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Host and port this page came from.
#[must_use]
pub fn host() -> String {
    window().location().host().unwrap_or_default()
}

/// The page came encrypted: browsers then refuse some plain local addresses.
#[must_use]
pub fn is_https() -> bool {
    window()
        .location()
        .protocol()
        .is_ok_and(|scheme| scheme == "https:")
}

/// Nobody is looking: nothing needs drawing.
#[must_use]
pub fn is_hidden() -> bool {
    window()
        .document()
        .is_some_and(|document| document.hidden())
}

/// A phone's width, as in the stylesheet.
#[must_use]
pub fn is_narrow() -> bool {
    window()
        .match_media("(max-width: 43.75rem)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Sets a performance mark.
pub fn mark(name: &str) {
    if let Some(performance) = window().performance() {
        // A mark may fail only for names reserved by the browser.
        let _ = performance.mark(name);
    }
}

/// Why a document did not come.
#[derive(Clone, Debug)]
pub enum FetchError {
    /// Nobody answered in time.
    NoAnswer,
    /// Answered with this HTTP status.
    Refused(u16),
    /// It is not what was asked for.
    Unreadable,
}

/// Reads a text by HTTP, at most `timeout` milliseconds long. Never from a cache.
///
/// # Errors
/// [`FetchError`].
pub async fn fetch_text(url: &str, timeout: u32) -> Result<String, FetchError> {
    let init = RequestInit::new();
    init.set_cache(web_sys::RequestCache::NoStore);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(timeout)));
    let answer = JsFuture::from(window().fetch_with_str_and_init(url, &init)).await;
    let response: Response = answer
        .ok()
        .and_then(|answer| answer.dyn_into().ok())
        .ok_or(FetchError::NoAnswer)?;
    if !response.ok() {
        return Err(FetchError::Refused(response.status()));
    }
    let text = response.text().map_err(|_| FetchError::NoAnswer)?;
    let text = JsFuture::from(text)
        .await
        .map_err(|_| FetchError::NoAnswer)?;
    text.as_string().ok_or(FetchError::NoAnswer)
}

/// Sleeps.
pub async fn sleep(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // Fails only when the window is gone, and then nobody waits.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = JsFuture::from(promise).await;
}

/// Puts a text on the clipboard; false where the browser has none or refuses.
pub async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    let has_clipboard = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .is_ok_and(|clipboard| !clipboard.is_undefined());
    if has_clipboard
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
    {
        return true;
    }
    copy_by_selection(text).unwrap_or(false)
}

/// Works on pages that are no secure context, as plain http off loopback.
fn copy_by_selection(text: &str) -> Option<bool> {
    let document = window().document()?;
    let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    area.set_value(text);
    area.set_class_name("vh");
    document.body()?.append_child(&area).ok()?;
    area.select();
    let html: web_sys::HtmlDocument = document.dyn_into().ok()?;
    let done = html.exec_command("copy").unwrap_or(false);
    area.remove();
    Some(done)
}

/// What the browser says of something that did not work.
pub fn reason(error: &JsValue) -> String {
    let message = js_sys::Reflect::get(error, &JsValue::from_str("message"));
    let message = message.ok().and_then(|message| message.as_string());
    message.unwrap_or_else(|| "the browser gives no reason".to_owned())
}

#[wasm_bindgen]
extern "C" {
    /// What is pasted or dropped.
    type DataTransfer;

    #[wasm_bindgen(method, js_name = getData)]
    fn get_data(this: &DataTransfer, kind: &str) -> String;
}

/// The text of a paste; empty if it is none.
pub fn pasted(event: &web_sys::ClipboardEvent) -> String {
    let data = js_sys::Reflect::get(event, &JsValue::from_str("clipboardData"));
    let data = data.ok().filter(|data| !data.is_null());
    data.map(|data| data.unchecked_into::<DataTransfer>().get_data("text"))
        .unwrap_or_default()
}

/// The theme chosen on this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The stored choice; start.js applied it before the first paint.
    #[must_use]
    pub fn stored() -> Self {
        let theme = window()
            .document()
            .and_then(|document| document.document_element())
            .and_then(|root| root.get_attribute("data-theme"));
        match theme.as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            Some(_) | None => Self::System,
        }
    }

    /// The next choice: away from what is seen now, the other, back to the system's.
    #[must_use]
    pub fn next(self) -> Self {
        let dark = window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches());
        match (self, dark) {
            (Self::System, true) | (Self::Dark, false) => Self::Light,
            (Self::System, false) | (Self::Light, true) => Self::Dark,
            (Self::Light, false) | (Self::Dark, true) => Self::System,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Applies and stores it.
    pub fn apply(self) {
        let storage = window().local_storage().ok().flatten();
        let root = window()
            .document()
            .and_then(|document| document.document_element());
        match self {
            Self::System => {
                if let Some(root) = root {
                    let _ = root.remove_attribute("data-theme");
                }
                if let Some(storage) = storage {
                    let _ = storage.remove_item(THEME_KEY);
                }
            }
            Self::Light | Self::Dark => {
                if let Some(root) = root {
                    let _ = root.set_attribute("data-theme", self.word());
                }
                if let Some(storage) = storage {
                    let _ = storage.set_item(THEME_KEY, self.word());
                }
            }
        }
    }
}

/// What is seen is kept in this browser, as somebody once chose.
pub fn is_recording() -> bool {
    let storage = window().local_storage().ok().flatten();
    let chosen = storage.and_then(|storage| storage.get_item(RECORDING_KEY).ok().flatten());
    chosen.is_some()
}

/// Remembers the choice; false: this browser remembers nothing.
pub fn set_recording(on: bool) -> bool {
    let Some(storage) = window().local_storage().ok().flatten() else {
        return false;
    };
    if on {
        storage.set_item(RECORDING_KEY, "on").is_ok()
    } else {
        storage.remove_item(RECORDING_KEY).is_ok()
    }
}

/// Bookmarks as they were kept.
pub fn bookmarks() -> String {
    let storage = window().local_storage().ok().flatten();
    let kept = storage.and_then(|storage| storage.get_item(BOOKMARKS_KEY).ok().flatten());
    kept.unwrap_or_default()
}

/// Keeps bookmarks; false: this browser keeps nothing.
pub fn keep_bookmarks(text: &str) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| storage.set_item(BOOKMARKS_KEY, text).is_ok())
}

const BOOKMARKS_KEY: &str = "statemesh:bookmarks";
const RECORDING_KEY: &str = "statemesh:recording";
/// Milliseconds on the page's clock when the page begins: a year and a half. The history counts a little more than two.
const BEFORE: u64 = 548 * 86_400_000;
/// Shared with start.js.
const THEME_KEY: &str = "statemesh:theme";
