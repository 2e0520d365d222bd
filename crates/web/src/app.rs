//! Views by address and contexts, nothing else.

use crate::ui::prelude::*;
use leptos::wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use crate::address;
use crate::browser;
use crate::comparing::Comparing;
use crate::components::{
    BottomBar, ConnectionBar, Dock, FrameBar, HiddenBar, LiveRegion, NoticeBar, Panels,
    RecordingBar, SkipButton, StepsUi, TopBar, dynamic, listen, listen_to_share,
};
use crate::console;
use crate::following;
use crate::keeping::Keeping;
use crate::model::{JoinLink, JoinTarget, Route, take_join, wanted_sample};
use crate::pages::{
    ComparePage, JoinPage, MachinePage, MeshPage, NotFound, OverviewPage, PeersPage, SettingsPage,
};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::session::{Session, kept_target};
use crate::sharing::Sharing;
use crate::shelving::Shelving;
use crate::store::Store;
use crate::watching::Watching;
use crate::{ui, words};

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
        let target = kept_target();
        let relay = target.map_or_else(browser::host, |target| target.name().to_owned());
        let store = Store::new(relay);
        (store, Session::new(store), Preferences::start(store))
    });
    let keeping = owner.with(|| Keeping::new(store));
    place.set_text_content(None);
    owner.with(|| {
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
        provide_context(Watching::start(store));
        provide_context(Shelving::start(store));
        begin(session, keeping, sharing);
        ui::mount(&place, App);
    });
    std::mem::forget(owner);
}

/// Joins the mesh; what was recorded here before comes first.
fn begin(session: Session, keeping: Keeping, sharing: Sharing) {
    if !keeping.is_on.get_untracked() {
        return session.join_here();
    }
    spawn_local(async move {
        if browser::whole().await && keeping.load().await {
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
    listen_to_share();
    following::keep(expect_context::<Store>(), expect_context::<Preferences>());
    console::offer(expect_context::<Store>(), router);
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
    Effect::new(move |_| {
        if router.is_missing.get() {
            sharing.refuse(words::NOT_LOADED);
        }
    });
    let session = expect_context::<Session>();
    // What start.js could not read is told once.
    if browser::kept_join().is_some() && kept_target().is_none() {
        browser::keep_join(None);
        sharing.refuse(words::link::NO_JOIN_LINK);
    }
    Effect::new(move |_| {
        let found = router.fragment.with(|fragment| {
            let (value, rest) = take_join(fragment)?;
            Some((JoinLink::read(value), rest))
        });
        if let Some((link, rest)) = found {
            let path = router.route.get_untracked().path();
            router.correct(&format!("{path}{rest}"));
            match link {
                Ok(link) => session.join(&JoinTarget::Link(link)),
                Err(problem) => sharing.refuse(&problem.to_string()),
            }
        }
    });
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
        <FrameBar />
        <HiddenBar />
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
