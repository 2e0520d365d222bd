//! Led here: what happened near by just before something began. By cause where machines noted it, else by
//! time, and it says so.

use crate::ui::prelude::*;

use super::name;
use crate::store::{Hop, Trail};
use crate::words::overview as words;

/// The last of it, in a line; all of it on demand.
pub fn led_here(trail: &Trail) -> AnyView {
    let first = trail.hops.len().saturating_sub(SHOWN);
    let hops = trail.hops[first..].iter().map(hop).collect_view();
    let more = (first > 0).then(|| format!("{first} more → "));
    let end = if let Some(origin) = &trail.origin {
        origin
    } else if trail.is_start {
        words::HISTORY_STARTS
    } else if trail.hops.is_empty() {
        words::NOTHING_BEFORE
    } else {
        words::NO_SOURCE
    };
    let mut title = vec![words::led_here(trail).to_owned()];
    title.extend(trail.hops.iter().map(words::hop));
    title.push(end.to_owned());
    view! {
        <span class="trail" title=title.join("\n")>
            {more} {hops} <small>{end.to_owned()}</small>
        </span>
    }
    .into_any()
}

fn hop(hop: &Hop) -> impl IntoView + use<> {
    let state = hop.state.as_ref().map(|(state, on)| {
        view! {
            " "
            <code>{name(state)}</code>
            {if *on { " on" } else { " off" }}
        }
    });
    view! {
        <b>{name(&hop.name)}</b>
        {state}
        " → "
    }
}

/// Changes named in a line.
const SHOWN: usize = 2;
