//! Mesh: who is there and how they are linked, at the moment looked at, as a graph or as tables.

use crate::ui::prelude::*;

use crate::components::{MeshGraph, MeshPanel, MeshTable, dynamic};
use crate::derived::Derived;
use crate::model::{LinkClass, PeerRef};
use crate::router::Router;
use crate::store::Store;
use crate::words;

/// `/mesh#peer=<peer>`, and `&link=<peer>` for its link to another.
#[component]
pub fn MeshPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let fragment = expect_context::<Router>().fragment;
    let wanted = Derived::new(move || fragment.with(|fragment| PeerRef::parse(fragment)));
    Effect::new(move |_| store.open_mesh(wanted.get()));
    on_cleanup(move || store.close_mesh());
    let is_table = RwSignal::new(false);
    let not_live = Memo::new(move |_| store.connection.with(|connection| connection.is_stale()));
    let summary = move || {
        store.mesh.with(|mesh| {
            let frame = &mesh.frame;
            let open = frame.edges.iter().filter(|edge| edge.link.closed.is_none());
            words::mesh::summary(frame.level, frame.peers, open.count(), frame.unnamed)
        })
    };
    let missing = move || {
        let is_missing = wanted.with(|wanted| wanted.peer.is_some())
            && store.mesh.with(|mesh| mesh.selected.is_none());
        let is_alone = store.mesh.with(|mesh| mesh.frame.nodes.len() < 2);
        match (is_missing, is_alone) {
            (_, true) => Some(words::mesh::ALONE),
            (true, false) => Some(words::mesh::NOT_HERE),
            (false, false) => None,
        }
    };
    let shown = move || {
        if is_table.get() {
            view! { <MeshTable /> }.into_any()
        } else {
            view! { <MeshGraph /> }.into_any()
        }
    };
    view! {
        <div class="mesh-page" class:not-live=not_live>
            <h1 class="vh">"Mesh"</h1>
            <div class="mesh-bar">
                <span>{dynamic(summary)}</span>
                <span class="label">{dynamic(missing)}</span>
                <span class="grow"></span>
                <div class="switch" role="group" aria-label="Layout">
                    <Choice is_table wanted=false word="Graph" />
                    <Choice is_table wanted=true word="Table" />
                </div>
            </div>
            <div class="mesh-main">{dynamic(shown)} <Legend /></div>
            <MeshPanel />
        </div>
    }
}

#[component]
fn Choice(is_table: RwSignal<bool>, wanted: bool, word: &'static str) -> impl IntoView {
    let pressed = move || (is_table.get() == wanted).to_string();
    view! {
        <button class="chip" type="button" aria-pressed=pressed on:click=move |_| is_table.set(wanted)>
            {word}
        </button>
    }
}

#[component]
fn Legend() -> impl IntoView {
    let entry = |class: LinkClass| {
        view! {
            <li title=words::mesh::class_means(class)>
                <svg viewBox="0 0 28 4" aria-hidden="true">
                    <path class="edge" d="M0 2h28" data-class=class.mark() />
                </svg>
                {words::mesh::class(class)}
            </li>
        }
    };
    view! {
        <ul class="edge-legend" aria-label="Links">
            {LinkClass::ALL.map(entry).collect_view()}
            <li title="Slower than five times what it mostly was">
                <svg viewBox="0 0 28 4" aria-hidden="true">
                    <path class="edge" d="M0 2h28" data-class="reported" data-slow="" />
                </svg>
                "slow"
            </li>
        </ul>
    }
}
