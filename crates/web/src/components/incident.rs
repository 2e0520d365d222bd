//! A recorded incident, for whoever has no mesh to look at.

use crate::ui::prelude::*;

use crate::sharing::Sharing;
use crate::words::recording as words;

/// A button that opens the recording which comes with the page.
#[component]
pub fn IncidentButton() -> impl IntoView {
    let sharing = expect_context::<Sharing>();
    view! {
        <p class="sample">
            <button class="button" type="button" on:click=move |_| sharing.look_at_incident()>
                {words::INCIDENT}
            </button>
            <small>{words::WHICH_INCIDENT}</small>
        </p>
    }
}
