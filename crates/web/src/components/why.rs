//! Why the selected state is on or off, under the tree.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::machine_view::{MachineUi, Pane, Tab};
use super::sentence;
use crate::store::Store;

/// The panel; nothing while no state is selected.
#[component]
pub fn WhyPanel() -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let store = expect_context::<Store>();
    let shown = move || {
        let (key, state) = (ui.key.get()?, ui.selected.get()?);
        let why = store.why(&key, state)?;
        let lines = why
            .lines
            .iter()
            .map(|line| view! { <p>{sentence(line)}</p> });
        let try_it = move |_| {
            ui.called.set([state].into_iter().collect());
            ui.tab.set(Tab::WhatIf);
            ui.pane.set(Pane::Main);
        };
        Some(view! {
            <h3>{sentence(&why.title)}</h3>
            {lines.collect_view()}
            <button class="link" type="button" on:click=try_it>"Try in What if"</button>
        })
    };
    view! {
        <section class="why" id="why" tabindex="-1" aria-label="Why" hidden=move || ui.selected.get().is_none()>
            {dynamic(shown)}
        </section>
    }
}
