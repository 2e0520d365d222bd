//! The menu of links: to the moment, to the live view, with a picture of the moment, and one that lets somebody join.

use crate::ui::prelude::*;
use leptos::html::Ul;
use leptos::wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::dynamic::dynamic;
use super::icon;
use crate::model::Shown;
use crate::session::Session;
use crate::sharing::Sharing;
use crate::store::{Panel, Store, picture};
use crate::words::link as words;

/// Opens it.
#[component]
pub fn LinkMenuButton() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <button
            class="button plain square link-more"
            type="button"
            aria-label="Link menu"
            aria-haspopup="dialog"
            title="More links (Shift C)"
            on:click=move |_| store.panel.set(Some(Panel::Links))
        >
            {icon("i-down")}
        </button>
    }
}

/// What the dialog holds.
#[component]
pub fn LinkMenu() -> impl IntoView {
    let store = expect_context::<Store>();
    let sharing = expect_context::<Sharing>();
    let session = expect_context::<Session>();
    // The picture is of the moment at which the menu was opened.
    let moment = store.moment();
    let live = store.link().live();
    let packed = RwSignal::new(None::<Option<(String, usize)>>);
    let frame = store.picture();
    spawn_local(async move {
        let made = picture::pack(&frame).await;
        // The menu may be closed by then.
        packed.try_update(|packed| *packed = Some(made));
    });
    let choose = move |href: String| {
        store.panel.set(None);
        sharing.copy(href);
    };
    let of_moment = sharing.address(&moment);
    let of_live = sharing.address(&live);
    let with_frame = move || {
        let made = packed.get();
        let label = words::with_frame(match &made {
            Some(Some((text, _))) => Some(text.len()),
            _ => None,
        });
        let note = match &made {
            None => String::new(),
            Some(None) => words::NO_FRAME.to_owned(),
            Some(Some((_, machines))) => words::frame_note(*machines),
        };
        let link = made.flatten().map(|(text, _)| {
            let mut link = moment.clone();
            link.frame = Some(text);
            sharing.address(&link)
        });
        item(label, note, link, choose)
    };
    let join = session.way();
    let mesh = Shown::new(&store.topic.get_untracked().unwrap_or_default()).plain();
    let note = match &join {
        Some(join) => words::join_note(join, &mesh),
        None => words::NO_JOIN.to_owned(),
    };
    let join = join.map(|join| {
        let href = sharing.address(&live);
        let key = if href.contains('#') { "&j=" } else { "#v=1&j=" };
        [&href, key, &join.value()].concat()
    });
    let list = NodeRef::<Ul>::new();
    Effect::new(move |_| {
        let first = list
            .get()
            .and_then(|list| list.query_selector("button").ok().flatten());
        if let Some(first) = first {
            // It is in an open dialog.
            let _ = first.unchecked_into::<HtmlElement>().focus();
        }
    });
    view! {
        <div class="column-head">
            <h2>{words::MENU}</h2>
            <button class="button small" type="button" on:click=move |_| store.panel.set(None)>
                "Close"
            </button>
        </div>
        <ul class="links-menu" node_ref=list>
            {item(words::MOMENT.to_owned(), words::MOMENT_NOTE.to_owned(), Some(of_moment), choose)}
            {item(words::LIVE.to_owned(), words::LIVE_NOTE.to_owned(), Some(of_live), choose)}
            {dynamic(with_frame)}
            {item(words::JOIN.to_owned(), note, join, choose)}
        </ul>
    }
}

/// `href`: what is copied, if there is anything.
fn item(
    label: String,
    note: String,
    href: Option<String>,
    choose: impl Fn(String) + Copy + 'static,
) -> AnyView {
    let disabled = href.is_none();
    let copy = move |_| {
        if let Some(href) = href.clone() {
            choose(href);
        }
    };
    view! {
        <li>
            <button type="button" disabled=disabled on:click=copy>
                <b>{label}</b>
                <span>{note}</span>
            </button>
        </li>
    }
    .into_any()
}
