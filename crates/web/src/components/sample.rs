//! The switch of the sample workflow: three machines in this tab, to try every view with.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use crate::session::Session;
use crate::store::Store;
use crate::words::sample as words;

/// Runs or stops it; nothing as long as there is no peer whose machines they would be.
#[component]
pub fn SampleSwitch() -> impl IntoView {
    let store = expect_context::<Store>();
    let session = expect_context::<Session>();
    let has_peer = Memo::new(move |_| store.topic.with(Option::is_some));
    let word = move || match session.sample.get() {
        true => words::STOP,
        false => words::RUN,
    };
    dynamic(move || {
        has_peer.get().then(|| {
            view! {
                <p class="sample">
                    <button class="button" type="button" on:click=move |_| session.toggle_sample()>
                        {dynamic(word)}
                    </button>
                    <small>{words::WHAT}</small>
                </p>
            }
        })
    })
}
