//! Join: one field for a relay's address, and how to start a relay. Nothing is sent before Join is pressed.

use crate::ui::prelude::*;
use leptos::ev::SubmitEvent;
use leptos::html::Input;

use crate::browser;
use crate::components::{
    CopyButton, Failures, IncidentButton, OpenFile, dynamic, health_glyph, name,
};
use crate::derived::Derived;
use crate::model::{Health, JoinTarget, KnownMesh, Phase, Route, Shown, Stop, read_known};
use crate::router::Router;
use crate::session::Session;
use crate::store::Store;
use crate::words;

/// `/join`, and any page that knows no relay.
#[component]
pub fn JoinPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let router = expect_context::<Router>();
    let field = NodeRef::<Input>::new();
    let problem = RwSignal::new(None::<String>);
    let joining = RwSignal::new(false);
    let go = move |typed: &str| match JoinTarget::parse(typed) {
        Ok(target) => {
            problem.set(None);
            joining.set(true);
            session.join(&target);
        }
        Err(error) => {
            joining.set(false);
            problem.set(Some(error.to_string()));
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = field.get_untracked() else {
            return;
        };
        go(&input.value());
        // The field keeps the focus, whatever became of it.
        let _ = input.focus();
    };
    Effect::new(move |_| {
        let live = store.connection.with(|connection| connection.is_live());
        if live && joining.get_untracked() {
            router.show(Route::Overview);
        }
    });
    let state = Derived::new(move || state(store, problem.get(), joining.get()));
    let invalid = move || {
        state
            .with(|state| matches!(state, State::Wrong(_)))
            .to_string()
    };
    view! {
        <div class="join-page">
            <form class="join" on:submit=submit novalidate>
                <h1>{words::JOIN_TITLE}</h1>
                <label for="relay">{words::JOIN_HINT}</label>
                <div class="line">
                    <input
                        id="relay"
                        node_ref=field
                        type="text"
                        autocomplete="off"
                        autocapitalize="off"
                        spellcheck="false"
                        inputmode="url"
                        placeholder="http://127.0.0.1:8700"
                        aria-invalid=invalid
                        aria-describedby="relay-said"
                    />
                    <button class="button primary" type="submit">
                        "Join"
                    </button>
                </div>
                <div id="relay-said" role="alert">
                    {dynamic(move || state.with(said))}
                    {dynamic(move || joining.get().then(|| view! { <Failures /> }))}
                </div>
                <HowToStart />
                {known(go)}
            </form>
        </div>
    }
}

/// Meshes of earlier visits: each a button that joins it again.
fn known(go: impl Fn(&str) + Copy + Send + 'static) -> Option<AnyView> {
    let known = read_known(&browser::known_meshes());
    let now = browser::epoch() + browser::now().0;
    let row = |mesh: &KnownMesh| {
        let target = mesh.target.clone();
        let said = words::peers::last_visit(now.saturating_sub(mesh.at), mesh.machines);
        view! {
            <li>
                <button type="button" title=mesh.target.clone() on:click=move |_| go(&target)>
                    <b>{name(&Shown::new(&mesh.name))}</b>
                    <span>{said}</span>
                </button>
            </li>
        }
    };
    (!known.is_empty()).then(|| {
        view! {
            <section class="known-meshes">
                <h2>{words::peers::KNOWN_HERE}</h2>
                <ul>{known.iter().map(row).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

/// The command that starts a relay.
#[component]
fn HowToStart() -> impl IntoView {
    view! {
        <div class="start">
            <p>{words::JOIN_START}</p>
            <pre>
                {words::JOIN_COMMAND}
                <CopyButton text=words::JOIN_COMMAND.to_owned() label="Copy the command" />
            </pre>
            <p>{words::recording::OR_OPEN}</p>
            <OpenFile />
            <IncidentButton />
        </div>
    }
}

fn said(state: &State) -> AnyView {
    match state {
        State::Idle => ().into_any(),
        State::Busy(words) => view! { <p class="busy">{words.clone()}</p> }.into_any(),
        State::Wrong(words) => view! {
            <p class="wrong">
                {health_glyph(Health::Error)} <span>{words.clone()}</span>
            </p>
        }
        .into_any(),
    }
}

#[derive(Clone, PartialEq, Eq)]
enum State {
    Idle,
    Busy(String),
    Wrong(String),
}

fn state(store: Store, problem: Option<String>, joining: bool) -> State {
    if let Some(problem) = problem {
        return State::Wrong(problem);
    }
    store.connection.with(|connection| match &connection.phase {
        Phase::Stopped(Stop::NoRelay) if !joining => State::Busy(words::stopped(&Stop::NoRelay)),
        Phase::Stopped(Stop::Left) => State::Idle,
        Phase::Stopped(stop) => State::Wrong(words::stopped(stop)),
        Phase::Connecting { failures } if joining && failures.is_empty() => {
            State::Busy(words::dialing(&connection.relay))
        }
        Phase::Connecting { .. } if joining => State::Wrong(words::unreachable_advice(connection)),
        Phase::Connecting { .. } | Phase::Live | Phase::Reconnecting { .. } => State::Idle,
    })
}
