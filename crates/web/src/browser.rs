//! The few things asked of the browser itself. Everything here may be missing (no storage, no clipboard on plain http
//! off loopback) and has a fallback.

pub mod files;
pub mod idb;
pub mod lanes;

use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, HtmlElement, HtmlTextAreaElement, RequestInit, Response, js_sys};

use crate::model::{Density, Motion, NotKept, Seen, Settings, Theme, WallClock, Zone};

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

/// Wall time of [`now`]'s zero, which is this [`epoch`].
#[must_use]
pub fn wall_clock(epoch: u64, zone: Zone) -> WallClock {
    let zone = match zone {
        Zone::Local => js_sys::Date::new_0().get_timezone_offset() * 60_000.0,
        Zone::Utc => 0.0,
    };
    let start = epoch as f64 - zone;
    WallClock {
        start: start as u64,
    }
}

/// Milliseconds that local time is ahead of UTC.
#[must_use]
pub fn zone() -> i64 {
    -(js_sys::Date::new_0().get_timezone_offset() * 60_000.0) as i64
}

/// The part of the program that a first visit does without, while it is on its way; nothing once it is here.
#[must_use]
pub fn rest() -> Option<JsFuture> {
    let ask = js_sys::Reflect::get(&window(), &"statemeshRest".into()).ok()?;
    let asked = ask.dyn_ref::<js_sys::Function>()?.call0(&JsValue::NULL);
    let coming = asked.ok()?.dyn_into::<js_sys::Promise>().ok();
    coming.map(JsFuture::from)
}

/// Waits for it. False: it could not be loaded, and may be asked for again.
pub async fn whole() -> bool {
    match rest() {
        Some(rest) => rest.await.is_ok(),
        None => true,
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

/// Gives the focus to the element of this id, if it is there and takes it.
pub fn focus(id: &str) {
    let element = window()
        .document()
        .and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
        // A hidden one does not take it, and then it stays where it was.
        let _ = element.focus();
    }
}

/// The browser's regular expressions; upper and lower case are one. `None`: that is none.
#[must_use]
pub fn pattern(source: &str) -> Option<crate::model::Pattern> {
    let arguments = js_sys::Array::of2(&JsValue::from_str(source), &JsValue::from_str("iu"));
    let constructor = js_sys::Reflect::get(&window(), &JsValue::from_str("RegExp")).ok()?;
    let made = js_sys::Reflect::construct(constructor.unchecked_ref(), &arguments).ok()?;
    let expression: js_sys::RegExp = made.unchecked_into();
    Some(Box::new(move |text| expression.test(text)))
}

/// There is room for longer lists.
#[must_use]
pub fn is_tall() -> bool {
    let height = window().inner_height().ok();
    height.and_then(|height| height.as_f64()) > Some(1_100.0)
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

/// The theme that start.js found and applied before the first paint.
#[must_use]
pub fn theme() -> Theme {
    let theme = root().and_then(|root| root.get_attribute("data-theme"));
    let named = |it: &Theme| theme.as_deref() == Some(it.word());
    Theme::ALL.into_iter().find(named).unwrap_or_default()
}

/// The system asks for a dark page.
#[must_use]
pub fn is_dark() -> bool {
    window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Makes the page look as the reader prefers.
pub fn dress(settings: &Settings) {
    let theme = (settings.theme != Theme::System).then_some(settings.theme.word());
    mark_root("data-theme", theme);
    let roomy = settings.density == Density::Roomy;
    mark_root("data-density", roomy.then_some("roomy"));
    let still = settings.motion == Motion::Reduced;
    mark_root("data-motion", still.then_some("reduced"));
}

fn root() -> Option<web_sys::Element> {
    window().document()?.document_element()
}

fn mark_root(name: &str, value: Option<&str>) {
    let Some(root) = root() else {
        return;
    };
    // The names are valid, so neither fails.
    let _ = match value {
        Some(value) => root.set_attribute(name, value),
        None => root.remove_attribute(name),
    };
}

/// The settings kept in this browser.
///
/// # Errors
/// [`NotKept::NoStorage`].
pub fn kept() -> Result<Option<String>, NotKept> {
    let storage = window().local_storage().ok().flatten();
    let storage = storage.ok_or(NotKept::NoStorage)?;
    storage.get_item(SETTINGS).map_err(|_| NotKept::NoStorage)
}

/// Keeps settings.
///
/// # Errors
/// [`NotKept::NoStorage`], [`NotKept::NoRoom`].
pub fn keep(settings: &str) -> Result<(), NotKept> {
    let storage = window().local_storage().ok().flatten();
    let storage = storage.ok_or(NotKept::NoStorage)?;
    storage
        .set_item(SETTINGS, settings)
        .map_err(|_| NotKept::NoRoom)?;
    // The theme had a key of its own once.
    let _ = storage.remove_item("statemesh:theme");
    Ok(())
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

/// What lets this tab join: start.js takes it out of the address before the first paint.
#[must_use]
pub fn kept_join() -> Option<String> {
    let storage = window().session_storage().ok().flatten();
    let kept = storage.and_then(|storage| storage.get_item(JOIN_KEY).ok().flatten());
    kept.or_else(|| root()?.get_attribute(JOIN_ATTRIBUTE))
}

/// Keeps it as long as the tab lives, or forgets it.
pub fn keep_join(value: Option<String>) {
    // Without a storage it holds until the page is loaded again.
    mark_root(JOIN_ATTRIBUTE, None);
    if let Ok(Some(storage)) = window().session_storage() {
        let _ = match value {
            Some(value) => storage.set_item(JOIN_KEY, &value),
            None => storage.remove_item(JOIN_KEY),
        };
    }
}

/// Watch rules as they were kept.
pub fn kept_rules() -> String {
    let storage = window().local_storage().ok().flatten();
    let kept = storage.and_then(|storage| storage.get_item(RULES_KEY).ok().flatten());
    kept.unwrap_or_default()
}

/// Keeps watch rules; false: this browser keeps nothing.
pub fn keep_rules(text: &str) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| storage.set_item(RULES_KEY, text).is_ok())
}

#[wasm_bindgen]
extern "C" {
    /// What the system shows; its bindings are among what may change.
    type Notification;

    #[wasm_bindgen(constructor, catch)]
    fn new(title: &str, options: &JsValue) -> Result<Notification, JsValue>;

    #[wasm_bindgen(static_method_of = Notification, catch, js_name = requestPermission)]
    fn request_permission() -> Result<js_sys::Promise, JsValue>;
}

/// Asks whether the system may tell; the browser asks at most once.
pub async fn may_notify() -> bool {
    let Ok(asked) = Notification::request_permission() else {
        return false;
    };
    let answer = JsFuture::from(asked).await;
    answer.is_ok_and(|answer| answer == "granted")
}

/// Tells by the system; where that is not allowed nothing happens.
pub fn notify(title: &str, body: &str) {
    let options = js_sys::Object::new();
    let (name, tag) = (JsValue::from_str("body"), JsValue::from_str("tag"));
    // Plain objects take any key.
    let _ = js_sys::Reflect::set(&options, &name, &JsValue::from_str(body));
    let _ = js_sys::Reflect::set(&options, &tag, &JsValue::from_str("statemesh"));
    let _ = Notification::new(title, &options);
}

/// Machines put aside, as they were kept.
pub fn kept_shelf() -> String {
    let storage = window().local_storage().ok().flatten();
    let kept = storage.and_then(|storage| storage.get_item(SHELF_KEY).ok().flatten());
    kept.unwrap_or_default()
}

/// Keeps them; false: this browser keeps nothing.
pub fn keep_shelf(text: &str) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| storage.set_item(SHELF_KEY, text).is_ok())
}

const SHELF_KEY: &str = "statemesh:shelf";
const RULES_KEY: &str = "statemesh:watch";
/// Shared with start.js.
const JOIN_KEY: &str = "statemesh:join";
/// Where start.js leaves it if there is no storage.
const JOIN_ATTRIBUTE: &str = "data-join";
/// Meshes of earlier visits, as they were kept.
pub fn known_meshes() -> String {
    stored(MESHES_KEY).unwrap_or_default()
}

/// Keeps them, where that is possible.
pub fn keep_known_meshes(text: &str) {
    store(MESHES_KEY, Some(text));
}

/// The key kept in this browser, if somebody asked for that.
pub fn kept_key() -> Option<String> {
    stored(IDENTITY_KEY)
}

/// Keeps a key, or forgets it; false: this browser keeps nothing.
pub fn keep_key(text: Option<&str>) -> bool {
    store(IDENTITY_KEY, text)
}

fn stored(key: &str) -> Option<String> {
    let storage = window().local_storage().ok().flatten();
    storage?.get_item(key).ok().flatten()
}

fn store(key: &str, text: Option<&str>) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| match text {
        Some(text) => storage.set_item(key, text).is_ok(),
        None => storage.remove_item(key).is_ok(),
    })
}

/// Takes a lock among all tabs of this origin until this one is closed. False: another has it, or this browser knows no
/// locks here (plain http off loopback).
pub async fn lock(name: &str) -> bool {
    let get = |of: &JsValue, key: &str| js_sys::Reflect::get(of, &JsValue::from_str(key)).ok();
    let locks = get(&window().navigator(), "locks").filter(|locks| !locks.is_undefined());
    let request = locks.as_ref().and_then(|locks| get(locks, "request"));
    let request = request.and_then(|request| request.dyn_into::<js_sys::Function>().ok());
    let (Some(locks), Some(request)) = (locks, request) else {
        return false;
    };
    let (tell, told) = futures::channel::oneshot::channel();
    let granted = wasm_bindgen::closure::Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let is_ours = !lock.is_null() && !lock.is_undefined();
        // Whoever asked is this page.
        let _ = tell.send(is_ours);
        if is_ours {
            js_sys::Promise::new(&mut |_, _| {}).into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let options = js_sys::Object::new();
    let wanted = js_sys::Reflect::set(&options, &JsValue::from_str("ifAvailable"), &JsValue::TRUE);
    let asked = request.call3(&locks, &JsValue::from_str(name), &options, &granted);
    wanted.is_ok() && asked.is_ok() && told.await.unwrap_or(false)
}

const MESHES_KEY: &str = "statemesh:meshes";
const IDENTITY_KEY: &str = "statemesh:key";
const BOOKMARKS_KEY: &str = "statemesh:bookmarks";
const RECORDING_KEY: &str = "statemesh:recording";
/// Milliseconds on the page's clock when the page begins: a year and a half. The history counts a little more than two.
const BEFORE: u64 = 548 * 86_400_000;
/// Shared with start.js.
const SETTINGS: &str = "statemesh:settings";
