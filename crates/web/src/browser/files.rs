//! Files: packed and unpacked by the browser's own gzip, saved and read. Compression streams are bound here by hand,
//! because the bindings of the crate count them among what may change.

use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, ReadableStream, Response, Url, js_sys};

#[wasm_bindgen]
extern "C" {
    type CompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;

    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;

    type Pipe;
    #[wasm_bindgen(method, catch, js_name = pipeThrough)]
    fn through(this: &Pipe, transform: &JsValue) -> Result<Pipe, JsValue>;
    #[wasm_bindgen(method, js_name = getReader)]
    fn reader(this: &Pipe) -> Reader;

    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> js_sys::Promise;
    #[wasm_bindgen(method)]
    fn cancel(this: &Reader) -> js_sys::Promise;

    type Piece;
    #[wasm_bindgen(method, getter)]
    fn done(this: &Piece) -> bool;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Piece) -> js_sys::Uint8Array;

    type Named;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Named) -> Option<String>;

    type Holder;
    #[wasm_bindgen(method, getter)]
    fn files(this: &Holder) -> Option<js_sys::Object>;
    #[wasm_bindgen(method, getter, js_name = dataTransfer)]
    fn data_transfer(this: &Holder) -> Option<Holder>;
}

/// A file that was chosen or dropped.
#[derive(Clone)]
pub struct Picked {
    /// Its name.
    pub name: String,
    blob: Blob,
}

impl Picked {
    /// What was dropped on the page, or chosen in a field.
    pub fn of(holder: &JsValue) -> Option<Self> {
        let holder: &Holder = holder.unchecked_ref();
        let files = holder.files().or_else(|| holder.data_transfer()?.files())?;
        let first = js_sys::Reflect::get_u32(&files, 0).ok()?;
        let blob: Blob = first.dyn_into().ok()?;
        let named: &Named = blob.unchecked_ref();
        let name = named.name().unwrap_or_default();
        Some(Self { name, blob })
    }

    /// Its content, unpacked if it is packed, at most so many bytes. What is damaged ends where the damage begins.
    pub async fn read(&self, most: usize) -> Option<Vec<u8>> {
        let start = self.blob.slice_with_i32_and_i32(0, 2).ok()?;
        let start = take(start.stream().unchecked_into(), 2).await?;
        let stream: Pipe = self.blob.stream().unchecked_into();
        if start == GZIP {
            let unpack = DecompressionStream::new("gzip").ok()?;
            take(stream.through(unpack.as_ref()).ok()?, most).await
        } else {
            take(stream, most).await
        }
    }
}

/// Packs bytes.
///
/// # Errors
/// What the browser says.
pub async fn pack(bytes: &[u8]) -> Result<Blob, JsValue> {
    pack_as("gzip", bytes).await
}

/// Packs bytes without a header around them.
pub async fn deflate(text: &[u8]) -> Option<Vec<u8>> {
    let packed = pack_as("deflate-raw", text).await.ok()?;
    bytes(&packed).await
}

/// The other way, at most so many bytes; what is damaged ends where the damage begins.
///
/// # Errors
/// [`Nothing`].
pub async fn inflate(bytes: &[u8], most: usize) -> Result<Vec<u8>, Nothing> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let stream = Blob::new_with_u8_array_sequence(&parts).and_then(|blob| {
        let stream: Pipe = blob.stream().unchecked_into();
        stream.through(DecompressionStream::new("deflate-raw")?.as_ref())
    });
    read_to(stream.map_err(|_| Nothing::Damaged)?, most).await
}

async fn pack_as(format: &str, bytes: &[u8]) -> Result<Blob, JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let stream: Pipe = Blob::new_with_u8_array_sequence(&parts)?
        .stream()
        .unchecked_into();
    let packed = stream.through(CompressionStream::new(format)?.as_ref())?;
    let packed: ReadableStream = packed.unchecked_into();
    let response = Response::new_with_opt_readable_stream(Some(&packed))?;
    let blob = JsFuture::from(response.blob()?).await?;
    blob.dyn_into()
}

/// Packed bytes of a blob.
pub async fn bytes(blob: &Blob) -> Option<Vec<u8>> {
    take(blob.stream().unchecked_into(), usize::MAX).await
}

/// Unpacks bytes.
pub async fn unpack(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence(&parts).ok()?;
    let name = String::new();
    Picked { name, blob }.read(most).await
}

/// Saves a text as a file of this type; empty: plain.
///
/// # Errors
/// What the browser says.
pub fn save_text(text: &str, kind: &str, name: &str) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let blob = Blob::new_with_str_sequence(&parts)?;
    save(
        &blob.slice_with_i32_and_i32_and_content_type(0, i32::MAX, kind)?,
        name,
    )
}

/// Gives a file to whoever sits in front of the page.
///
/// # Errors
/// What the browser says.
pub fn save(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let document = window().document().ok_or(JsValue::NULL)?;
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The browser has taken it by then.
    leptos::prelude::set_timeout(
        move || {
            let _ = Url::revoke_object_url(&url);
        },
        std::time::Duration::from_secs(60),
    );
    Ok(())
}

/// Reads a file of this page's own server.
pub async fn fetch(url: &str, most: usize) -> Option<Vec<u8>> {
    let answer = JsFuture::from(window().fetch_with_str(url)).await.ok()?;
    let response: Response = answer.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let blob = JsFuture::from(response.blob().ok()?).await.ok()?;
    let blob: Blob = blob.dyn_into().ok()?;
    let name = String::new();
    Picked { name, blob }.read(most).await
}

/// `None`: too much, or nothing at all.
async fn take(stream: Pipe, most: usize) -> Option<Vec<u8>> {
    read_to(stream, most).await.ok()
}

/// What comes until the end, or until the damage.
async fn read_to(stream: Pipe, most: usize) -> Result<Vec<u8>, Nothing> {
    let reader = stream.reader();
    let mut bytes = Vec::new();
    loop {
        let Ok(piece) = JsFuture::from(reader.read()).await else {
            return match bytes.is_empty() {
                true => Err(Nothing::Damaged),
                false => Ok(bytes),
            };
        };
        let piece: Piece = piece.unchecked_into();
        if piece.done() {
            return Ok(bytes);
        }
        let part = piece.value();
        if bytes.len() + part.length() as usize > most {
            let _ = reader.cancel();
            return Err(Nothing::TooMuch);
        }
        let from = bytes.len();
        bytes.resize(from + part.length() as usize, 0);
        part.copy_to(&mut bytes[from..]);
    }
}

/// Why there is nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// It is more than was asked for.
    TooMuch,
    /// It is damaged from the beginning.
    Damaged,
}

/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
