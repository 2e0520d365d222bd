//! Diagram: the states of the machine at the cursor and their relations as a picture, or the steps of its transition. The
//! tree of states says the same in words.

use std::sync::Arc;

use crate::ui::prelude::*;
use statemesh::core::engine::Step;
use wasm_bindgen_futures::spawn_local;

use super::diagram_bar::DiagramBar;
use super::diagram_view::DiagramView;
use super::dynamic::dynamic;
use super::machine_view::MachineUi;
use crate::browser;
use crate::derived::Derived;
use crate::model::diagram::{
    Arranger, Depth, Dim, Facts, Group, Layout, MANY, Outside, Picture, Sketch, arrange, sketch,
};
use crate::model::{MachineKey, SchemaFacts, StateRow};
use crate::store::Store;
use crate::words::{diagram as say, machine::state_name};

/// What is drawn of a machine, kept while other tabs are open.
#[derive(Clone, Copy)]
pub struct DiagramUi {
    /// How much.
    pub depth: RwSignal<Depth>,
    /// What is dim.
    pub dim: RwSignal<Dim>,
    /// Which states.
    pub group: RwSignal<Group>,
    /// And what of the others.
    pub outside: RwSignal<Outside>,
    /// This state and its neighbours only.
    pub around: RwSignal<Option<usize>>,
    /// The steps of the transition instead.
    pub steps: RwSignal<bool>,
    /// All of very many states, as somebody said.
    pub all: RwSignal<bool>,
}

impl DiagramUi {
    /// Everything of a machine.
    pub fn new(key: Derived<Option<MachineKey>>) -> Self {
        let ui = Self {
            depth: RwSignal::new(Depth::default()),
            dim: RwSignal::new(Dim::default()),
            group: RwSignal::new(Group::All),
            outside: RwSignal::new(Outside::default()),
            around: RwSignal::new(None),
            steps: RwSignal::new(false),
            all: RwSignal::new(false),
        };
        // What names states belongs to their machine.
        Effect::new(move |_| {
            let _ = key.get();
            ui.group.set(Group::All);
            ui.around.set(None);
            ui.all.set(false);
        });
        ui
    }
}

/// What the parts of the tab share.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) ui: MachineUi,
    /// As the tree has them.
    pub(super) states: Derived<Vec<StateRow>>,
    /// Of the moment.
    pub(super) schema: Derived<Arc<SchemaFacts>>,
    /// Steps of the transition at the cursor.
    pub(super) steps: Derived<Vec<Step>>,
    /// Of the moment.
    pub(super) facts: Derived<Facts>,
    /// What is to be in the picture.
    sketch: Derived<Arc<Sketch>>,
    laid: RwSignal<Option<Arc<Laid>>>,
    /// How far the layout is, while it takes long.
    progress: RwSignal<Option<usize>>,
    /// So many states of a large picture are in the document.
    pub(super) drawn: RwSignal<usize>,
    turn: StoredValue<u32>,
    /// What is drawn.
    pub(super) picture: Derived<Arc<Picture>>,
}

/// A picture that is laid out.
struct Laid {
    schema: Arc<SchemaFacts>,
    sketch: Arc<Sketch>,
    layout: Layout,
}

/// The tab.
#[component]
pub fn Diagram(states: Derived<Vec<StateRow>>) -> impl IntoView {
    let ui = expect_context::<MachineUi>();
    let scene = Scene::new(expect_context::<Store>(), ui, states);
    scene.follow();
    let shows = Memo::new(move |_| scene.shows());
    let body = move || match shows.get() {
        Shows::Empty => view! { <p class="nothing">{say::EMPTY}</p> }.into_any(),
        Shows::TooMany => view! { <TooMany scene /> }.into_any(),
        Shows::Picture => view! { <DiagramView scene /> }.into_any(),
    };
    let note = move || {
        let (depth, dim) = (ui.diagram.depth.get(), ui.diagram.dim.get());
        scene.facts.with(|facts| say::note(depth, dim, facts))
    };
    view! {
        <DiagramBar scene />
        <p class="unknown" role="status" hidden=move || note().is_none()>{note}</p>
        <Progress scene />
        {dynamic(body)}
    }
}

/// What the tab shows.
#[derive(Clone, Copy, PartialEq)]
enum Shows {
    Empty,
    TooMany,
    Picture,
}

impl Scene {
    fn new(store: Store, ui: MachineUi, states: Derived<Vec<StateRow>>) -> Self {
        let diagram = ui.diagram;
        let schema = schema_then(ui);
        let steps = steps(store, ui);
        let facts = facts(store, ui, steps);
        let sketch = Derived::new(move || {
            let (outside, around) = (diagram.outside.get(), diagram.around.get());
            let group = diagram.group.get();
            schema.with(|schema| Arc::new(sketch(schema, &group, outside, around)))
        });
        let laid: RwSignal<Option<Arc<Laid>>> = RwSignal::new(None);
        let picture = Derived::new(move || {
            let facts = facts.get();
            if diagram.steps.get() && steps.with(|steps| !steps.is_empty()) {
                let steps = steps.get();
                return Arc::new(schema.with(|schema| Picture::sequence(schema, &steps, &facts)));
            }
            let how = (diagram.depth.get(), diagram.dim.get());
            let picture = laid.get().map(|laid| {
                Picture::states(&laid.schema, (&laid.sketch, &laid.layout), how, &facts)
            });
            Arc::new(picture.unwrap_or_default())
        });
        Self {
            ui,
            states,
            schema,
            steps,
            facts,
            sketch,
            laid,
            progress: RwSignal::new(None),
            drawn: RwSignal::new(usize::MAX),
            turn: StoredValue::new(0),
            picture,
        }
    }

    fn shows(self) -> Shows {
        let count = self.sketch.with(|sketch| sketch.states.len());
        match count {
            0 => Shows::Empty,
            count if count > MANY && !self.ui.diagram.all.get() => Shows::TooMany,
            _ => Shows::Picture,
        }
    }

    /// Lays out what is asked for: few states at once, many in slices that leave the page its frames.
    fn follow(self) {
        let is_tall = Memo::new(move |_| self.ui.diagram.depth.get() == Depth::Handlers);
        Effect::new(move |_| {
            let (sketch, schema) = (self.sketch.get(), self.schema.get());
            let depth = if is_tall.get() {
                Depth::Handlers
            } else {
                Depth::default()
            };
            self.turn.update_value(|turn| *turn += 1);
            self.progress.set(None);
            if self.shows() != Shows::Picture || sketch.states.last() >= Some(&schema.states.len())
            {
                return self.laid.set(None);
            }
            let arranger = arrange(&schema, &sketch, depth);
            let done = move |layout| {
                self.laid.set(Some(Arc::new(Laid {
                    schema: Arc::clone(&schema),
                    sketch: Arc::clone(&sketch),
                    layout,
                })));
            };
            if arranger.is_small() {
                self.drawn.set(usize::MAX);
                done(arranger.finish());
            } else {
                self.laid.set(None);
                self.drawn.set(0);
                self.progress.set(Some(0));
                spawn_local(self.slices(arranger, done));
            }
        });
        on_cleanup(move || {
            self.turn.try_update_value(|turn| *turn += 1);
        });
    }

    async fn slices(self, mut arranger: Arranger, done: impl FnOnce(Layout) + 'static) {
        let turn = self.turn.try_get_value();
        let is_wanted = move || turn.is_some() && self.turn.try_get_value() == turn;
        let layout = loop {
            browser::sleep(0).await;
            if !is_wanted() {
                return;
            }
            let until = browser::now().0 + SLICE;
            let layout = loop {
                let layout = arranger.step();
                if layout.is_some() || browser::now().0 >= until {
                    break layout;
                }
            };
            match layout {
                Some(layout) => break layout,
                None => self.progress.set(Some(arranger.progress())),
            }
        };
        done(layout);
        let count = self.sketch.with_untracked(|sketch| sketch.states.len());
        while self.drawn.try_get_untracked().is_some_and(|it| it < count) {
            self.drawn.update(|drawn| *drawn += PIECE);
            browser::sleep(0).await;
            if !is_wanted() {
                return;
            }
        }
        self.drawn.set(usize::MAX);
        self.progress.set(None);
    }

    /// The name of a state.
    pub(super) fn name(self, state: usize) -> crate::model::Shown {
        self.schema.with(|schema| state_name(schema, state))
    }

    /// Draws a state and its neighbours; the same state again: everything.
    pub(super) fn zoom(self, state: usize) {
        let around = self.ui.diagram.around;
        let is_there = around.get_untracked() == Some(state);
        around.set((!is_there).then_some(state));
    }
}

/// The schema at the cursor: the machine may have had fewer states then.
fn schema_then(ui: MachineUi) -> Derived<Arc<SchemaFacts>> {
    Derived::new(move || {
        let then = ui
            .change
            .with(|change| Some(Arc::clone(&change.as_ref()?.schema)));
        then.or_else(|| ui.schema.get()).unwrap_or_default()
    })
}

/// The steps of the transition at the cursor, where its owner tells them.
fn steps(store: Store, ui: MachineUi) -> Derived<Vec<Step>> {
    Derived::new(move || {
        let side = ui.key.get().and_then(|key| {
            let side = store.at_cursor(&key, |track, at| track.side(track.at(at)?));
            side.flatten()
        });
        side.map(|side| side.steps).unwrap_or_default()
    })
}

/// What is known of the moment at the cursor.
fn facts(store: Store, ui: MachineUi, steps: Derived<Vec<Step>>) -> Derived<Facts> {
    Derived::new(move || {
        let clock = ui.key.get().and_then(|key| store.clock_at_cursor(&key));
        let mut facts = Facts {
            clock: clock.unwrap_or_default(),
            changed: ui.changed.get(),
            called: ui.change.with(|change| {
                let head = change.as_ref().and_then(|change| change.head.as_ref());
                let called = head.iter().flat_map(|head| &head.called);
                called.map(|at| *at as usize).collect()
            }),
            selected: ui.selected.get(),
            ..Facts::default()
        };
        steps.with(|steps| facts.tell(steps));
        facts
    })
}

/// Many states are drawn when somebody says so.
#[component]
fn TooMany(scene: Scene) -> impl IntoView {
    let diagram = scene.ui.diagram;
    let count = Memo::new(move |_| scene.sketch.with(|sketch| sketch.states.len()));
    let zoom = move || {
        match scene.ui.selected.get() {
        Some(state) if diagram.around.get() != Some(state) => view! {
            <button class="button primary small" type="button" on:click=move |_| diagram.around.set(Some(state))>
                "Zoom to " {super::name(&scene.name(state))}
            </button>
        }
        .into_any(),
        _ => view! { <p>{say::SELECT}</p> }.into_any(),
    }
    };
    view! {
        <div class="nothing too-many">
            <p>{move || say::too_many(count.get())}</p>
            {dynamic(zoom)}
            <button class="button small" type="button" on:click=move |_| diagram.all.set(true)>
                {move || say::draw_all(count.get())}
            </button>
        </div>
    }
}

/// How far a large picture is, and a way to do without it.
#[component]
fn Progress(scene: Scene) -> impl IntoView {
    let bar = move || {
        let progress = scene.progress.get()?;
        let count = scene.sketch.with(|sketch| sketch.states.len());
        Some(view! {
            <div class="unknown" role="status">
                {say::drawing(count, progress)} " "
                <button class="button small" type="button" on:click=move |_| scene.ui.diagram.all.set(false)>
                    "Cancel"
                </button>
            </div>
        })
    };
    dynamic(bar)
}

/// Milliseconds of work between two frames (dashboard design 11).
const SLICE: u64 = 8;
/// States that come into the document at once.
const PIECE: usize = 60;
