//! Views in a real browser: what is patched in place, what is kept, what ends.
#![cfg(target_arch = "wasm32")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not all of the module is used here"
)]

#[path = "../src/ui.rs"]
mod ui;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::prelude::Closure;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::js_sys::Array;
use web_sys::{Element, HtmlElement, HtmlInputElement, MutationObserver, MutationObserverInit};

use self::ui::prelude::*;
use self::ui::{Row, keyed, mount};

wasm_bindgen_test_configure!(run_in_browser);

/// A place in the document, and the owner of what is drawn there.
struct Page {
    place: HtmlElement,
    owner: Owner,
}

impl Page {
    fn of(view: impl FnOnce() -> AnyView) -> Self {
        let place: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&place).unwrap();
        let owner = Owner::new();
        owner.with(|| mount(&place, view));
        Self { place, owner }
    }

    fn html(&self) -> String {
        self.place.inner_html().replace("<!---->", "")
    }

    fn find(&self, selector: &str) -> Element {
        self.place.query_selector(selector).unwrap().unwrap()
    }

    fn click(&self, selector: &str) {
        self.find(selector).unchecked_into::<HtmlElement>().click();
    }
}

/// Until effects have run: a timer comes after all that waits already.
async fn settled() {
    TimeoutFuture::new(0).await;
    TimeoutFuture::new(0).await;
}

#[component]
fn Name(of: &'static str, count: RwSignal<u32>) -> impl IntoView {
    // No reader of the one who draws it.
    let first = count.get();
    view! { <b>{of} {first}</b> }
}

#[wasm_bindgen_test]
async fn everything_a_view_can_say() {
    let (is_on, text) = (RwSignal::new(false), RwSignal::new("a".to_owned()));
    let page = Page::of(move || {
        let word = Memo::new(move |_| text.get());
        let nothing: Option<&'static str> = None;
        view! {
            <p
                id="it"
                class="one two"
                data-n=7_u64
                data-text=word
                data-none=nothing
                hidden=is_on
                class:three=is_on
                style:top=move || is_on.get().then_some("3px")
            >
                "said " {word} {1_u32} {nothing} <i></i>
            </p>
            <input type="checkbox" prop:checked=is_on prop:value=word disabled />
            <svg viewBox="0 0 1 1"><path d="M0 0" /><a href="/x">"x"</a></svg>
            <Name of="name" count=RwSignal::new(3) />
        }
    });
    assert_eq!(
        page.html(),
        "<p id=\"it\" class=\"one two\" data-n=\"7\" data-text=\"a\">said a1<i></i></p>\
         <input type=\"checkbox\" value=\"a\" disabled=\"\"><svg viewBox=\"0 0 1 1\"><path d=\"M0 0\"></path>\
         <a href=\"/x\">x</a></svg><b>name3</b>"
    );
    for inside in ["svg", "path", "svg a"] {
        let namespace = page.find(inside).namespace_uri();
        assert_eq!(namespace.as_deref(), Some("http://www.w3.org/2000/svg"));
    }
    let input: HtmlInputElement = page.find("input").unchecked_into();
    assert_eq!((input.checked(), input.value().as_str()), (false, "a"));
    is_on.set(true);
    text.set("b".to_owned());
    settled().await;
    assert_eq!((input.checked(), input.value().as_str()), (true, "b"));
    let it = page.find("#it");
    assert_eq!(it.class_name(), "one two three");
    assert_eq!(it.get_attribute("hidden").as_deref(), Some(""));
    assert_eq!(it.get_attribute("style").as_deref(), Some("top: 3px;"));
    assert_eq!(it.text_content().unwrap(), "said b1");
    is_on.set(false);
    settled().await;
    assert_eq!(it.class_name(), "one two");
    assert!(!it.has_attribute("hidden"));
    assert_eq!(it.get_attribute("style").as_deref(), Some(""));
}

#[wasm_bindgen_test]
async fn what_is_drawn_again_in_the_same_shape_is_patched() {
    let count = RwSignal::new(1_u32);
    let clicked = Rc::new(Cell::new(0));
    let (told, drawn) = (clicked.clone(), RwSignal::new(0));
    let page = Page::of(move || {
        (move || {
            let (now, told) = (count.get(), told.clone());
            drawn.set(drawn.get_untracked() + 1);
            let class = if now > 1 { "many x" } else { "one" };
            view! {
                <button
                    class=class
                    class:big={now > 1}
                    on:click=move |_: MouseEvent| told.set(now)
                >
                    {now}
                    {(now > 2).then_some("!")}
                    {move || format!(" of {now}")}
                </button>
            }
        })
        .into_any()
    });
    let button: HtmlElement = page.find("button").unchecked_into();
    button.focus().unwrap();
    let text = button.first_child().unwrap();
    count.set(3);
    settled().await;
    assert!(page.find("button") == *button.as_ref());
    assert_eq!(document().active_element().as_ref(), Some(button.as_ref()));
    assert!(button.first_child().unwrap() == text);
    assert_eq!(button.text_content().unwrap(), "3! of 3");
    assert_eq!(button.class_name(), "many x big");
    page.click("button");
    assert_eq!((clicked.get(), drawn.get_untracked()), (3, 2));
    count.set(1);
    settled().await;
    assert_eq!(button.class_name(), "one");
    assert_eq!(button.text_content().unwrap(), "1 of 1");
    page.click("button");
    assert_eq!(clicked.get(), 1);
}

#[wasm_bindgen_test]
async fn another_shape_replaces_what_was_there() {
    let at = RwSignal::new(0);
    let page = Page::of(move || {
        view! {
            <u></u>
            {move || match at.get() {
                0 => view! { <b>"b"</b> <i>"i"</i> },
                1 => "text".into_any(),
                2 => ().into_any(),
                3 => ["x", "y"].collect_view(),
                4 => ["x", "z", "v"].collect_view(),
                _ => Vec::<AnyView>::new().into_any(),
            }}
            <s></s>
        }
    });
    let expected = [
        "<b>b</b><i>i</i>",
        "text",
        "",
        "xy",
        "xzv",
        "",
        "xy",
        "xzv",
        "xy",
    ];
    for (step, expected) in [0, 1, 2, 3, 4, 5, 3, 4, 3].into_iter().zip(expected) {
        at.set(step);
        settled().await;
        assert_eq!(page.html(), format!("<u></u>{expected}<s></s>"));
    }
}

thread_local! {
    /// Rows that ended.
    static ENDED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Rows of numbers; each shows the count.
fn numbers(list: RwSignal<Vec<u32>>, count: RwSignal<u32>) -> AnyView {
    keyed(Box::new(move || {
        let row = |number: u32| Row {
            key: number,
            draw: Box::new(move || {
                on_cleanup(move || ENDED.with_borrow_mut(|ended| ended.push(number)));
                let own = RwSignal::new(number);
                view! { <li id=format!("n{number}")>{own} ":" {count}</li> "," }
            }),
        };
        list.get().into_iter().map(row).collect()
    }))
}

/// Counts what happens inside of an element.
struct Watch {
    count: Rc<Cell<u32>>,
    _told: Closure<dyn FnMut(Array)>,
}

impl Watch {
    fn of(element: &Element) -> Self {
        let count = Rc::new(Cell::new(0));
        let counted = count.clone();
        let told = Closure::<dyn FnMut(Array)>::new(move |records: Array| {
            counted.set(counted.get() + records.length());
        });
        let observer = MutationObserver::new(told.as_ref().unchecked_ref()).unwrap();
        let options = MutationObserverInit::new();
        options.set_child_list(true);
        options.set_subtree(true);
        options.set_character_data(true);
        options.set_attributes(true);
        observer.observe_with_options(element, &options).unwrap();
        Self { count, _told: told }
    }

    /// How often since the last time.
    fn count(&self) -> u32 {
        self.count.take()
    }
}

#[wasm_bindgen_test]
async fn rows_keep_their_elements() {
    let list = RwSignal::new((0..6).collect::<Vec<u32>>());
    let count = RwSignal::new(0);
    let page = Page::of(move || view! { <ul>{numbers(list, count)} <li>"end"</li></ul> });
    let text = |numbers: &[u32], count: u32| {
        let rows = numbers.iter().map(|number| format!("{number}:{count},"));
        rows.collect::<String>() + "end"
    };
    let shown = || page.find("ul").text_content().unwrap();
    assert_eq!(shown(), text(&[0, 1, 2, 3, 4, 5], 0));
    let before: Vec<Element> = (0..6).map(|n| page.find(&format!("#n{n}"))).collect();
    let watch = Watch::of(&page.find("ul"));

    // The last goes to the front: two nodes of one row leave and come. Others are not touched.
    list.set(vec![5, 0, 1, 2, 3, 4]);
    settled().await;
    assert_eq!((shown(), watch.count()), (text(&[5, 0, 1, 2, 3, 4], 0), 4));
    let again: Vec<Element> = (0..6).map(|n| page.find(&format!("#n{n}"))).collect();
    assert!(before == again);

    // Any order, some go, some come.
    for next in [
        vec![5, 0, 1, 2, 3, 4],
        vec![4, 3, 2, 1, 0, 5],
        vec![9, 4, 8, 2, 0, 7],
        vec![],
        vec![1, 2, 3],
        vec![3, 6, 1, 5, 2, 4],
    ] {
        list.set(next.clone());
        settled().await;
        assert_eq!(shown(), text(&next, 0));
    }
    ENDED.with_borrow_mut(|ended| ended.sort_unstable());
    let expected = vec![0, 1, 2, 3, 4, 5, 7, 8, 9];
    assert_eq!(ENDED.with_borrow_mut(std::mem::take), expected);

    // What rows follow changes nothing else.
    watch.count();
    count.set(1);
    settled().await;
    assert_eq!((shown(), watch.count()), (text(&[3, 6, 1, 5, 2, 4], 1), 6));
}

#[wasm_bindgen_test]
async fn what_is_no_longer_shown_follows_nothing() {
    let (is_shown, count) = (RwSignal::new(true), RwSignal::new(0));
    let runs = Rc::new(Cell::new(0));
    let counted = runs.clone();
    let clicked = Rc::new(Cell::new(0));
    let told = clicked.clone();
    let page = Page::of(move || {
        (move || {
            let (counted, told) = (counted.clone(), told.clone());
            is_shown.get().then(move || {
                let read = move || {
                    counted.set(counted.get() + 1);
                    count.get()
                };
                let (inner, attribute) = (read.clone(), read);
                view! {
                    <p data-count=attribute on:click=move |_| told.set(told.get() + 1)>
                        {inner}
                    </p>
                }
            })
        })
        .into_any()
    });
    assert_eq!(runs.get(), 2);
    count.set(1);
    settled().await;
    assert_eq!(runs.get(), 4);
    let gone: HtmlElement = page.find("p").unchecked_into();
    gone.click();
    is_shown.set(false);
    settled().await;
    count.set(2);
    settled().await;
    gone.click();
    assert_eq!((runs.get(), clicked.get()), (4, 1));
    assert_eq!(page.html(), "");
    is_shown.set(true);
    settled().await;
    assert_eq!(page.html(), "<p data-count=\"2\">2</p>");
    page.owner.cleanup();
}

#[wasm_bindgen_test]
async fn references_get_their_element() {
    let node = NodeRef::<html::Input>::new();
    let (at, seen) = (RwSignal::new(0), RwSignal::new(String::new()));
    let page = Page::of(move || {
        Effect::new(move |_| {
            if let Some(input) = node.get() {
                seen.set(input.id());
            }
        });
        view! {
            {move || match at.get() {
                0 => view! { <input id="first" node_ref=node /> },
                _ => view! { <p><input id="second" node_ref=node /></p> },
            }}
        }
    });
    settled().await;
    assert_eq!(seen.get_untracked(), "first");
    at.set(1);
    settled().await;
    assert_eq!(seen.get_untracked(), "second");
    assert_eq!(page.html(), "<p><input id=\"second\"></p>");
}

#[wasm_bindgen_test]
async fn listeners_know_the_contexts_of_their_view() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Word(&'static str);
    let seen = Rc::new(Cell::new(None));
    let told = seen.clone();
    let page = Page::of(move || {
        provide_context(Word("here"));
        view! { <button on:click=move |_| told.set(use_context::<Word>())>"x"</button> }
    });
    page.click("button");
    assert_eq!(seen.get(), Some(Word("here")));
}
