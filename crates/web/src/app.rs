//! Views by address and contexts, nothing else.

use leptos::mount::mount_to;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::address;
use crate::browser;
use crate::components::{
    BottomBar, ConnectionBar, Dock, LiveRegion, NoticeBar, RecordingBar, SkipButton, TopBar, dynamic, listen,
};
use crate::model::Route;
use crate::pages::{JoinPage, MachinePage, NotFound, OverviewPage, PeersPage};
use crate::router::Router;
use crate::session::Session;
use crate::sharing::Sharing;
use crate::store::Store;

/// Replaces the skeleton of index.html by the page. The peer starts to dial before anything is drawn.
pub fn mount() {
    console_error_panic_hook::set_once();
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
        let router = Router::start();
        provide_context(router);
        provide_context(Sharing::new(store, router));
        mount_to(place, App)
    });
    page.forget();
    std::mem::forget(owner);
}

#[component]
fn App() -> impl IntoView {
    listen(expect_context::<Store>(), expect_context::<Sharing>());
    let router = expect_context::<Router>();
    address::keep(expect_context::<Store>(), router);
    let sharing = expect_context::<Sharing>();
    Effect::new(move |_| router.fragment.with(|fragment| sharing.ask(fragment)));
    let route = router.route;
    let page = move || match route.get() {
        Route::Overview => view! { <OverviewPage /> }.into_any(),
        Route::Machines => view! { <MachinePage /> }.into_any(),
        Route::Peers => view! { <PeersPage /> }.into_any(),
        Route::Join => view! { <JoinPage /> }.into_any(),
        Route::Unknown => view! { <NotFound /> }.into_any(),
    };
    view! {
        <SkipButton />
        <TopBar />
        <ConnectionBar />
        <RecordingBar />
        <NoticeBar />
        <main id="main" tabindex="-1">
            {dynamic(page)}
        </main>
        <Dock />
        <BottomBar />
        <LiveRegion />
    }
}
