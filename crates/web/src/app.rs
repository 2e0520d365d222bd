//! Views by address and contexts, nothing else.

use leptos::mount::mount_to;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use crate::address;
use crate::browser;
use crate::comparing::Comparing;
use crate::components::{
    BottomBar, ConnectionBar, Dock, LiveRegion, NoticeBar, Panels, RecordingBar, SkipButton,
    StepsUi, TopBar, dynamic, listen,
};
use crate::keeping::Keeping;
use crate::model::{Route, wanted_sample};
use crate::pages::{
    ComparePage, JoinPage, MachinePage, MeshPage, NotFound, OverviewPage, PeersPage, SettingsPage,
};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::session::Session;
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words;

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
    let (store, session, preferences) = owner.with(|| {
        let store = Store::new(browser::host());
        (store, Session::new(store), Preferences::start(store))
    });
    let keeping = owner.with(|| Keeping::new(store));
    place.set_text_content(None);
    let page = owner.with(|| {
        provide_context(store);
        provide_context(session);
        provide_context(preferences);
        let router = Router::start();
        provide_context(router);
        let sharing = Sharing::new(store, router);
        provide_context(sharing);
        provide_context(Comparing::new(store, router, sharing));
        provide_context(keeping);
        if let Some(until) = router.fragment.with_untracked(|it| wanted_sample(it)) {
            session.run_sample(until);
        }
        begin(session, keeping, sharing);
        mount_to(place, App)
    });
    page.forget();
    std::mem::forget(owner);
}

/// Joins the mesh; what was recorded here before comes first.
fn begin(session: Session, keeping: Keeping, sharing: Sharing) {
    if !keeping.is_on.get_untracked() {
        return session.join_here();
    }
    spawn_local(async move {
        if keeping.load().await {
            sharing.say(words::recording::LOADED);
        }
        session.join_here();
    });
}

#[component]
fn App() -> impl IntoView {
    let router = expect_context::<Router>();
    listen(
        expect_context::<Store>(),
        router,
        expect_context::<Preferences>(),
        expect_context::<Sharing>(),
    );
    address::keep(expect_context::<Store>(), router);
    provide_context(StepsUi::new(expect_context::<Store>()));
    let sharing = expect_context::<Sharing>();
    let keeping = expect_context::<Keeping>();
    Effect::new(move |_| {
        if let Some(problem) = keeping.problem.get() {
            sharing.refuse(&problem);
        }
    });
    Effect::new(move |_| router.fragment.with(|fragment| sharing.ask(fragment)));
    let route = router.route;
    let page = move || match route.get() {
        Route::Overview => view! { <OverviewPage /> }.into_any(),
        Route::Machines => view! { <MachinePage /> }.into_any(),
        Route::Mesh => view! { <MeshPage /> }.into_any(),
        Route::Peers => view! { <PeersPage /> }.into_any(),
        Route::Compare => view! { <ComparePage /> }.into_any(),
        Route::Join => view! { <JoinPage /> }.into_any(),
        Route::Settings => view! { <SettingsPage /> }.into_any(),
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
        <Panels />
    }
}
