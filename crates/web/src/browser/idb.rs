//! A shelf in this browser: bytes by number, in one store of IndexedDB. Bound by hand, because it is six calls.

use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::{Array, Function, Promise, Reflect, Uint8Array};

#[wasm_bindgen]
extern "C" {
    type Factory;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Factory, name: &str, version: u32) -> Result<Request, JsValue>;

    #[derive(Clone)]
    type Request;
    #[wasm_bindgen(method, getter)]
    fn result(this: &Request) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn error(this: &Request) -> JsValue;
    #[wasm_bindgen(method, setter, js_name = onsuccess)]
    fn on_success(this: &Request, then: &Function);
    #[wasm_bindgen(method, setter, js_name = onerror)]
    fn on_error(this: &Request, then: &Function);
    #[wasm_bindgen(method, setter, js_name = onupgradeneeded)]
    fn on_new(this: &Request, then: &Function);

    /// An open database.
    #[derive(Clone)]
    type Database;
    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    fn create(this: &Database, name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Database, name: &str, mode: &str) -> Result<Transaction, JsValue>;

    #[derive(Clone)]
    type Transaction;
    #[wasm_bindgen(method, catch, js_name = objectStore)]
    fn store(this: &Transaction, name: &str) -> Result<Rows, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn error(this: &Transaction) -> JsValue;
    #[wasm_bindgen(method, setter, js_name = oncomplete)]
    fn on_complete(this: &Transaction, then: &Function);
    #[wasm_bindgen(method, setter, js_name = onabort)]
    fn on_abort(this: &Transaction, then: &Function);

    type Rows;
    #[wasm_bindgen(method, catch)]
    fn put(this: &Rows, value: &JsValue, key: f64) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Rows, key: f64) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAllKeys)]
    fn keys(this: &Rows) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Rows, key: f64) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn clear(this: &Rows) -> Result<Request, JsValue>;
}

/// The shelf, open.
#[derive(Clone)]
pub struct Shelf(Database);

impl Shelf {
    /// Opens it, and makes it if there is none.
    ///
    /// # Errors
    /// What the browser says: it may have no storage, or none for this page.
    pub async fn open() -> Result<Self, JsValue> {
        let factory = Reflect::get(&window(), &JsValue::from_str("indexedDB"))?;
        if factory.is_undefined() || factory.is_null() {
            return Err(JsValue::NULL);
        }
        let factory: Factory = factory.unchecked_into();
        let request = factory.open(DATABASE, 1)?;
        let fresh = request.clone();
        let make = Closure::once_into_js(move || {
            let database: Database = fresh.result().unchecked_into();
            // It fails only if there is such a store.
            let _ = database.create(ROWS);
        });
        request.on_new(make.unchecked_ref());
        Ok(Self(answer(&request).await?.unchecked_into()))
    }

    /// All numbers, in order.
    ///
    /// # Errors
    /// What the browser says.
    pub async fn keys(&self) -> Result<Vec<f64>, JsValue> {
        let rows = self.0.transaction(ROWS, "readonly")?.store(ROWS)?;
        let keys: Array = answer(&rows.keys()?).await?.unchecked_into();
        Ok(keys.iter().filter_map(|key| key.as_f64()).collect())
    }

    /// What lies there.
    ///
    /// # Errors
    /// What the browser says.
    pub async fn get(&self, key: f64) -> Result<Vec<u8>, JsValue> {
        let rows = self.0.transaction(ROWS, "readonly")?.store(ROWS)?;
        let value = answer(&rows.get(key)?).await?;
        Ok(value
            .dyn_into::<Uint8Array>()
            .map(|bytes| bytes.to_vec())
            .unwrap_or_default())
    }

    /// Puts something there, and takes these away, both or neither.
    ///
    /// # Errors
    /// What the browser says: it may be full.
    pub async fn put(&self, key: f64, bytes: &[u8], without: &[f64]) -> Result<(), JsValue> {
        let transaction = self.0.transaction(ROWS, "readwrite")?;
        let rows = transaction.store(ROWS)?;
        for old in without {
            rows.delete(*old)?;
        }
        rows.put(&Uint8Array::from(bytes), key)?;
        end(&transaction).await
    }

    /// Takes everything away.
    ///
    /// # Errors
    /// What the browser says.
    pub async fn clear(&self) -> Result<(), JsValue> {
        let transaction = self.0.transaction(ROWS, "readwrite")?;
        transaction.store(ROWS)?.clear()?;
        end(&transaction).await
    }
}

/// Is it that there is no room?
pub fn is_full(error: &JsValue) -> bool {
    let name = Reflect::get(error, &JsValue::from_str("name"));
    name.is_ok_and(|name| name.as_string().as_deref() == Some("QuotaExceededError"))
}

async fn answer(request: &Request) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        let (done, failed) = (request.clone(), request.clone());
        let then = Closure::once_into_js(move || resolve.call1(&JsValue::NULL, &done.result()));
        let not = Closure::once_into_js(move |event: web_sys::Event| {
            event.prevent_default();
            reject.call1(&JsValue::NULL, &failed.error())
        });
        request.on_success(then.unchecked_ref());
        request.on_error(not.unchecked_ref());
    });
    JsFuture::from(promise).await
}

async fn end(transaction: &Transaction) -> Result<(), JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        let failed = transaction.clone();
        let not = Closure::once_into_js(move || reject.call1(&JsValue::NULL, &failed.error()));
        transaction.on_complete(&resolve);
        transaction.on_abort(not.unchecked_ref());
    });
    JsFuture::from(promise).await.map(|_| ())
}

const DATABASE: &str = "statemesh";
const ROWS: &str = "recording";
