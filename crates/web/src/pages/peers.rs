//! Peers: this tab and its connection, everyone known, and one of them in full, as of the moment looked at.

use crate::ui::prelude::*;

use crate::components::{OwnPlace, PeerPanel, PeerTable, SampleSwitch, dynamic, icon};
use crate::model::PeerRef;
use crate::router::Router;
use crate::store::Store;
use crate::words::peers as words;

/// `/peers`, and `#peer=<peer>` for one of them.
#[component]
pub fn PeersPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let fragment = expect_context::<Router>().fragment;
    let wanted = Memo::new(move |_| fragment.with(|fragment| PeerRef::parse(fragment).peer));
    Effect::new(move |_| store.open_peers(wanted.get()));
    on_cleanup(move || {
        store.filter_peers("");
        store.close_peers();
    });
    let not_live = Memo::new(move |_| store.connection.with(|connection| connection.is_stale()));
    let chosen = Memo::new(move |_| store.peers.with(|screen| screen.detail.is_some()));
    let missing = Memo::new(move |_| store.peers.with(|screen| screen.is_missing));
    let counts = Memo::new(move |_| store.peers.with(|screen| screen.counts));
    let none = Memo::new(move |_| {
        store
            .peers
            .with(|screen| screen.lines.is_empty() && screen.counts.0 > 0)
    });
    view! {
        <div class="peers-page" class:not-live=not_live class:chosen=chosen>
            <h1 class="vh">"Peers"</h1>
            <div class="peers-main">
                <OwnPlace />
                <SampleSwitch />
                <div class="peers-bar">
                    <label class="field">
                        {icon("i-search")}
                        <span class="vh">"Filter peers"</span>
                        <input
                            id="peers-filter"
                            type="search"
                            autocomplete="off"
                            spellcheck="false"
                            placeholder=words::FILTER_HINT
                            on:input=move |event| store.filter_peers(&event_target_value(&event))
                        />
                    </label>
                    <span class="label">{dynamic(move || missing.get().then_some(words::NOT_HERE))}</span>
                    <span class="grow"></span>
                    <span class="label" role="status">
                        {dynamic(move || words::counts(counts.get()))}
                    </span>
                </div>
                <PeerTable />
                {dynamic(move || none.get().then(|| view! { <p class="nothing">{words::NO_MATCH}</p> }))}
            </div>
            {dynamic(move || chosen.get().then(|| view! { <PeerPanel /> }))}
        </div>
    }
}
