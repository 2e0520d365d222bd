//! The bar that says the connection went, and for a moment that it is back. Never a dialog: the page stays usable.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::health_glyph;
use crate::model::Health;
use crate::session::Session;
use crate::store::Store;
use crate::words;

/// Shown while a connection that was live is not.
#[component]
pub fn ConnectionBar() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let is_lost = Memo::new(move |_| store.connection.with(|connection| connection.is_stale()));
    let lost = move || {
        store
            .connection
            .with(|connection| words::lost(&connection.relay))
    };
    let since = move || {
        let now = store.clock.get();
        store
            .connection
            .with(|connection| words::lost_since(connection, now))
    };
    let lost_bar = move || {
        is_lost.get().then(|| {
            view! {
                <div class="bar">
                    {health_glyph(Health::Error)}
                    <p>
                        <b role="alert">{dynamic(lost)}</b>
                        {dynamic(since)}
                    </p>
                    <span class="grow"></span>
                    <button class="button small" type="button" on:click=move |_| session.retry_now()>
                        "Try now"
                    </button>
                    <a class="button small" href="/join">
                        "Use another relay"
                    </a>
                </div>
            }
        })
    };
    let back = Memo::new(move |_| {
        let now = store.clock.get();
        store.connection.with(|connection| {
            let (after, at) = connection.back.filter(|_| connection.is_live())?;
            (now.since(at) < BACK_SHOWN).then(|| words::back(after))
        })
    });
    let back_bar = move || {
        back.get()
            .map(|words| view! { <div class="bar good"><p>{words}</p></div> })
    };
    view! {
        <div class="bars">
            {dynamic(lost_bar)}
            <div role="status">{dynamic(back_bar)}</div>
        </div>
    }
}

/// "Back after" stays so long (dashboard design 5.8).
const BACK_SHOWN: u64 = 4_000;
