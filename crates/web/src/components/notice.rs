//! What became of something that was asked for, and the button that copies a link.

use crate::ui::prelude::*;
use leptos::ev::FocusEvent;
use web_sys::HtmlInputElement;

use super::dynamic::dynamic;
use super::icon;
use crate::model::Shown;
use crate::sharing::{Notice, Sharing};
use crate::store::Store;
use crate::words;

/// Copies a link to what is looked at.
#[component]
pub fn CopyLink() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    view! {
        <button class="button plain square" type="button" aria-label="Copy link" title="Copy a link to what you see (c)" on:click=move |_| sharing.copy_link()>
            {icon("i-copy")}
        </button>
    }
}

/// Says that a recording is shown, and leads back.
#[component]
pub fn RecordingBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let bar = move || {
        store.recording.get().map(|shown| {
            let span = words::recording::span(store.wall.get(), shown.span.0, shown.span.1);
            let said = words::recording::shown(&Shown::new(&shown.name).plain(), &span);
            view! {
                <div class="bar said good">
                    <p>{said}</p>
                    <span class="grow"></span>
                    <button class="button small" type="button" on:click=move |_| store.live()>
                        "Back to live"
                    </button>
                </div>
            }
        })
    };
    view! { <div role="status">{dynamic(bar)}</div> }
}

/// One sentence at a time.
#[component]
pub fn NoticeBar() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    let notice = move || sharing.notice.get().map(|it| bar(sharing, it));
    view! {
        <div class="notices" role="status">
            {dynamic(notice)}
        </div>
    }
}

fn bar(sharing: Sharing, notice: Notice) -> impl IntoView {
    let select = |event: FocusEvent| event_target::<HtmlInputElement>(&event).select();
    let field = notice.field.map(|text| {
        view! { <input type="text" readonly=true aria-label="Link" value=text on:focus=select /> }
    });
    let open = notice.ask.map(|path| {
        let open = move |_| sharing.fetch(path.clone());
        view! {
            <button class="button small" type="button" on:click=open>
                "Open it"
            </button>
        }
    });
    view! {
        <div class="bar said" class:good=!notice.is_wrong>
            <p>{notice.text}</p>
            {field}
            <span class="grow"></span>
            {open}
            <button class="button plain small" type="button" on:click=move |_| sharing.hush()>
                "Close"
            </button>
        </div>
    }
}
