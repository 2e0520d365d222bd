//! Where the page is: follows its own links without loading, and the browser's back and forward.
//!
//! click on a link -> history -> signals -> the views that read them. A router for a handful of addresses without
//! parameters; the framework's, for nested ones that load data, is 30 KB on the wire.

use crate::ui::prelude::*;
use leptos::ev::{self, MouseEvent};
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlAnchorElement};

use crate::browser;
use crate::model::Route;

/// The address shown; copies are the same.
#[derive(Clone, Copy)]
pub struct Router {
    /// The view.
    pub route: RwSignal<Route>,
    /// What follows the path, `#` included: names the machine on the Machine page, and the moment.
    pub fragment: RwSignal<String>,
    /// How the page came here.
    pub visit: RwSignal<Visit>,
    /// Is all of the program here?
    pub is_whole: RwSignal<bool>,
    /// What was asked for last could not be loaded.
    pub is_missing: RwSignal<bool>,
    /// An address whose code is on its way.
    asked: RwSignal<Option<(Route, String)>>,
}

/// How the page came to its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// It was opened there, or somebody typed or pasted it.
    Opened,
    /// By a link of the page.
    Followed,
    /// Back or forward, to where this page was before.
    Returned,
}

impl Router {
    /// At the page's address, which it follows from now on, as long as the page lives.
    #[must_use]
    pub fn start() -> Self {
        let router = Self {
            route: RwSignal::new(Route::Overview),
            fragment: RwSignal::new(String::new()),
            visit: RwSignal::new(Visit::Opened),
            is_whole: RwSignal::new(false),
            is_missing: RwSignal::new(false),
            asked: RwSignal::new(None),
        };
        router.read();
        if let Ok(history) = window().history() {
            // Back to here is known as the page's own.
            let _ = history.replace_state_with_url(&JsValue::TRUE, "", None);
        }
        // Back, forward, and fragments typed by hand.
        let _ = window_event_listener(ev::popstate, move |event| {
            router.read();
            router.visit.set(if event.state().is_truthy() {
                Visit::Returned
            } else {
                Visit::Opened
            });
        });
        let _ = window_event_listener(ev::click, move |event| {
            if let Some(link) = followed(&event) {
                event.prevent_default();
                router.open(&link.href());
            }
        });
        router
    }

    /// Shows another view.
    pub fn show(self, route: Route) {
        if self.route.get_untracked() != route {
            self.open(route.path());
        }
    }

    /// Goes to an address of this page; back leads here again.
    pub fn open(self, href: &str) {
        let there = window().location().href().is_ok_and(|here| here == href);
        if !there && let Ok(history) = window().history() {
            // Fails only for foreign origins and for hundreds of calls a second.
            let _ = history.push_state_with_url(&JsValue::TRUE, "", Some(href));
        }
        self.read();
        self.visit.set(Visit::Followed);
    }

    /// Says in the address bar where the page is; back leads to where it was before.
    pub fn correct(self, href: &str) {
        // Another address was asked for, and what is in view goes.
        if self.asked.with_untracked(Option::is_some) {
            return;
        }
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::TRUE, "", Some(href));
        }
        self.read();
    }

    /// Brings what a first visit does without. False: it did not come.
    pub async fn complete(self) -> bool {
        let is_whole = browser::whole().await;
        self.is_whole.set(is_whole);
        self.is_missing.set(!is_whole);
        is_whole
    }

    /// Takes the address from the browser, once the code of the view there is loaded.
    fn read(self) {
        let location = window().location();
        let route = Route::at(&location.pathname().unwrap_or_default());
        let fragment = location.hash().unwrap_or_default();
        if route.is_first() || browser::rest().is_none() {
            self.asked.set(None);
            return self.take(route, fragment);
        }
        self.asked.set(Some((route, fragment)));
        spawn_local(async move {
            let is_whole = self.complete().await;
            let asked = self.asked.get_untracked();
            self.asked.set(None);
            if let Some((route, fragment)) = asked.filter(|_| is_whole) {
                self.take(route, fragment);
            }
        });
    }

    fn take(self, route: Route, fragment: String) {
        // The view goes before its fragment does.
        if self.route.get_untracked() != route {
            self.route.set(route);
        }
        if self.fragment.with_untracked(|now| *now != fragment) {
            self.fragment.set(fragment);
        }
    }
}

/// The link that a click opens here: plain clicks on links to this page's own addresses.
fn followed(event: &MouseEvent) -> Option<HtmlAnchorElement> {
    let is_plain = event.button() == 0
        && !(event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key());
    if event.default_prevented() || !is_plain {
        return None;
    }
    let clicked: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement = clicked.closest("a[href]").ok()??.dyn_into().ok()?;
    let is_own = link.origin() == window().location().origin().ok()?
        && link.target().is_empty()
        && !link.has_attribute("download");
    is_own.then_some(link)
}
