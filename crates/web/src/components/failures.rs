//! Why no address answered, one line each.

use crate::ui::prelude::*;

use super::dynamic::dynamic;
use super::name;
use crate::derived::Derived;
use crate::model::{Failure, Shown};
use crate::store::Store;

/// Addresses tried in the last round, while nothing was ever reached.
#[component]
pub fn Failures() -> impl IntoView {
    let store = expect_context::<Store>();
    let failures = Derived::new(move || {
        store.connection.with(|connection| {
            if connection.is_stale() {
                Vec::new()
            } else {
                connection.failures().to_vec()
            }
        })
    });
    dynamic(move || {
        let failures = failures.get();
        (!failures.is_empty()).then(|| {
            let lines = failures.iter().map(line).collect_view();
            view! { <ul class="failures">{lines}</ul> }
        })
    })
}

fn line(failure: &Failure) -> impl IntoView + use<> {
    let address = failure.address.as_ref().map(|address| {
        view! {
            <code>{name(&Shown::new(address))}</code>
            ": "
        }
    });
    view! { <li>{address} {name(&Shown::new(&failure.reason))}</li> }
}
