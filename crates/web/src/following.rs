//! One cursor for several windows of this browser: a window in which that is switched on tells where it looks, and looks
//! where the others tell.
//!
//! seek -> `<mesh> <milliseconds since 1970>` or `<mesh> live` -> the other windows seek. Who just came asks, `<mesh> ?`.

use crate::ui::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::js_sys::Reflect;

use crate::model::Seen;
use crate::preferences::Preferences;
use crate::store::Store;

#[wasm_bindgen]
extern "C" {
    /// Bound here by hand: its crate feature brings more than is asked for.
    type BroadcastChannel;
    #[wasm_bindgen(constructor, catch)]
    fn new(name: &str) -> Result<BroadcastChannel, JsValue>;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post(this: &BroadcastChannel, message: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_listener(this: &BroadcastChannel, listener: &JsValue);
}

/// What is told: where a window looks, `None` for live.
type Place = Option<u64>;

#[derive(Clone, Copy)]
struct Following {
    store: Store,
    channel: StoredValue<Option<BroadcastChannel>, LocalStorage>,
    /// What was told or heard last.
    last: StoredValue<Place>,
    is_on: Memo<bool>,
}

/// As long as the page lives.
pub fn keep(store: Store, preferences: Preferences) {
    let following = Following {
        store,
        channel: StoredValue::new_local(None),
        last: StoredValue::new(None),
        is_on: Memo::new(move |_| preferences.settings.with(|settings| settings.follows)),
    };
    Effect::new(move |_| {
        // Which mesh this is about is known once it is joined.
        if following.is_on.get() && store.topic.with(Option::is_some) {
            following.begin();
        }
    });
    Effect::new(move |_| {
        let place = following.place(store.dock.with(|dock| dock.at));
        if following.is_on.get() && following.last.get_value() != place {
            following.last.set_value(place);
            following.tell(place);
        }
    });
}

impl Following {
    fn begin(self) {
        self.last
            .set_value(self.place(self.store.dock.with_untracked(|dock| dock.at)));
        if self.channel.with_value(Option::is_none) {
            // A browser without channels has windows that go their own ways.
            let Ok(channel) = BroadcastChannel::new(NAME) else {
                return;
            };
            let hear = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
                let data = Reflect::get(&event, &JsValue::from_str("data")).ok();
                if let Some(message) = data.and_then(|data| data.as_string()) {
                    self.hear(&message);
                }
            });
            channel.set_listener(hear.into_js_value().unchecked_ref());
            self.channel.set_value(Some(channel));
        }
        self.say("?");
    }

    fn place(self, at: Option<Seen>) -> Place {
        at.map(|at| self.store.origin() + at.0)
    }

    fn tell(self, place: Place) {
        match place {
            Some(at) => self.say(&at.to_string()),
            None => self.say("live"),
        }
    }

    fn say(self, what: &str) {
        // What a recording shows is no moment of the mesh.
        if self.store.recording.with_untracked(Option::is_some) {
            return;
        }
        let mesh = self.store.topic.get_untracked().unwrap_or_default();
        self.channel.with_value(|channel| {
            if let Some(channel) = channel {
                // It is a string, and the channel is never closed.
                let _ = channel.post(&[&mesh, " ", what].concat());
            }
        });
    }

    fn hear(self, message: &str) {
        let mesh = self.store.topic.get_untracked();
        let Some((of, what)) = message.rsplit_once(' ') else {
            return;
        };
        let is_ours = mesh.as_deref() == Some(of) || what == "?";
        if !self.is_on.get_untracked()
            || !is_ours
            || self.store.recording.with_untracked(Option::is_some)
        {
            return;
        }
        match what {
            "?" => match self.last.get_value() {
                None => {}
                place => self.tell(place),
            },
            "live" => {
                self.last.set_value(None);
                self.store.live();
            }
            at => {
                let seen = at.parse::<u64>().ok();
                let seen = seen.and_then(|at| at.checked_sub(self.store.origin()));
                if let Some(seen) = seen {
                    self.last.set_value(at.parse().ok());
                    self.store.seek(Seen(seen));
                }
            }
        }
    }
}

/// The channel of all windows of this page.
const NAME: &str = "statemesh:cursor";
