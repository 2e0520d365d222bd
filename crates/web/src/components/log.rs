//! The pane of log and reader. The log is a list of lines of which only those on screen are in the document; with long
//! lines wrapped, rows are of any height, and a stretch around the cursor is.

use crate::ui::prelude::*;
use leptos::ev::MouseEvent;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::Reader;
use super::dynamic::{RowKey, dynamic, rows};
use super::machine_view::MachineUi;
use super::rain::List;
use crate::derived::Derived;
use crate::history::{LogRow, LogSift, LogWindow};
use crate::model::{LogLook, SchemaFacts, Shown};
use crate::preferences::Preferences;
use crate::store::Store;
use crate::words::log as say;

/// What the rows share.
#[derive(Clone, Copy)]
struct Sheet {
    ui: MachineUi,
    store: Store,
    look: Derived<LogLook>,
    text: RwSignal<String>,
    window: Derived<LogWindow>,
    list: List,
    /// The first row of the stretch when lines are wrapped.
    from: RwSignal<usize>,
}

/// The pane.
#[component]
pub fn LogPane() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let shown = move || {
        if ui.reader.get() {
            view! { <Reader /> }.into_any()
        } else {
            view! { <Log /> }.into_any()
        }
    };
    view! {
        <section class="log-pane" aria-label="Log and reader">
            {dynamic(shown)}
        </section>
    }
}

/// The two titles, each a tab.
pub fn pane_tabs(ui: MachineUi) -> AnyView {
    let tab = move |word: &'static str, id: &'static str, is_reader: bool| {
        let is_it = move || ui.reader.get() == is_reader;
        view! {
            <button
                id=id
                class="chip"
                type="button"
                role="tab"
                title=format!("{word} (o)")
                aria-selected=move || is_it().to_string()
                tabindex=move || if is_it() { "0" } else { "-1" }
                on:click=move |_| turn_to(ui, is_reader)
            >
                {word}
            </button>
        }
    };
    let turn = move |event: leptos::ev::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight") {
            event.prevent_default();
            turn_to(ui, !ui.reader.get_untracked());
        }
    };
    view! {
        <div class="tab-list" role="tablist" aria-label="Log and reader" on:keydown=turn>
            {tab("Log", "tab-log", false)}
            {tab("Reader", "tab-reader", true)}
        </div>
        <span class="grow"></span>
    }
    .into_any()
}

/// The titles are drawn anew with what is under them: the one chosen takes the focus.
fn turn_to(ui: MachineUi, is_reader: bool) {
    ui.reader.set(is_reader);
    let id = if is_reader { "tab-reader" } else { "tab-log" };
    request_animation_frame(move || crate::browser::focus(id));
}

#[component]
fn Log() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let settings = expect_context::<Preferences>().settings;
    let look = Derived::new(move || settings.with(|settings| settings.log));
    let text = RwSignal::new(String::new());
    let view = RwSignal::new((0_usize, 40_usize));
    let from = RwSignal::new(0_usize);
    let window = Derived::new(move || {
        let look = look.get();
        let (first, count) = if look.wrap {
            (from.get(), STRETCH)
        } else {
            view.get()
        };
        let sift = LogSift {
            level: look.level,
            text: text.get(),
        };
        let rows = first..first + count;
        let key = ui.key.get();
        key.map(|key| store.log(&key, rows, &sift))
            .unwrap_or_default()
    });
    let list = List {
        grid: NodeRef::new(),
        view,
        total: Memo::new(move |_| window.with(|window| window.total)),
    };
    let sheet = Sheet {
        ui,
        store,
        look,
        text,
        window,
        list,
        from,
    };
    let follow = Memo::new(move |_| window.with(|window| (window.follow, window.total)));
    Effect::new(move |_| sheet.follow(follow.get()));
    Effect::new(move |_| {
        store.frame.track();
        if !look.get().wrap {
            list.measure();
        }
    });
    let is_empty = Memo::new(move |_| window.with(|window| window.total == 0));
    let body = move || {
        if is_empty.get() {
            nothing(sheet)
        } else {
            lines(sheet, look.get().wrap)
        }
    };
    view! {
        <div class="column-head">
            {pane_tabs(ui)}
            {tools(sheet)}
        </div>
        {dynamic(body)}
    }
}

impl Sheet {
    /// Has the line at the cursor on screen.
    fn follow(self, (row, total): (Option<usize>, usize)) {
        if !self.look.get().wrap {
            return self.list.follow((row, total));
        }
        let Some(row) = row else { return };
        let from = self.from.get_untracked();
        if !(from..from + STRETCH).contains(&row) {
            self.from.set(row.saturating_sub(STRETCH / 2));
        }
        request_animation_frame(move || {
            let line = document().get_element_by_id(&format!("log-{row}"));
            let line = line.and_then(|it| it.dyn_into::<HtmlElement>().ok());
            if let (Some(grid), Some(line)) = (self.list.grid.get_untracked(), line) {
                let (top, room) = (grid.scroll_top(), grid.client_height());
                let at = line.offset_top();
                if at < top || at + line.offset_height() > top + room {
                    grid.set_scroll_top(at - room / 3);
                }
            }
        });
    }

    /// Looks where a line came from, and at the state it names.
    fn choose(self, event: &MouseEvent, row: &LogRow) {
        self.store.seek_to(row.position);
        let clicked = event.target().and_then(|it| it.dyn_into::<Element>().ok());
        let named = clicked.and_then(|it| it.closest("[data-named]").ok().flatten());
        let named = named.and_then(|it| it.get_attribute("data-named")?.parse().ok());
        let named = named.or_else(|| {
            let schema = self.ui.schema.get_untracked()?;
            let id = self.id();
            let line = row.line.as_ref()?;
            let states = say::words(say::bare(&line.text, &id), &|word| state(&schema, word));
            states.into_iter().find_map(|(_, state)| state)
        });
        if named.is_some() {
            self.ui.selected.set(named);
        }
    }

    /// The machine's, which its log lines begin with.
    fn id(self) -> String {
        let key = self.ui.key.get_untracked();
        key.and_then(|key| self.store.id_of(&key))
            .unwrap_or_default()
    }
}

fn state(schema: &SchemaFacts, word: &str) -> Option<usize> {
    schema.states.iter().position(|state| state.name == word)
}

fn tools(sheet: Sheet) -> AnyView {
    let Sheet {
        look, text, window, ..
    } = sheet;
    let preferences = expect_context::<Preferences>();
    let count = Memo::new(move |_| {
        window.with(|window| (window.all > 0).then(|| say::lines(window.total, window.all)))
    });
    let level = move |event| {
        if let Ok(level) = event_target_value(&event).parse() {
            preferences.change(|settings| settings.log.level = level);
        }
    };
    let levels = (0_u8..).zip(say::LEVELS).map(|(level, word)| {
        view! {
            <option value=level.to_string() selected=move || look.get().level == level>
                {word}
            </option>
        }
    });
    let turned = move |word: &'static str, is: fn(&LogLook) -> bool, turn: fn(&mut LogLook)| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || look.with(is).to_string()
                on:click=move |_| preferences.change(|settings| turn(&mut settings.log))
            >
                {word}
            </button>
        }
    };
    view! {
        <span class="label" role="status">{count}</span>
        <input
            id="log-text"
            type="search"
            placeholder="Filter lines"
            aria-label="Text of log lines"
            title="Filter lines (/)"
            on:input=move |event| text.set(event_target_value(&event))
        />
        <select class="chip" aria-label="Log level" on:change=level>
            {levels.collect_view()}
        </select>
        {turned("Times", |look| look.times, |look| look.times = !look.times)}
        {turned("Wrap", |look| look.wrap, |look| look.wrap = !look.wrap)}
    }
    .into_any()
}

/// Why there is no line.
fn nothing(sheet: Sheet) -> AnyView {
    let words = move || {
        if sheet.window.with(|window| window.all > 0) {
            return say::NO_LINE;
        }
        let change = sheet.ui.change;
        say::no_log(change.with(|change| change.as_ref().map(|change| change.fidelity)))
    };
    view! { <p class="nothing">{dynamic(words)}</p> }.into_any()
}

fn lines(sheet: Sheet, wrap: bool) -> AnyView {
    let Sheet {
        window, list, from, ..
    } = sheet;
    let total = move || list.total.get().to_string();
    let height = move || (!wrap).then(|| format!("calc(var(--rain-row) * {})", list.total.get()));
    let items =
        move || window.with(|window| window.rows.iter().map(|row| row.row).collect::<Vec<_>>());
    let more = move |word: &'static str, later: bool| {
        move || {
            let (now, total) = (from.get(), list.total.get());
            let is_more = if later {
                now + STRETCH < total
            } else {
                now > 0
            };
            (wrap && is_more).then(|| {
                let turn = move |_| {
                    let half = STRETCH / 2;
                    from.set(if later {
                        now + half
                    } else {
                        now.saturating_sub(half)
                    });
                };
                view! {
                    <div role="row">
                        <span role="gridcell">
                            <button class="link" type="button" on:click=turn>
                                {word}
                            </button>
                        </span>
                    </div>
                }
            })
        }
    };
    view! {
        <div
            class="log"
            class:wrap=wrap
            role="grid"
            tabindex="0"
            aria-label="Log"
            aria-rowcount=total
            on:scroll=move |_| if !wrap { list.measure() }
            on:keydown=move |event| list.press(sheet.store, &event)
            node_ref=list.grid
        >
            <div class="rain-body" role="rowgroup" style:height=height>
                {dynamic(more("Older lines", false))}
                {rows(
                    items,
                    |row| RowKey::Numbered(None, *row as u64),
                    move |row| view! { <Line row sheet wrap /> }.into_any(),
                )}
                {dynamic(more("Newer lines", true))}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Line(row: usize, sheet: Sheet, wrap: bool) -> impl IntoView {
    let Sheet {
        window,
        store,
        look,
        ui,
        ..
    } = sheet;
    let data = Derived::new(move || {
        window.with(|window| {
            let first = window.rows.first()?.row;
            window.rows.get(row.checked_sub(first)?).cloned()
        })
    });
    let is = move |test: fn(&LogRow) -> bool| {
        Memo::new(move |_| data.with(|data| data.as_ref().is_some_and(test)))
    };
    let (current, after) = (is(|row| row.is_current), is(|row| row.is_after));
    let level = Memo::new(move |_| {
        let line = data.with(|data| data.as_ref()?.line.as_ref().map(|line| line.level));
        line.map(|level| level.to_string())
    });
    let click = move |event: MouseEvent| {
        if let Some(row) = data.get_untracked() {
            sheet.choose(&event, &row);
        }
    };
    let place = (!wrap).then(|| format!("translateY(calc(var(--rain-row) * {row}))"));
    let shown = move || {
        let data = data.get()?;
        let time = look.get().times.then(|| {
            let time = store.wall.text(data.at(), 3)[3..].to_owned();
            view! { <span class="stamp num" role="gridcell">{time}</span> }
        });
        let schema = ui.schema.get().unwrap_or_default();
        Some(view! { {time} {text(sheet, &data, &schema)} })
    };
    view! {
        <div
            id=format!("log-{row}")
            class="log-line"
            class:current=current
            class:after=after
            role="row"
            aria-rowindex=(row + 1).to_string()
            aria-selected=move || current.get().to_string()
            data-level=level
            style:transform=place
            on:click=click
        >
            {dynamic(shown)}
        </div>
    }
}

fn text(sheet: Sheet, row: &LogRow, schema: &SchemaFacts) -> AnyView {
    let Some(line) = &row.line else {
        return view! { <span class="line" role="gridcell">{say::LINE_DROPPED}</span> }.into_any();
    };
    let shown = Shown::new(&line.text);
    let id = sheet.id();
    let bare = say::bare(shown.whole(), &id);
    // What the engine says begins with what it is about.
    let tag = bare.find(']').filter(|_| bare.starts_with('['));
    let (tag, rest) = bare.split_at(tag.map_or(0, |at| at + 1));
    let pieces = say::words(rest, &|word| state(schema, word));
    let pieces = pieces.into_iter().map(|(word, state)| match state {
        Some(state) => {
            let word = word.to_owned();
            view! { <u data-named=state.to_string()>{word}</u> }.into_any()
        }
        None => word.to_owned().into_any(),
    });
    let tag = (!tag.is_empty()).then(|| view! { <span class="call">{tag.to_owned()}</span> });
    view! {
        <span class="line" role="gridcell" title=shown.plain()>
            <bdi>{tag} {pieces.collect_view()}</bdi>
        </span>
    }
    .into_any()
}

/// Lines in the document when they are wrapped.
const STRETCH: usize = 300;
