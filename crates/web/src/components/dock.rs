//! The time dock: where the page looks in time, and everything that was seen as one slider.

use crate::ui::prelude::*;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Canvas;

use super::canvas::Sheet;
use super::record::RecordMenu;
use super::{StepLine, dynamic, icon};
use crate::derived::Derived;
use crate::store::Store;
use crate::store::time::{Mode, WINDOWS};
use crate::words;

/// The bar at the bottom of every view, once something was seen.
#[component]
pub fn Dock() -> impl IntoView {
    let store = expect_context::<Store>();
    let has_past = Memo::new(move |_| store.dock.with(|dock| dock.has_past));
    dynamic(move || has_past.get().then(|| view! { <Bar /> }))
}

#[component]
fn Bar() -> impl IntoView {
    let store = expect_context::<Store>();
    let mode = Derived::new(move || store.dock.with(|dock| dock.mode));
    let not_live = Memo::new(move |_| store.dock.with(|dock| dock.lost.is_some()));
    let mark = Memo::new(move |_| match mode.get() {
        Mode::Live if not_live.get() => "lost",
        Mode::Live => "live",
        Mode::Paused => "paused",
        Mode::Playing => "playing",
    });
    view! {
        <section class="dock" aria-label="Time" data-time=mark>
            <div class="when">
                <Clock />
                <div class="keys">
                    <button class="button plain square small" type="button" aria-label="Previous change" title="Previous change (←)" on:click=move |_| store.step(false)>
                        {icon("i-left")}
                    </button>
                    {dynamic(move || play_button(store, mode.get()))}
                    <button class="button plain square small" type="button" aria-label="Next change" title="Next change (→)" on:click=move |_| store.step(true)>
                        {icon("i-right")}
                    </button>
                    {dynamic(move || live_button(store, mark.get()))}
                </div>
                <p class="mode">{dynamic(move || state(store))}</p>
            </div>
            <div class="lines" data-lines=move || store.timelines.get().to_string()>
                <Slider />
                <StepLine />
            </div>
            <Windows />
            <RecordMenu />
            <p class="found" role="status">
                {store.found}
            </p>
        </section>
    }
}

fn play_button(store: Store, mode: Mode) -> impl IntoView {
    let (word, glyph) = match mode {
        Mode::Live => ("Pause", "i-pause"),
        Mode::Playing => ("Pause", "i-pause"),
        Mode::Paused => ("Play", "i-play"),
    };
    view! {
        <button class="button plain square small" type="button" aria-label=word title=format!("{word} (Space)") on:click=move |_| store.play_or_pause()>
            {icon(glyph)}
        </button>
    }
}

fn live_button(store: Store, mark: &'static str) -> AnyView {
    match mark {
        "live" => view! {
            <span class="live">
                <i class="dot" aria-hidden="true"></i>
                "Live"
            </span>
        }
        .into_any(),
        "lost" => view! { <span class="live lost">"Not live"</span> }.into_any(),
        _ => view! {
            <button class="button primary small" type="button" title="Back to live (Shift L)" on:click=move |_| store.live()>
                "Back to live"
            </button>
        }
        .into_any(),
    }
}

/// The clock of the moment looked at; ten times a second while that is now.
#[component]
fn Clock() -> impl IntoView {
    let store = expect_context::<Store>();
    let running = RwSignal::new(crate::browser::now());
    let ticker = set_interval_with_handle(
        move || {
            if !crate::browser::is_hidden() {
                running.set(crate::browser::now());
            }
        },
        CLOCK,
    )
    .ok();
    on_cleanup(move || {
        if let Some(ticker) = ticker {
            ticker.clear();
        }
    });
    let text = Derived::new(move || {
        let dock = store.dock.get();
        // What is not live stands still.
        match (dock.at, dock.lost) {
            (Some(at), _) => (at, 3),
            (None, Some(lost)) => (lost, 3),
            (None, None) => (running.get(), 1),
        }
    });
    let whole = move || text.with(|(at, _)| store.wall.text(*at, 0));
    let fraction = move || {
        let (at, digits) = text.get();
        let text = store.wall.text(at, digits);
        text.split_once('.').map(|(_, digits)| format!(".{digits}"))
    };
    view! {
        <span class="clock">
            {dynamic(whole)} <small>{dynamic(fraction)}</small>
        </span>
    }
}

fn state(store: Store) -> AnyView {
    let dock = store.dock.get();
    match (dock.mode, dock.lost) {
        (Mode::Live, Some(lost)) => {
            let since = store.wall.text(lost, 0);
            view! { <b>{words::not_live_since(&since)}</b> }.into_any()
        }
        (Mode::Live, None) => "Everything as it is now".into_any(),
        (mode, _) => {
            let word = if mode == Mode::Playing {
                "Playing"
            } else {
                "Paused"
            };
            view! {
                <b>{word}</b>
                " · "
                {match store.recording.with(Option::is_some) {
                    true => words::recording::before_end(dock.behind),
                    false => words::behind(dock.behind, dock.since),
                }}
            }
            .into_any()
        }
    }
}

/// Everything that was seen, as a slider.
#[component]
fn Slider() -> impl IntoView {
    let store = expect_context::<Store>();
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        store.frame.track();
        let Some(sheet) = canvas.get().and_then(|canvas| Sheet::on(&canvas)) else {
            return;
        };
        let stage = store.timeline_stage();
        let timeline = store.timeline(&stage, sheet.width as usize / BAR);
        sheet.timeline(&timeline, &stage);
    });
    let seek = move |event: &PointerEvent| {
        let Some(canvas) = canvas.get_untracked() else {
            return;
        };
        let share = f64::from(event.offset_x()) / f64::from(canvas.client_width().max(1));
        store.seek(store.timeline_stage().at(share));
    };
    let begin = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        if let Some(canvas) = canvas.get_untracked() {
            // Without it a drag ends where the pointer leaves.
            let _ = canvas.set_pointer_capture(event.pointer_id());
        }
        seek(&event);
    };
    let drag = move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            seek(&event);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowUp" => store.step(true),
            "ArrowDown" => store.step(false),
            "Home" => store.seek(store.timeline_stage().from),
            "End" => store.live(),
            _ => return,
        }
        event.prevent_default();
    };
    let value = move || {
        let dock = store.dock.get();
        let at = dock.at.unwrap_or(store.clock.get());
        let mode = match dock.mode {
            Mode::Live => ", live",
            Mode::Paused => ", paused",
            Mode::Playing => ", playing",
        };
        let record = store.spoken_record();
        let comma = record.as_ref().map_or("", |_| ", ");
        [
            &store.wall.text(at, 3),
            mode,
            comma,
            record.as_deref().unwrap_or_default(),
        ]
        .concat()
    };
    let share = move || {
        store.frame.track();
        let stage = store.timeline_stage();
        let share = stage.cursor.map_or(1.0, |at| stage.share(at));
        ((share * 1_000.0).round() as u32).to_string()
    };
    let ends = move || {
        store.frame.track();
        let stage = store.timeline_stage();
        let from = store.wall.text(stage.from, 0);
        let to = match store.recording.with(Option::is_some) {
            true => store.wall.text(stage.to, 0),
            false => "now".to_owned(),
        };
        view! {
            <span>{from}</span>
            <span>{to}</span>
        }
    };
    view! {
        <div class="timeline">
            <canvas
                role="slider"
                tabindex="0"
                aria-label="Moment looked at"
                aria-valuemin="0"
                aria-valuemax="1000"
                aria-valuenow=share
                aria-valuetext=value
                on:pointerdown=begin
                on:pointermove=drag
                on:keydown=on_key
                node_ref=canvas
            ></canvas>
            <p class="ends" aria-hidden="true">
                {dynamic(ends)}
            </p>
        </div>
    }
}

/// How much time the lanes show.
#[component]
fn Windows() -> impl IntoView {
    let store = expect_context::<Store>();
    let chosen = Memo::new(move |_| store.dock.with(|dock| dock.window));
    let choose = move |event| {
        let value = event_target_value(&event);
        store.set_window(value.parse().ok());
    };
    let options = WINDOWS.map(Some).into_iter().chain([None]);
    let options = options.map(|window| {
        let value = window.map(|ms| ms.to_string()).unwrap_or_default();
        view! {
            <option value=value selected=move || chosen.get() == window>
                {words::window(window)}
            </option>
        }
    });
    view! {
        <label class="options">
            <span>"Window"</span>
            <select on:change=choose>{options.collect_view()}</select>
        </label>
    }
}

/// The clock's pace (dashboard design 3.2).
const CLOCK: std::time::Duration = std::time::Duration::from_millis(100);
/// Pixels of one bar of the timeline.
const BAR: usize = 4;
