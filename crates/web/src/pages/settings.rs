//! Settings: how the page looks, whose time it shows, when a machine counts as what, and how much is kept.

use crate::ui::prelude::*;

use crate::browser;
use crate::components::{CopyButton, HiddenCount, WatchRules, dynamic};
use crate::model::{Density, Limit, Motion, Settings, Theme, Thresholds, Zone};
use crate::preferences::Preferences;
use crate::session::{Session, kept_peer};
use crate::store::Store;
use crate::words;

/// `/settings`.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let problem = move || {
        let why = preferences.problem.get()?;
        Some(view! { <p class="problem" role="alert">{words::settings::not_kept(why)}</p> })
    };
    let reset = move |_| preferences.change(|settings| *settings = Settings::default());
    view! {
        <div class="settings-page">
            <h1>"Settings"</h1>
            <p class="aside">{words::settings::INTRODUCTION}</p>
            {dynamic(problem)}
            <Look />
            <Working />
            <Health />
            <WatchRules />
            <HiddenCount />
            <Key />
            <p>
                <button class="button" type="button" on:click=reset>
                    "All back to defaults"
                </button>
            </p>
        </div>
    }
}

#[component]
fn Look() -> impl IntoView {
    view! {
        <section>
            <h2>"Look"</h2>
            {choice(
                "Theme",
                Theme::ALL.map(|theme| (theme.word(), theme.word())).to_vec(),
                |settings| settings.theme.word(),
                |settings, word| {
                    let found = Theme::ALL.into_iter().find(|theme| theme.word() == word);
                    settings.theme = found.unwrap_or_default();
                },
            )}
            {choice(
                "Rows",
                vec![("dense", "dense, 19 px"), ("roomy", "roomy, 24 px")],
                |settings| if settings.density == Density::Roomy { "roomy" } else { "dense" },
                |settings, word| {
                    settings.density = if word == "roomy" { Density::Roomy } else { Density::Dense };
                },
            )}
            {choice(
                "Motion",
                vec![("system", "as the system says"), ("reduced", "reduced")],
                |settings| if settings.motion == Motion::Reduced { "reduced" } else { "system" },
                |settings, word| {
                    settings.motion = if word == "reduced" { Motion::Reduced } else { Motion::System };
                },
            )}
        </section>
    }
}

#[component]
fn Working() -> impl IntoView {
    let sizes = ["50", "100", "300", "600", "1000"];
    debug_assert!(
        sizes
            .iter()
            .map(|size| size.parse())
            .eq(Settings::MEMORY.map(Ok))
    );
    let sizes = sizes
        .into_iter()
        .zip(["50 MB", "100 MB", "300 MB", "600 MB", "1 GB"]);
    view! {
        <section>
            <h2>"Time, keys, memory"</h2>
            {choice(
                "Time zone",
                vec![("local", "local"), ("utc", "UTC")],
                |settings| if settings.zone == Zone::Utc { "utc" } else { "local" },
                |settings, word| {
                    settings.zone = if word == "utc" { Zone::Utc } else { Zone::Local };
                },
            )}
            {choice(
                "Single-key shortcuts",
                vec![("on", "on"), ("off", "off")],
                |settings| if settings.has_keys { "on" } else { "off" },
                |settings, word| settings.has_keys = word == "on",
            )}
            {choice(
                "Follow this window's cursor",
                vec![("off", "off"), ("on", "in windows where this is on")],
                |settings| if settings.follows { "on" } else { "off" },
                |settings, word| settings.follows = word == "on",
            )}
            {choice(
                "History held in memory",
                sizes.collect(),
                |settings| match settings.memory {
                    50 => "50",
                    100 => "100",
                    600 => "600",
                    1_000 => "1000",
                    _ => "300",
                },
                |settings, word| {
                    let size = word.parse().ok().filter(|size| Settings::MEMORY.contains(size));
                    settings.memory = size.unwrap_or(settings.memory);
                },
            )}
        </section>
    }
}

/// A list to choose from: what is kept of a choice, and what is said.
fn choice(
    label: &'static str,
    options: Vec<(&'static str, &'static str)>,
    read: fn(&Settings) -> &'static str,
    write: fn(&mut Settings, &str),
) -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let chosen = Memo::new(move |_| preferences.settings.with(read));
    let options = options.into_iter().map(|(value, word)| {
        view! {
            <option value=value selected=move || chosen.get() == value>
                {word}
            </option>
        }
    });
    let change = move |event| {
        let word = event_target_value(&event);
        preferences.change(|settings| write(settings, &word));
    };
    view! {
        <label>
            <span>{label}</span>
            <select prop:value=chosen on:change=change>
                {options.collect_view()}
            </select>
        </label>
    }
}

#[component]
fn Health() -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let reset = move |_| {
        preferences.change(|settings| settings.thresholds = Thresholds::default());
    };
    let is_usual = Memo::new(move |_| {
        let usual = Thresholds::default();
        preferences
            .settings
            .with(|settings| settings.thresholds == usual)
    });
    view! {
        <section>
            <h2>"When a machine counts as what"</h2>
            {Limit::ALL.map(|limit| view! { <Number limit /> }).collect_view()}
            <button class="button small" type="button" disabled=is_usual on:click=reset>
                "Back to defaults"
            </button>
        </section>
    }
}

/// The key in this browser: new at each visit unless somebody asks for it.
#[component]
fn Key() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let kept = RwSignal::new(kept_peer());
    let refused = RwSignal::new(false);
    let is_kept = Memo::new(move |_| kept.with(Option::is_some));
    let change = move |event| {
        let keep = event_target_value(&event) == "kept";
        let done = if keep {
            session.keep_key()
        } else {
            browser::keep_key(None)
        };
        refused.set(!done);
        kept.set(kept_peer());
    };
    let shown = move || {
        kept.get().map(|(peer, key)| {
            let peer = peer.to_string();
            let is_used = move || {
                let now = store.own_peer();
                (now != kept.get().map(|(peer, _)| peer)).then_some(words::peers::KEY_LATER)
            };
            view! {
                <dl>
                    <dt>"Peer id"</dt>
                    <dd>
                        {peer.clone()}
                        <CopyButton text=peer label="Copy peer id" />
                    </dd>
                    <dt>"Key"</dt>
                    <dd>
                        "secret" <CopyButton text=key label="Copy the key" />
                    </dd>
                </dl>
                <p class="aside">{dynamic(is_used)}</p>
            }
        })
    };
    let forget = move |_| {
        refused.set(!browser::keep_key(None));
        kept.set(kept_peer());
    };
    view! {
        <section>
            <h2>{words::peers::KEY}</h2>
            <p class="aside">{words::peers::KEY_MEANS}</p>
            <label>
                <span>"Key"</span>
                <select prop:value=move || if is_kept.get() { "kept" } else { "new" } on:change=change>
                    <option value="new" selected=move || !is_kept.get()>
                        "new at each visit"
                    </option>
                    <option value="kept" selected=is_kept>
                        "kept in this browser"
                    </option>
                </select>
            </label>
            {dynamic(shown)}
            <button class="button small" type="button" disabled=move || !is_kept.get() on:click=forget>
                "Forget the key"
            </button>
            {dynamic(move || {
                refused
                    .get()
                    .then(|| view! { <p class="problem" role="alert">{words::peers::KEY_NOT_KEPT}</p> })
            })}
        </section>
    }
}

#[component]
fn Number(limit: Limit) -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let (label, unit) = words::settings::limit(limit);
    let (least, most) = limit.range();
    let wrong = RwSignal::new(false);
    let value = Memo::new(move |_| {
        let value = preferences
            .settings
            .with(|settings| limit.of(&settings.thresholds));
        value.to_string()
    });
    let change = move |event| {
        let number = event_target_value(&event).trim().parse().ok();
        let now = preferences.settings.get_untracked().thresholds;
        let changed = number.and_then(|number| limit.with(&now, number));
        wrong.set(changed.is_none());
        if let Some(changed) = changed {
            preferences.change(|settings| settings.thresholds = changed);
        }
    };
    let usual = limit.of(&Thresholds::default());
    let note = move || {
        wrong.get().then(|| {
            let sentence = words::settings::out_of_range(least, most);
            view! { <span class="problem" role="alert">{sentence}</span> }
        })
    };
    view! {
        <label>
            <span>{label}</span>
            <span>
                <input
                    type="number"
                    inputmode="numeric"
                    min=least
                    max=most
                    prop:value=value
                    aria-invalid=move || wrong.get().then_some("true")
                    on:change=change
                    data-limit=limit.key()
                />
                " "
                {unit}
            </span>
            <span class="label">{format!("default {usual}")}</span>
        </label>
        {dynamic(note)}
    }
}
