//! Keeps the address bar and the cursor together: an address that names a moment leads there, and wherever the page
//! looks, its address says so (dashboard design 2.1).
//!
//! Seeking replaces the address, a few times a second at most; links and jumps add an entry, so that back leads from jump
//! to jump. Going back to where the page was live is live again.

use std::time::Duration;

use crate::ui::prelude::*;

use crate::model::{MachineRef, MomentLink, Route};
use crate::router::{Router, Visit};
use crate::store::Store;
use crate::store::time::Mode;

/// From now on, as long as the page lives.
pub fn keep(store: Store, router: Router) {
    Effect::new(move |_| {
        arrive(store, router, router.visit.get());
    });
    let is_due = StoredValue::new(false);
    Effect::new(move |_| {
        store.dock.track();
        store.state.track();
        store.step.track();
        router.visit.track();
        if !is_due.get_value() {
            is_due.set_value(true);
            set_timeout(
                move || {
                    is_due.set_value(false);
                    say(store, router);
                },
                PAUSE,
            );
        }
    });
}

/// Looks where the address says.
fn arrive(store: Store, router: Router, visit: Visit) {
    // Compare reads two moments from it, and looks at neither.
    if router.route.get_untracked() == Route::Compare {
        return;
    }
    let fragment = router.fragment.get_untracked();
    let link = MomentLink::of_text(&fragment);
    let is_foreign = !fragment.is_empty() && MachineRef::parse(&fragment).is_none();
    match (link, visit) {
        // This tab looked there, at just this instant.
        (Some(link), Visit::Returned) if link.seen_at.is_some() => store.look_again(&link),
        (Some(link), _) if link.is_moment() => {
            let href = link.href();
            let has_no_machine = link.machine.is_none();
            store.follow(link);
            if is_foreign && !has_no_machine {
                router.correct(&href);
            }
        }
        (Some(link), Visit::Opened) => {
            store.follow(link);
            if is_foreign {
                router.correct(&MomentLink::of_text(&fragment).unwrap_or_default().href());
            }
        }
        (_, Visit::Returned) => store.live(),
        (_, Visit::Opened | Visit::Followed) => {}
    }
}

/// Says in the address bar what is looked at.
fn say(store: Store, router: Router) {
    let fragment = router.fragment.get_untracked();
    let route = router.route.get_untracked();
    if route == Route::Compare {
        return;
    }
    let is_live = store.dock.with_untracked(|dock| dock.mode) == Mode::Live;
    let wanted = if !is_live {
        let mut link = store.link();
        if route == Route::Machines {
            // At a moment before it was known it is still the one looked for.
            link.machine = link.machine.or_else(|| MachineRef::parse(&fragment));
        } else {
            (link.machine, link.state) = (None, None);
        }
        link.fragment()
    } else {
        let Some(link) = MomentLink::of_text(&fragment).filter(MomentLink::is_moment) else {
            return;
        };
        // A link that leads nowhere stays, beside the sentence that says so.
        if store.is_following() || store.found.with_untracked(Option::is_some) {
            return;
        }
        match link.machine {
            Some(_) => link.live().fragment(),
            None => String::new(),
        }
    };
    if wanted != fragment && route != Route::Unknown {
        router.correct(&format!("{}{wanted}", route.path()));
    }
}

/// At most four corrections a second.
const PAUSE: Duration = Duration::from_millis(250);
