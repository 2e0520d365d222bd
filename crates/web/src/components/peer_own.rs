//! The tab's own place in the mesh: who it is, what it shares, how it is connected.

use crate::ui::prelude::*;
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use wasm_bindgen_futures::spawn_local;

use super::dynamic::dynamic;
use super::{CopyButton, health_glyph, name};
use crate::derived::Derived;
use crate::model::{Phase, Shown, Stop, age_text};
use crate::session::Session;
use crate::store::Store;
use crate::store::peers::{OwnLink, PeerMachine};
use crate::words;
use crate::words::peers as say;

/// Four sections.
#[component]
pub fn OwnPlace() -> impl IntoView {
    let store = expect_context::<Store>();
    let links = Derived::new(move || store.peers.with(|screen| screen.tab.links.clone()));
    let first = move || links.with(|links| links.first().map(|link| facts(store, link)));
    let second = move || {
        links.with(|links| match links.get(1) {
            Some(link) => facts(store, link).into_any(),
            None => {
                let none = store.peers.with(|screen| say::no_second(&screen.tab));
                fact("Relay", none).into_any()
            }
        })
    };
    view! {
        <div class="own">
            <ThisTab />
            <section>
                <h2>"Connection"</h2>
                <dl>{dynamic(first)} {dynamic(move || state(store))}</dl>
                <Leave />
            </section>
            <section>
                <h2>"Second relay"</h2>
                <dl>{dynamic(second)}</dl>
                <Dial />
            </section>
            <Flow />
        </div>
    }
}

fn fact(term: &'static str, value: impl IntoView) -> impl IntoView {
    view! {
        <dt>{term}</dt>
        <dd>{value}</dd>
    }
}

#[component]
fn ThisTab() -> impl IntoView {
    let store = expect_context::<Store>();
    let own = Memo::new(move |_| store.peers.with(|screen| screen.tab.id.clone()));
    let joined = Memo::new(move |_| store.peers.with(|screen| screen.tab.joined));
    let id = move || match own.get() {
        Some(id) => view! {
            <span title=id.clone()>{ends(&id)}</span>
            <CopyButton text=id label="Copy peer id" />
        }
        .into_any(),
        None => "none yet".into_any(),
    };
    let session = move || match joined.get() {
        Some(joined) => {
            let lasts = age_text(store.now.get().since(joined));
            format!("since {}, {lasts}", store.wall.text(joined, 0))
        }
        None => "not connected yet".to_owned(),
    };
    view! {
        <section>
            <h2>"This tab"</h2>
            <dl>
                {fact("Peer id", dynamic(id))}
                {fact("Mesh", dynamic(move || store.topic.get().map(|topic| name(&Shown::new(&topic)))))}
                {fact("Session", dynamic(session))}
                {fact("Addresses", say::NO_ADDRESS)}
            </dl>
            <Shares />
        </section>
    }
}

/// Off until somebody turns it on, at every visit.
#[component]
fn Shares() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let machines = Derived::new(move || store.peers.with(|screen| screen.tab.machines.clone()));
    let shared = session.shared;
    let summary = move || match (shared.get(), machines.with(Vec::len)) {
        (false, _) => "no machine".to_owned(),
        (true, count) => words::machines(count),
    };
    let list = move || {
        machines.with(|machines| {
            let row = |it: &PeerMachine| {
                view! {
                    <li>
                        <a class="row" href=it.href.clone()>
                            {health_glyph(it.health)}
                            {name(&it.name)}
                        </a>
                    </li>
                }
            };
            machines.iter().map(row).collect_view()
        })
    };
    view! {
        <div class="shares">
            <button
                class="toggle"
                type="button"
                role="switch"
                aria-checked=move || shared.get().to_string()
                title=say::SHARE_MEANS
                on:click=move |_| session.share(!shared.get_untracked())
            >
                <i aria-hidden="true"></i>
                "Share own machines"
            </button>
            <span class="label">{dynamic(summary)}</span>
            <ul>{dynamic(list)}</ul>
        </div>
    }
}

fn facts(store: Store, link: &OwnLink) -> impl IntoView + use<> {
    let carrier = link.carrier.map_or("-", say::carrier);
    let since = link.since;
    let up = move || age_text(store.now.get().since(since));
    let address = link.address.as_ref().map(|address| {
        let full = address.whole().to_owned();
        view! {
            <dt>"Address"</dt>
            <dd class="cut-line">
                <bdi title=full.clone()>{full.clone()}</bdi>
                <CopyButton text=full label="Copy address" />
            </dd>
        }
    });
    view! {
        {fact(if link.is_relay { "Relay" } else { "Peer" }, name(&link.name))}
        {address}
        {fact("Transport", carrier)}
        {fact("Round trip", say::round_trip(link))}
        {fact("Link up", dynamic(up))}
    }
}

/// Where the connection stands, and which peers it bridges to.
fn state(store: Store) -> impl IntoView {
    let now = store.clock.get();
    let word = store.connection.with(|connection| {
        let word = words::pill(connection.mark(now));
        (word, connection.since)
    });
    let losses = store.peers.with(|screen| screen.tab.losses);
    let bridge = store.peers.with(|screen| screen.tab.behind.clone());
    let bridge = bridge.map(|(relay, all, go)| fact("Bridge", say::behind(&relay, (all, go))));
    let lasts = say::uptime(now.since(word.1), losses);
    view! {
        {fact("State", format!("{} for {lasts}", word.0))}
        {bridge}
    }
}

#[component]
fn Leave() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let has_left = Memo::new(move |_| {
        let left = Phase::Stopped(Stop::Left);
        store.connection.with(|connection| connection.phase == left)
    });
    let press = move |_| match has_left.get_untracked() {
        true => session.rejoin(),
        false => session.leave(),
    };
    let word = move || match has_left.get() {
        true => "Connect again",
        false => "Disconnect",
    };
    view! {
        <button class="button small" type="button" on:click=press>
            {dynamic(word)}
        </button>
    }
}

/// A field for an address, dialled once.
#[component]
fn Dial() -> impl IntoView {
    let session = expect_context::<Session>();
    let field = NodeRef::<Input>::new();
    let outcome = RwSignal::new(None::<Result<String, String>>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = field.get_untracked() else {
            return;
        };
        outcome.set(Some(Ok(say::DIALLING.to_owned())));
        spawn_local(async move {
            let answer = session.dial(&input.value()).await;
            if answer.is_ok() {
                input.set_value("");
            }
            // The page may have been left meanwhile.
            outcome.try_update(|outcome| *outcome = Some(answer));
        });
    };
    let invalid = move || outcome.with(|it| matches!(it, Some(Err(_)))).to_string();
    let said = move || {
        outcome.get().map(|outcome| match outcome {
            Ok(words) => view! { <span>{words}</span> }.into_any(),
            Err(words) => view! { <span class="problem">{words}</span> }.into_any(),
        })
    };
    view! {
        <form class="dial" on:submit=submit novalidate>
            <label class="vh" for="dial">
                "Address to dial"
            </label>
            <input
                id="dial"
                node_ref=field
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                inputmode="url"
                placeholder="/ip4/…/tcp/…/ws/p2p/…"
                aria-invalid=invalid
                aria-describedby="dial-said"
            />
            <button class="button small" type="submit">
                "Dial"
            </button>
            <p id="dial-said" role="status">
                {dynamic(said)}
            </p>
        </form>
    }
}

#[component]
fn Flow() -> impl IntoView {
    let store = expect_context::<Store>();
    let traffic = Memo::new(move |_| store.peers.with(|screen| screen.tab.traffic));
    let refused = Derived::new(move || store.peers.with(|screen| screen.tab.refused.clone()));
    let line = |(reason, count): &(&'static str, u64)| {
        view! { <p data-refused=*reason>{say::refused(*count, reason)}</p> }
    };
    let refused = move || {
        refused.with(|refused| match refused.is_empty() {
            true => "no message".into_any(),
            false => refused.iter().map(line).collect_view().into_any(),
        })
    };
    let come = move || {
        let [bytes, messages, _, _] = traffic.get();
        say::flow(bytes, messages)
    };
    let go = move || {
        let [_, _, bytes, messages] = traffic.get();
        say::flow(bytes, messages)
    };
    view! {
        <section>
            <h2 title="Payloads of the mesh's own messages">"Traffic"</h2>
            <dl>
                {fact("In", dynamic(come))}
                {fact("Out", dynamic(go))}
                {fact("Refused", dynamic(refused))}
            </dl>
        </section>
    }
}

/// Both ends of an id.
fn ends(id: &str) -> String {
    match (
        id.get(..10),
        id.len().checked_sub(6).and_then(|at| id.get(at..)),
    ) {
        (Some(first), Some(last)) => format!("{first}…{last}"),
        _ => id.to_owned(),
    }
}
