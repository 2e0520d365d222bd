//! What needs attention, in order of onset. The whole row leads to the machine.

use crate::ui::prelude::*;

use super::dynamic::{RowKey, dynamic, rows};
use super::{health_glyph, icon, led_here, name, sentence};
use crate::browser::is_tall;
use crate::derived::Derived;
use crate::model::{AttentionRow, Health, Interval, Piece, Subject, WallClock, age_text};
use crate::store::{Store, Trail};
use crate::words;

/// The list; absent when nothing needs attention.
#[component]
pub fn AttentionList() -> impl IntoView {
    let store = expect_context::<Store>();
    let show_all = RwSignal::new(false);
    let first = if is_tall() { SHOWN_TALL } else { SHOWN };
    let count = Memo::new(move |_| store.attention.with(Vec::len));
    let is_empty = Memo::new(move |_| count.get() == 0);
    let subjects = Derived::new(move || {
        store.attention.with(|rows| {
            let limit = if show_all.get() { rows.len() } else { first };
            let subjects = rows.iter().map(|row| row.subject);
            subjects.take(limit).collect::<Vec<_>>()
        })
    });
    let more = move || {
        (count.get() > first && !show_all.get()).then(|| {
            view! {
                <button class="button plain small more" type="button" on:click=move |_| show_all.set(true)>
                    {format!("Show all {}", count.get())}
                </button>
            }
        })
    };
    view! {
        <section class="attention" aria-label="Needs attention, in order of onset" hidden=is_empty>
            <div class="head" aria-hidden="true">
                <span>"In order of onset"</span>
                <span>"Machine"</span>
                <span>"What"</span>
                <span>"Since"</span>
                <span class="num">"Ago"</span>
                <span>"Led here"</span>
                <span></span>
            </div>
            <ol>
                {rows(
                    move || subjects.get(),
                    |subject| RowKey::Subject(*subject),
                    |subject| view! { <Row subject /> }.into_any(),
                )}
            </ol>
            {dynamic(more)}
        </section>
    }
}

#[component]
fn Row(subject: Subject) -> impl IntoView {
    let store = expect_context::<Store>();
    let row = Derived::new(move || {
        store
            .attention
            .with(|rows| rows.iter().find(|row| row.subject == subject).cloned())
    });
    let href = move || row.with(|row| row.as_ref().map(|row| row.href.clone()));
    let health = move || {
        row.with(|row| {
            row.as_ref().map(|row| match row.subject {
                Subject::Watch(..) => "watch",
                Subject::Machine(_) | Subject::Host(_) => row.health.mark(),
            })
        })
    };
    let over = move || row.with(|row| row.as_ref().is_some_and(|row| row.lasted.is_some()));
    let began = Derived::new(move || row.with(|row| row.as_ref().map(|row| row.onset)));
    let trail = Derived::new(move || began.get().map(|onset| store.led_here(subject, onset)));
    // The page it leads to shows the moment at which it began.
    let go = move |_| {
        if let Some(onset) = row.with_untracked(|row| row.as_ref().map(|row| row.onset)) {
            store.seek(onset.by);
        }
    };
    view! {
        <li class:over=over>
            <a href=href data-attention=health on:click=go>
                {dynamic(move || row.get().map(|row| cells(store, &row, trail)))}
            </a>
        </li>
    }
}

fn cells(store: Store, row: &AttentionRow, trail: Derived<Option<Trail>>) -> impl IntoView + use<> {
    let (onset, wall) = (row.onset, store.wall.get());
    let word = match (row.lasted, row.health) {
        (Some(_), _) => "Recovered",
        (None, Health::Stale) => "Silent host",
        (None, health) => words::health(health),
    };
    let word = match row.subject {
        Subject::Watch(..) => {
            view! { <span class="word watched">{icon("i-flag")} {words::watch::WATCHED}</span> }
                .into_any()
        }
        Subject::Machine(_) | Subject::Host(_) => view! {
            <span class=format!("word health-{}", row.health.mark())>
                {health_glyph(row.health)} {word}
            </span>
        }
        .into_any(),
    };
    let exact = wall.interval(onset);
    let lasted = row.lasted;
    let ago = move || match lasted {
        Some(lasted) => format!("after {}", age_text(lasted)),
        None => onset.age(store.now.get()).text(),
    };
    let machine = match &row.name {
        Piece::Text(text) => text.clone().into_any(),
        Piece::Name(shown) | Piece::Data(shown, _) => name(shown).into_any(),
    };
    let is_host = matches!(row.subject, Subject::Host(_));
    let led = move || match trail.get() {
        Some(trail) if !is_host => led_here(&trail),
        Some(_) | None => words::overview::NOTHING_HEARD.into_any(),
    };
    view! {
        {word}
        <span class="who">
            <b>{machine}</b>
            {(!row.others.is_empty()).then(|| words::overview::and_more(row.others.len()))}
            " "
            <span class="on">{name(&row.host)}</span>
        </span>
        <span class="what">{sentence(&row.what)}</span>
        <span class="since num" title=exact>
            {since(onset, wall)}
        </span>
        <span class="ago num">{dynamic(ago)}</span>
        <span class="led">
            {dynamic(led)}
        </span>
        <span class="go">"Go to moment" {icon("i-right")}</span>
    }
}

/// The onset as exact as it is known.
fn since(onset: Interval, wall: WallClock) -> String {
    match onset.after {
        Some(after) if onset.by.since(after) >= 1_000 => {
            format!("{} - {}", wall.text(after, 0), wall.text(onset.by, 0))
        }
        Some(_) => wall.text(onset.by, 1),
        None => format!("before {}", wall.text(onset.by, 0)),
    }
}

/// Rows shown at first, and on a tall screen (dashboard design 5.1).
const SHOWN: usize = 4;
const SHOWN_TALL: usize = 8;
