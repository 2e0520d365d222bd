//! `view!` and `#[component]` of the dashboard: the syntax of Leptos, for the few things that the page uses, made into
//! calls of `crate::ui`. What a view always shows becomes one text, its shape, which costs no code; code is what puts
//! values, listeners and parts into the slots of the shape.
//!
//! What is not supported does not compile, with a sentence that says so.

mod component;
mod shape;
mod view;

use proc_macro::TokenStream;

/// A part of the page: elements, texts, `{expressions}` and `<Components />`.
///
/// Attributes: `name="text"`, `name=expression`, `name`, `class:name=`, `style:name=`, `prop:name=`, `on:event=`,
/// `node_ref=`. Components take `name=expression` or `name`.
#[proc_macro]
pub fn view(tokens: TokenStream) -> TokenStream {
    view::expand(tokens.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// A function that `view!` writes as `<Name argument=... />`. What it reads is not followed by whoever draws it.
#[proc_macro_attribute]
pub fn component(_options: TokenStream, function: TokenStream) -> TokenStream {
    component::expand(function.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
