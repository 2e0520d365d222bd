//! What of the diagram is drawn, and ways to take it along.

use crate::ui::prelude::*;
use leptos::ev::KeyboardEvent;
use leptos::html::Details;
use wasm_bindgen_futures::spawn_local;

use super::diagram::Scene;
use super::dynamic::dynamic;
use super::name;
use crate::browser::{self, files};
use crate::model::MachineScreen;
use crate::model::diagram::{Format, groups};
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words::{self, diagram as say};

/// The bar above the picture.
#[component]
pub(super) fn DiagramBar(scene: Scene) -> impl IntoView {
    let diagram = scene.ui.diagram;
    let depths = say::DEPTHS.map(|(depth, word, title)| {
        view! {
            <button
                class="chip"
                type="button"
                title=title
                aria-pressed=move || (diagram.depth.get() == depth).to_string()
                on:click=move |_| diagram.depth.set(depth)
            >
                {word}
            </button>
        }
    });
    let has_steps = Memo::new(move |_| scene.steps.with(|steps| !steps.is_empty()));
    view! {
        <div class="diagram-bar" role="group" aria-label="What is drawn">
            <div class="switch" role="group" aria-label="Level">{depths.collect_view()}</div>
            <Choices scene />
            <Zoom scene />
            <button
                class="chip"
                type="button"
                title="The steps of this transition, in their order"
                hidden=move || !has_steps.get()
                aria-pressed=move || diagram.steps.get().to_string()
                on:click=move |_| diagram.steps.update(|steps| *steps = !*steps)
            >
                "Steps"
            </button>
            <span class="grow"></span>
            <Export scene />
        </div>
    }
}

#[component]
fn Choices(scene: Scene) -> impl IntoView {
    let diagram = scene.ui.diagram;
    let dims = say::DIMS.into_iter().enumerate().map(|(at, (dim, word))| {
        view! {
            <option value=at.to_string() selected=move || diagram.dim.get() == dim>
                {word}
            </option>
        }
    });
    let dim = move |event| {
        let at: Option<usize> = event_target_value(&event).parse().ok();
        if let Some((dim, _)) = at.and_then(|at| say::DIMS.get(at)) {
            diagram.dim.set(*dim);
        }
    };
    let group = move |event| {
        let at: usize = event_target_value(&event).parse().unwrap_or(0);
        let chosen = scene
            .schema
            .with_untracked(|schema| groups(schema).into_iter().nth(at));
        diagram.group.set(chosen.unwrap_or_default());
    };
    let all = move || {
        let groups = scene.schema.with(|schema| groups(schema));
        let options = groups.into_iter().enumerate().map(|(at, group)| {
            let word = say::group(&group);
            view! {
                <option value=at.to_string() selected=move || diagram.group.with(|it| *it == group)>
                    {word}
                </option>
            }
        });
        options.collect_view()
    };
    let outside = say::OUTSIDES.map(|(outside, word)| {
        view! {
            <button
                class="chip"
                type="button"
                hidden=move || diagram.group.with(|group| *group == <_>::default())
                aria-pressed=move || (diagram.outside.get() == outside).to_string()
                on:click=move |_| diagram.outside.set(outside)
            >
                {word}
            </button>
        }
    });
    view! {
        <label>"Dim " <select on:change=dim>{dims.collect_view()}</select></label>
        <label>"Group " <select on:change=group>{dynamic(all)}</select></label>
        {outside.collect_view()}
    }
}

/// The selected state and its neighbours, or everything again.
#[component]
fn Zoom(scene: Scene) -> impl IntoView {
    let around = scene.ui.diagram.around;
    let wanted = Memo::new(move |_| around.get().or_else(|| scene.ui.selected.get()));
    let shown = move || {
        wanted
            .get()
            .map(|state| view! { " " {name(&scene.name(state))} })
    };
    view! {
        <button
            class="chip zoom"
            type="button"
            title="This state and those it has relations with (Enter)"
            hidden=move || wanted.get().is_none()
            aria-pressed=move || around.get().is_some().to_string()
            on:click=move |_| {
                if let Some(state) = wanted.get_untracked() {
                    scene.zoom(state);
                }
            }
        >
            "Zoom to" {dynamic(shown)}
        </button>
    }
}

#[component]
fn Export(scene: Scene) -> impl IntoView {
    let store = expect_context::<Store>();
    let sharing = expect_context::<Sharing>();
    // The machine by its own name and as it may be shown.
    let machine = move || {
        store.screen.with_untracked(|screen| match screen {
            MachineScreen::Machine(view) => view.head.name.plain(),
            MachineScreen::Nothing | MachineScreen::Unknown { .. } => String::new(),
        })
    };
    let write = move |format: Format| {
        let picture = scene.picture.get_untracked();
        format.write(
            &picture,
            &format!("{}: {}", machine(), say::label(&picture)),
        )
    };
    let copy = move |format: Format| {
        let text = write(format);
        spawn_local(async move {
            if browser::copy(&text).await {
                sharing.say(&say::copied(format.word()));
            } else {
                sharing.refuse_with(words::NOT_COPIED, text);
            }
        });
    };
    let save = move |format: Format| {
        let (ending, kind) = format.file();
        let name = say::file_name(&machine(), ending);
        match files::save_text(&write(format), kind, &name) {
            Ok(()) => sharing.say(&say::saved(&name)),
            Err(error) => sharing.refuse(&words::recording::not_saved(&browser::reason(&error))),
        }
    };
    let rows = Format::ALL.map(|format| {
        let word = format.word();
        view! {
            <li>
                <span>{word}</span>
                <button class="button small" type="button" aria-label=format!("Copy {word}") on:click=move |_| copy(format)>
                    "Copy"
                </button>
                <button class="button small" type="button" aria-label=format!("Save {word}") on:click=move |_| save(format)>
                    "Save"
                </button>
            </li>
        }
    });
    let menu: NodeRef<Details> = NodeRef::new();
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            if let Some(menu) = menu.get_untracked() {
                menu.set_open(false);
                super::lens::focus_in(&menu, "summary");
            }
        }
    };
    view! {
        <details class="record export" node_ref=menu on:keydown=on_key>
            <summary class="button plain small">"Export"</summary>
            <ul class="popover" aria-label="Export the diagram">{rows.collect_view()}</ul>
        </details>
    }
}
