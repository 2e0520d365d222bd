//! Router and contexts, nothing else.

use leptos::mount::mount_to;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;
use web_sys::HtmlElement;

use crate::browser;
use crate::components::{BottomBar, ConnectionBar, LiveRegion, SkipButton, TopBar};
use crate::pages::{JoinPage, MachinePage, NotFound, OverviewPage, PeersPage};
use crate::session::Session;
use crate::store::Store;

/// Replaces the skeleton of index.html by the page. The peer starts to dial before anything is drawn.
pub fn mount() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        show_crash();
    }));
    let Some(place) = document()
        .get_element_by_id("app")
        .and_then(|place| place.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    // The reactive graph lives as long as the page.
    let owner = Owner::new();
    let (store, session) = owner.with(|| {
        let store = Store::new(browser::host());
        (store, Session::new(store))
    });
    session.join_here();
    place.set_text_content(None);
    let page = owner.with(|| {
        provide_context(store);
        provide_context(session);
        mount_to(place, App)
    });
    page.forget();
    std::mem::forget(owner);
}

/// After a panic nothing of this program runs any more; the sentence is in index.html.
fn show_crash() {
    if let Some(crash) = document().get_element_by_id("crash") {
        let _ = crash.remove_attribute("hidden");
    }
}

#[component]
fn App() -> impl IntoView {
    view! {
        <Router>
            <SkipButton />
            <TopBar />
            <ConnectionBar />
            <main id="main" tabindex="-1">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=OverviewPage />
                    <Route path=path!("/m") view=MachinePage />
                    <Route path=path!("/peers") view=PeersPage />
                    <Route path=path!("/join") view=JoinPage />
                </Routes>
            </main>
            <BottomBar />
            <LiveRegion />
        </Router>
    }
}
