//! States at the end of both sides: clocks, how often they came on, and for how long.

use crate::ui::prelude::*;

use super::{dynamic, name, state_glyph};
use crate::comparing::Comparing;
use crate::model::compare::StateEnd;
use crate::words::compare as say;

/// Below the rows.
#[component]
pub fn CompareStates() -> impl IntoView {
    let comparing = expect_context::<Comparing>();
    let table = move || {
        comparing.with(|comparison, _| {
            let (states, same) = comparison.states();
            let is_exact = [comparison.is_exact(0), comparison.is_exact(1)];
            let rows = states.iter().map(|state| {
                let cell = |side: usize| cell(state.sides[side], state.is_error, is_exact[side]);
                view! {
                    <tr class:compare-ends=state.ends_otherwise()>
                        <th scope="row">{name(&state.name)}</th>
                        {cell(0)}
                        {cell(1)}
                    </tr>
                }
            });
            let rows = rows.collect_view();
            view! {
                <section class="compare-states">
                    <table>
                        <caption>"States at the end"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"State"</th>
                                <th scope="col">"A: tick, came on, was on for"</th>
                                <th scope="col">"B: tick, came on, was on for"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                    <p class="nothing">{say::same_states(same)}</p>
                </section>
            }
        })
    };
    dynamic(table)
}

fn cell(end: Option<StateEnd>, is_error: bool, is_exact: bool) -> AnyView {
    let Some(end) = end else {
        return view! { <td>"no such state"</td> }.into_any();
    };
    let word = if end.is_on() { "on" } else { "off" };
    let said = say::state_end(&end, is_exact).map(|part| view! { <span class="num">{part}</span> });
    view! {
        <td>
            {state_glyph(end.is_on(), false, is_error)}
            <b>{word}</b>
            {said.into_iter().collect_view()}
        </td>
    }
    .into_any()
}
