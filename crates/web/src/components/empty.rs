//! Connected, and nobody shows a machine: how to show one.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::{IncidentButton, SampleSwitch, name};
use crate::model::Shown;
use crate::store::Store;

/// One line for Rust, one for Go.
#[component]
pub fn EmptyMesh() -> impl IntoView {
    let store = expect_context::<Store>();
    let topic = move || store.topic.get().unwrap_or_default();
    let rust = move || {
        let line = format!(
            "Mesh::builder({:?}).connect(address).expose(&machine).spawn().await?",
            topic()
        );
        name(&Shown::new(&line))
    };
    let go = move || {
        let line = format!("pubsub.NewTopic(ctx, {:?}, \"\", machines, nil)", topic());
        name(&Shown::new(&line))
    };
    view! {
        <section class="empty">
            <p>"Expose a machine from Rust:"</p>
            <pre>{dynamic(rust)}</pre>
            <p>"From Go, with asyncmachine-go:"</p>
            <pre>{dynamic(go)}</pre>
            <p>"Or try every view in 10 s:"</p>
            <SampleSwitch />
            <IncidentButton />
        </section>
    }
}
