//! Top bar: mark, name of the mesh, views, connection, theme. On a phone the views move to a bar at the bottom.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Details;

use super::dynamic::dynamic;
use super::link_menu::LinkMenuButton;
use super::notice::CopyLink;
use super::{icon, name};
use crate::derived::Derived;
use crate::model::{Route, Shown};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::store::{Panel, Store};
use crate::words;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Overview,
    Machines,
    Mesh,
    Peers,
    Compare,
}

impl Tab {
    const ALL: [Self; 5] = [
        Self::Overview,
        Self::Machines,
        Self::Mesh,
        Self::Peers,
        Self::Compare,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Machines => "Machines",
            Self::Mesh => "Mesh",
            Self::Peers => "Peers",
            Self::Compare => "Compare",
        }
    }

    fn route(self) -> Route {
        match self {
            Self::Overview => Route::Overview,
            Self::Machines => Route::Machines,
            Self::Mesh => Route::Mesh,
            Self::Peers => Route::Peers,
            Self::Compare => Route::Compare,
        }
    }

    fn icon(self) -> &'static str {
        match self {
            Self::Overview => "i-overview",
            Self::Machines => "i-machines",
            Self::Mesh => "i-mesh",
            Self::Peers => "i-peers",
            Self::Compare => "i-compare",
        }
    }
}

/// The bar at the top.
#[component]
pub fn TopBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let preferences = expect_context::<Preferences>();
    let counts = Memo::new(move |_| preferences.settings.with(|settings| settings.has_badge));
    Effect::new(move |_| {
        if let Some(topic) = store.topic.get() {
            let count = if counts.get() { store.alerts.get() } else { 0 };
            document().set_title(&words::watch::title(count, &Shown::new(&topic).plain()));
        }
    });
    let mesh = move || {
        store
            .topic
            .get()
            .map(|topic| view! { <span class="mesh">{name(&Shown::new(&topic))}</span> })
    };
    view! {
        <header class="top">
            <a class="brand" href="/" aria-label="statemesh, overview">
                {icon("mark")}
                <span>"statemesh"</span>
            </a>
            {dynamic(mesh)}
            <nav class="tabs" aria-label="Views">
                {tabs(&Tab::ALL)}
            </nav>
            <span class="grow"></span>
            <button
                class="button search"
                type="button"
                aria-label="Find machine, state or peer Ctrl K"
                aria-haspopup="dialog"
                on:click=move |_| store.panel.set(Some(Panel::Search))
            >
                {icon("i-search")}
                <span>"Find machine, state or peer"</span> " "
                <kbd>"Ctrl K"</kbd>
            </button>
            <Pill />
            <CopyLink />
            <LinkMenuButton />
            <ThemeButton />
            <SettingsLink />
        </header>
    }
}

/// The bar at the bottom, phones only.
#[component]
pub fn BottomBar() -> impl IntoView {
    view! {
        <nav class="bottom" aria-label="Views">
            {tabs(Tab::ALL.split_last().map_or(&[], |(_, first)| first))}
            <More />
        </nav>
    }
}

/// What a phone has no room for: the last view, search, settings.
#[component]
fn More() -> impl IntoView {
    let store = expect_context::<Store>();
    let menu = NodeRef::<Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            close();
        }
    };
    let search = move |_| store.panel.set(Some(Panel::Search));
    view! {
        <details class="more-views" node_ref=menu on:keydown=on_key>
            <summary>{icon("i-more")} <span>"More"</span></summary>
            <div class="popover" on:click=move |_| close()>
                {tabs(&[Tab::Compare])}
                <button type="button" aria-haspopup="dialog" on:click=search>
                    {icon("i-search")}
                    <span>"Search"</span>
                </button>
                <a href=Route::Settings.path()>{icon("i-settings")} <span>"Settings"</span></a>
                <a href=Route::Join.path()>{icon("mark")} <span>"Join a mesh"</span></a>
            </div>
        </details>
    }
}

fn tabs(shown: &[Tab]) -> impl IntoView + use<> {
    let store = expect_context::<Store>();
    let route = expect_context::<Router>().route;
    let count = Memo::new(move |_| store.verdict.with(|verdict| verdict.attention));
    let tab = |tab: &Tab| {
        let tab = *tab;
        let current = move || (route.get() == tab.route()).then_some("page");
        let badge = move || {
            (tab == Tab::Overview && count.get() > 0).then(|| {
                view! {
                    <span class="badge">
                        {count} <span class="vh">" need attention"</span>
                    </span>
                }
            })
        };
        view! {
            <a href=tab.route().path() aria-current=current>
                {icon(tab.icon())}
                <span>{tab.word()}</span>
                {dynamic(badge)}
            </a>
        }
    };
    shown.iter().map(tab).collect_view()
}

/// The connection mark; scripts read its data attributes.
#[component]
fn Pill() -> impl IntoView {
    let store = expect_context::<Store>();
    let mark = Memo::new(move |_| {
        if store.recording.with(Option::is_some) {
            return "recording";
        }
        let now = store.clock.get();
        store.connection.with(|connection| connection.mark(now))
    });
    let link = Derived::new(move || store.link.get().filter(|_| mark.get() == "live"));
    let transport = move || link.with(|link| link.as_ref().map(|link| link.carrier.mark()));
    let via = move || link.with(|link| Some(format!("by {}", link.as_ref()?.carrier.word())));
    let rtt = move || link.with(|link| Some(format!("{} ms", link.as_ref()?.rtt?)));
    view! {
        <a class="pill" href="/peers" data-connection=mark data-transport=transport>
            <i class="dot" aria-hidden="true"></i>
            <b>{dynamic(move || words::pill(mark.get()))}</b>
            <span class="via">{dynamic(via)}</span>
            <span class="num">{dynamic(rtt)}</span>
        </a>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let theme = move || preferences.settings.with(|settings| settings.theme);
    let label = move || format!("Theme: {}. Switch", theme().word());
    let switch = move |_| preferences.next_theme();
    view! {
        <button class="button plain square theme" type="button" aria-label=label title=label on:click=switch>
            {icon("i-theme")}
        </button>
    }
}

#[component]
fn SettingsLink() -> impl IntoView {
    let route = expect_context::<Router>().route;
    let current = move || (route.get() == Route::Settings).then_some("page");
    view! {
        <a class="button plain square" href="/settings" aria-label="Settings" title="Settings" aria-current=current>
            {icon("i-settings")}
        </a>
    }
}
