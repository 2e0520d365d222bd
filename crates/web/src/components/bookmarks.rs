//! Moments somebody wants to find again: a list in the menu of the dock.

use crate::ui::prelude::*;

use super::dynamic::{RowKey, rows};
use super::{icon, name};
use crate::comparing::Comparing;
use crate::model::Shown;
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words::bookmarks as words;

/// The list, and a button that adds to it.
#[component]
pub fn Bookmarks() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    let store = expect_context::<Store>();
    let items = move || (0..sharing.bookmarks.with(Vec::len)).collect::<Vec<_>>();
    let of_run = move || {
        if store.recording.with(Option::is_none) {
            return None;
        }
        let marks = sharing.of_recording.get();
        (!marks.is_empty()).then(|| {
            let items = marks.into_iter().map(|mark| {
                let note = Shown::new(&mark.note);
                view! {
                    <li>
                        <a href=mark.link.href()>{name(&Shown::new(&mark.name))}</a>
                        <span>{name(&note)}</span>
                    </li>
                }
            });
            view! {
                <h2>{words::OF_RECORDING}</h2>
                <ul>{items.collect_view()}</ul>
            }
        })
    };
    view! {
        <div class="line">
            <h2>"Bookmarks"</h2>
            <span class="grow"></span>
            <button class="button small" type="button" title="Bookmark this moment (b)" on:click=move |_| sharing.bookmark()>
                "Bookmark this moment"
            </button>
        </div>
        <ul class="bookmarks">
            {rows(items, |at| RowKey::Numbered(None, *at as u64), move |at| item(sharing, at).into_any())}
        </ul>
        {super::dynamic(of_run)}
    }
}

fn item(sharing: Sharing, at: usize) -> impl IntoView {
    let read = move |read: fn(&crate::model::Bookmark) -> String| {
        move || {
            sharing
                .bookmarks
                .with(|all| all.get(at).map(read).unwrap_or_default())
        }
    };
    let rename = move |event| {
        let text = event_target_value(&event);
        sharing.change_bookmark(at, |bookmark| bookmark.name = text);
    };
    let note = move |event| {
        let text = event_target_value(&event);
        sharing.change_bookmark(at, |bookmark| bookmark.note = text);
    };
    let go = read(|bookmark| bookmark.link.href());
    let comparing = expect_context::<Comparing>();
    let compare = move |_| {
        let link = sharing
            .bookmarks
            .with_untracked(|all| Some(all.get(at)?.link.clone()));
        if let Some(link) = link {
            comparing.with_moment(link);
        }
    };
    let label = read(|bookmark| words::go(&Shown::new(&bookmark.name).plain()));
    view! {
        <li>
            <a class="button small square" href=go aria-label=label title=label>
                {icon("i-right")}
            </a>
            <input type="text" aria-label="Name" prop:value=read(|bookmark| bookmark.name.clone()) on:change=rename />
            <input type="text" aria-label="Note" placeholder="Note" prop:value=read(|bookmark| bookmark.note.clone()) on:change=note />
            <button class="button plain small" type="button" title=words::COMPARE on:click=compare>
                "Compare"
            </button>
            <button class="button plain small" type="button" on:click=move |_| sharing.drop_bookmark(at)>
                "Delete"
            </button>
        </li>
    }
}
