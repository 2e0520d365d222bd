//! `window.statemesh`: what the page knows, for the browser's console and for scripts that drive the page. It reads, and
//! changes nothing (docs/dashboard-console.md).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::ui::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use statemesh::core::collections::OrderedMap;
use wasm_bindgen::closure::Closure;
use web_sys::js_sys::{Array, Date, Function, JSON, Object, Reflect};

use crate::router::Router;
use crate::store::Store;

type Call = Closure<dyn Fn(JsValue) -> JsValue>;

/// Puts it in its place, for as long as the page lives.
pub fn offer(store: Store, router: Router) {
    let console = Object::new();
    let put = |name: &str, call: Box<dyn Fn(JsValue) -> JsValue>| {
        // A new object takes any key.
        let _ = Reflect::set(&console, &JsValue::from_str(name), &function(call));
    };
    put("list", Box::new(move |_| parse(&store.list_json())));
    put(
        "get",
        Box::new(move |id| {
            let id = id.as_string().unwrap_or_default();
            parse(&store.machine_json(&id))
        }),
    );
    put(
        "at",
        Box::new(move |time| {
            let route = router.route.get_untracked();
            JsValue::from_str(&store.text_of(route, millis(&time)))
        }),
    );
    let subscribers = Rc::new(Subscribers::default());
    let all = Rc::clone(&subscribers);
    put("subscribe", Box::new(move |tell| all.add(store, tell)));
    Effect::new({
        let subscribers = StoredValue::new_local(subscribers);
        move |_| {
            store.frame.track();
            subscribers.with_value(|all| all.tell(store));
        }
    });
    let console = Object::freeze(&console);
    let _ = Reflect::set(&window(), &JsValue::from_str("statemesh"), &console);
}

fn function(call: Box<dyn Fn(JsValue) -> JsValue>) -> JsValue {
    Call::wrap(call).into_js_value()
}

fn parse(json: &str) -> JsValue {
    JSON::parse(json).unwrap_or(JsValue::NULL)
}

/// Milliseconds since 1970, of a number or a date.
fn millis(time: &JsValue) -> Option<u64> {
    let date = time.dyn_ref::<Date>().map(Date::get_time);
    let time = time.as_f64().or(date).filter(|time| *time >= 0.0)?;
    Some(time as u64)
}

/// Functions that are told what changed, at most as often as the page counts ages on.
#[derive(Default)]
struct Subscribers {
    functions: RefCell<Vec<(u32, Function)>>,
    next: Cell<u32>,
    /// Rows as they were told last, by machine and owner.
    told: RefCell<OrderedMap<String, String>>,
}

impl Subscribers {
    /// Answers with a function that ends it.
    fn add(self: &Rc<Self>, store: Store, tell: JsValue) -> JsValue {
        let Ok(tell) = tell.dyn_into::<Function>() else {
            return JsValue::UNDEFINED;
        };
        if self.functions.borrow().is_empty() {
            *self.told.borrow_mut() = rows(store);
        }
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        self.functions.borrow_mut().push((number, tell));
        let all = Rc::clone(self);
        function(Box::new(move |_| {
            all.functions
                .borrow_mut()
                .retain(|(other, _)| *other != number);
            JsValue::UNDEFINED
        }))
    }

    fn tell(&self, store: Store) {
        // One that ends itself while it is told changes the list.
        let functions = self.functions.borrow().clone();
        if functions.is_empty() {
            return;
        }
        let now = rows(store);
        let changed = Array::new();
        for (key, row) in &now {
            if self.told.borrow().get(key) != Some(row) {
                changed.push(&parse(row));
            }
        }
        *self.told.borrow_mut() = now;
        if changed.length() == 0 {
            return;
        }
        for (_, tell) in functions {
            // What it throws is its own matter.
            let _ = tell.call1(&JsValue::UNDEFINED, &changed);
        }
    }
}

fn rows(store: Store) -> OrderedMap<String, String> {
    let Some(table) = store.table_of(crate::model::Route::Overview) else {
        return OrderedMap::new();
    };
    let rows = table.rows.iter().map(|row| {
        let mut text = String::new();
        table.object(&mut text, row, "");
        let key: String = row.iter().take(3).map(crate::model::Cell::text).collect();
        (key, text)
    });
    rows.collect()
}
