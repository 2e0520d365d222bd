//! Reader: what stands around the transition at the cursor, in groups; those with nothing in them are not there.

use crate::ui::prelude::*;
use leptos::ev::MouseEvent;

use super::dynamic::dynamic;
use super::log::pane_tabs;
use super::machine_view::MachineUi;
use super::name;
use super::rain::call;
use crate::derived::Derived;
use crate::history::{Beginning, Fidelity, Mention, RefusedBy, Surroundings};
use crate::model::{Seen, Shown};
use crate::router::Router;
use crate::store::Store;
use crate::words::{log as say, machine};

/// The pane's other half.
#[component]
pub fn Reader() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let read = Derived::new(move || ui.key.get().and_then(|key| store.surroundings(&key)));
    let at = Memo::new(move |_| {
        let at = ui.change.with(|it| it.as_ref().map(|it| it.at.by));
        at.unwrap_or_default()
    });
    let title = move || {
        ui.change.with(|change| {
            let change = change.as_ref()?;
            let number = change.number.map(|number| format!("#{number} "));
            let called = change.head.as_ref().map(|head| call(&change.schema, head));
            Some(view! { <span class="label">{number} {called}</span> })
        })
    };
    let groups = move || {
        let at = at.get();
        read.with(|read| match read {
            Some(read) => groups(store, read, at),
            None => ().into_any(),
        })
    };
    view! {
        <div class="column-head">{pane_tabs(ui)} {dynamic(title)}</div>
        <div class="scroll reader" tabindex="0" role="group" aria-label="Around the transition">
            {dynamic(groups)}
        </div>
    }
}

fn groups(store: Store, read: &Surroundings, at: Seen) -> AnyView {
    let mentions = |list: &[Mention]| {
        let list = list.iter().map(|it| mention(store, it, at));
        list.collect::<Vec<_>>()
    };
    let source = mentions(&read.trace[..read.trace.len().min(1)]);
    let mut trace = if read.trace.len() > 1 {
        mentions(&read.trace)
    } else {
        Vec::new()
    };
    let end = say::beginning(read.beginning);
    if !trace.is_empty() {
        trace.push(view! { <small>{end}</small> }.into_any());
    }
    let is_hidden = read.trace.len() == 1 && read.beginning != Beginning::Outside;
    let source_end = (is_hidden).then(|| view! { <small>{end}</small> }.into_any());
    let tick = read.queue_tick.map(|tick| format!("tick {tick}"));
    let waited = read.waited.map(|(number, more)| say::waited(number, more));
    let queue: Vec<AnyView> = tick
        .into_iter()
        .chain(waited)
        .map(IntoAny::into_any)
        .collect();
    let arguments = (!read.arguments.is_empty()).then(|| {
        let shown = Shown::new(&read.arguments);
        view! { <code title=shown.plain()><bdi>{shown.whole().to_owned()}</bdi></code> }.into_any()
    });
    let handlers = read.handlers.iter().map(|(handler, refused)| {
        let words = machine::handler(&read.schema, *handler);
        view! { <code>{words}</code> {refused.as_ref().map(refusal)} }.into_any()
    });
    let duration = read.duration.map(say::duration);
    let all = [
        group(
            "Source",
            None,
            source.into_iter().chain(source_end).collect(),
        ),
        group("State trace", None, trace),
        group("Siblings", None, mentions(&read.siblings)),
        group("Forks", None, mentions(&read.forks)),
        group("Queue", None, queue),
        group("Arguments", None, arguments.into_iter().collect()),
        group("Handlers", duration, handlers.collect()),
    ];
    let is_empty = all.iter().all(Option::is_none);
    let needs = read.fidelity < Fidelity::Trace;
    let words = match (needs, is_empty) {
        (true, _) => Some(say::NEEDS_TRACE),
        (false, true) => Some(say::NOTHING_AROUND),
        (false, false) => None,
    };
    let words = words.map(|words| view! { <p class="unknown">{words}</p> });
    view! { {words} {all.into_iter().flatten().collect_view()} }.into_any()
}

fn group(title: &'static str, note: Option<String>, items: Vec<AnyView>) -> Option<AnyView> {
    (!items.is_empty()).then(|| {
        let items = items.into_iter().map(|item| view! { <li>{item}</li> });
        view! {
            <section class="group" aria-label=title>
                <h3>{title} <span>{note}</span></h3>
                <ul>{items.collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

fn refusal(refused: &RefusedBy) -> AnyView {
    let reason = Shown::new(&refused.reason);
    view! { <span class="refused-mark">" × refused "</span> {name(&reason)} }.into_any()
}

/// A transition; one that is here leads there.
fn mention(store: Store, mention: &Mention, at: Seen) -> AnyView {
    let machine = Shown::new(&mention.machine);
    let number = mention.number.map(|number| format!(" #{number} "));
    let Some((position, head, schema)) = &mention.found else {
        return view! { {name(&machine)} {number} }.into_any();
    };
    let mut head = head.clone();
    // Who caused it stands beside it already.
    head.source = None;
    let words = view! { {name(&machine)} {number} {call(schema, &head)} };
    let ago = position.at.0.cast_signed() - at.0.cast_signed();
    let ago = format!(
        "{}{} ms",
        if ago < 0 { "−" } else { "+" },
        ago.unsigned_abs()
    );
    let position = *position;
    let href = mention.key.and_then(|key| untrack(|| store.page_of(&key)));
    match href {
        Some(href) => {
            let router = expect_context::<Router>();
            let there = href.clone();
            let follow = move |event: MouseEvent| {
                let has_key = event.meta_key() || event.alt_key();
                if !has_key && !event.ctrl_key() && !event.shift_key() {
                    // What is shown changes at once, and this link with it.
                    event.prevent_default();
                    router.open(&there);
                    store.seek_to(position);
                }
            };
            view! {
                <a href=href on:click=follow>
                    {words}
                </a>
                <small>{ago}</small>
            }
            .into_any()
        }
        None => view! { {words} <small>{ago}</small> }.into_any(),
    }
}
