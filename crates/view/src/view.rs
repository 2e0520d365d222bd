//! `view!`: the tree that was written becomes a shape and what fills its slots.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use rstml::node::{KeyedAttribute, NodeAttribute, NodeBlock, NodeElement};
use rstml::{Infallible, Parser, ParserConfig};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, Result, Stmt};

use crate::shape::{Shape, Step, fits, is_svg};

type Node = rstml::node::Node<Infallible>;
type Element = NodeElement<Infallible>;

/// The expression that draws it.
pub fn expand(tokens: TokenStream) -> Result<TokenStream> {
    let config = ParserConfig::new().recover_block(true);
    let (nodes, problems) = Parser::new(config).parse_recoverable(tokens).split_vec();
    let mut view = View::default();
    let drawn = match nodes.as_slice() {
        [] => quote! { crate::ui::IntoView::into_any(()) },
        [Node::Text(text)] => {
            let text = &text.value;
            quote! { crate::ui::IntoView::into_any(#text) }
        }
        [one @ (Node::Element(_) | Node::Block(_))] if !is_html(one) => {
            let part = part(one)?;
            quote! { crate::ui::IntoView::into_any(#part) }
        }
        nodes => {
            for node in nodes {
                view.node(node, false)?;
            }
            view.drawn()
        }
    };
    let problems = problems
        .into_iter()
        .map(|problem| problem.emit_as_expr_tokens());
    Ok(quote! { { #(#problems;)* #drawn } })
}

fn is_html(node: &Node) -> bool {
    matches!(node, Node::Element(element) if !is_component(element))
}

#[derive(Default)]
struct View {
    shape: Shape,
    slots: Vec<TokenStream>,
}

impl View {
    fn drawn(self) -> TokenStream {
        let Self { shape, slots } = self;
        let (shape, count) = (shape.0, slots.len());
        if slots.is_empty() {
            return quote! { crate::ui::Drawing::of(#shape) };
        }
        quote! {
            {
                let mut drawing = crate::ui::Drawing::new(#shape, #count);
                #(drawing #slots;)*
                drawing.done()
            }
        }
    }

    fn node(&mut self, node: &Node, in_svg: bool) -> Result<()> {
        match node {
            Node::Element(element) if !is_component(element) => self.element(element, in_svg),
            Node::Fragment(fragment) => fragment
                .children
                .iter()
                .try_for_each(|node| self.node(node, in_svg)),
            Node::Text(text) if fits(&text.value_string()) => {
                self.shape.push(Step::Text, &text.value_string());
                Ok(())
            }
            Node::Comment(_) => Ok(()),
            node => {
                let part = part(node)?;
                self.shape.push(Step::Part, "");
                self.slots.push(quote! { .part(#part) });
                Ok(())
            }
        }
    }

    fn element(&mut self, element: &Element, in_svg: bool) -> Result<()> {
        let tag = element.name().to_string();
        if tag.contains(':') {
            return Err(Error::new_spanned(
                element.name(),
                "no such element is supported",
            ));
        }
        let is_svg = in_svg || is_svg(&tag);
        let open = if is_svg { Step::OpenSvg } else { Step::Open };
        self.shape.push(open, &tag);
        for attribute in element.attributes() {
            match &attribute {
                NodeAttribute::Attribute(attribute) => self.attribute(attribute)?,
                NodeAttribute::Block(block) => return Err(no_spread(block)),
            }
        }
        let in_svg = is_svg && tag != "foreignObject";
        for child in &element.children {
            self.node(child, in_svg)?;
        }
        self.shape.push(Step::Close, "");
        Ok(())
    }

    fn attribute(&mut self, attribute: &KeyedAttribute) -> Result<()> {
        let key = attribute.key.to_string();
        let value = attribute.value();
        if let Some((kind, name)) = key.split_once(':') {
            let Some(value) = value else {
                return Err(Error::new_spanned(&attribute.key, "a value is missing"));
            };
            return self.special(kind, name, attribute, value);
        }
        if key == "node_ref" {
            self.shape.push(Step::Reference, "");
            let value = braceless(
                value.map(ToTokens::to_token_stream).unwrap_or_default(),
                value,
            );
            self.slots.push(quote! { .reference(#value) });
            return Ok(());
        }
        if key == "inner_html" {
            let sentence = "`inner_html` is not supported: texts are text nodes";
            return Err(Error::new_spanned(&attribute.key, sentence));
        }
        match value.map(literal) {
            None => {
                self.shape.push(Step::Name, &key);
                self.shape.push(Step::Is, "");
            }
            Some(Some(text)) if fits(&text) => {
                self.shape.push(Step::Name, &key);
                self.shape.push(Step::Is, &text);
            }
            Some(_) => {
                self.shape.push(Step::Attribute, &key);
                let value = braceless(value.to_token_stream(), value);
                self.slots.push(quote! { .value(#value) });
            }
        }
        Ok(())
    }

    fn special(
        &mut self,
        kind: &str,
        name: &str,
        attribute: &KeyedAttribute,
        value: &Expr,
    ) -> Result<()> {
        let step = match kind {
            "class" => Step::Class,
            "style" => Step::Style,
            "prop" => Step::Property,
            "on" => Step::Listener,
            _ => {
                let sentence = format!("`{kind}:` is not supported");
                return Err(Error::new_spanned(&attribute.key, sentence));
            }
        };
        self.shape.push(step, name);
        let tokens = braceless(value.to_token_stream(), Some(value));
        if kind == "on" {
            let event = Ident::new(name, attribute.key.span());
            self.slots
                .push(quote! { .on(::leptos::ev::#event, #tokens) });
        } else {
            self.slots.push(quote! { .value(#tokens) });
        }
        Ok(())
    }
}

/// What a part is drawn with.
fn part(node: &Node) -> Result<TokenStream> {
    match node {
        Node::Element(element) => component(element),
        Node::Text(text) => Ok(text.value.to_token_stream()),
        Node::Block(NodeBlock::ValidBlock(block)) => Ok(match block.stmts.as_slice() {
            [Stmt::Expr(expression, None)] => expression.to_token_stream(),
            _ => block.to_token_stream(),
        }),
        Node::Block(NodeBlock::Invalid(block)) => Ok(block.to_token_stream()),
        node => Err(Error::new_spanned(
            node,
            "only elements, components, \"texts\" and {expressions} are supported",
        )),
    }
}

fn is_component(element: &Element) -> bool {
    let name = element.name().to_string();
    let last = name.rsplit("::").next().unwrap_or_default();
    last.starts_with(char::is_uppercase)
}

fn component(element: &Element) -> Result<TokenStream> {
    let name = element.name();
    let known = name.to_string();
    if matches!(
        known.as_str(),
        "Show" | "For" | "ForEnumerate" | "Suspense" | "Transition" | "Portal"
    ) {
        let sentence = format!("`<{known}>` is not supported: use `dynamic` and `rows`");
        return Err(Error::new_spanned(name, sentence));
    }
    if let Some(child) = element.children.first() {
        return Err(Error::new_spanned(child, "a component takes no children"));
    }
    let mut fields = Vec::new();
    for attribute in element.attributes() {
        let NodeAttribute::Attribute(attribute) = attribute else {
            return Err(Error::new_spanned(
                attribute,
                "spread attributes are not supported",
            ));
        };
        let key = attribute.key.to_string();
        if key.contains([':', '-']) {
            let sentence = "a component takes no attributes, only arguments";
            return Err(Error::new_spanned(&attribute.key, sentence));
        }
        let field = format_ident!("{key}", span = attribute.key.span());
        let value = attribute.value();
        let value = value.map(|value| braceless(value.to_token_stream(), Some(value)));
        // The short form wherever it is the same: lints see what is written here.
        fields.push(match value.filter(|value| value.to_string() != key) {
            Some(value) => quote! { #field: #value },
            None => quote! { #field },
        });
    }
    let span = name.span();
    if fields.is_empty() {
        return Ok(quote_spanned! { span => #name() });
    }
    Ok(quote_spanned! { span => #name(#name { #(#fields),* }) })
}

/// What is written as it is.
fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => Some(number.base10_digits().to_owned()),
        _ => None,
    }
}

/// `{value}` is `value`.
fn braceless(tokens: TokenStream, value: Option<&Expr>) -> TokenStream {
    match value {
        Some(Expr::Block(block)) if block.label.is_none() && block.attrs.is_empty() => {
            match block.block.stmts.as_slice() {
                [Stmt::Expr(expression, None)] => expression.to_token_stream(),
                _ => tokens,
            }
        }
        _ => tokens,
    }
}

fn no_spread(block: &NodeBlock) -> Error {
    let span: Span = block.span();
    Error::new(span, "spread attributes are not supported")
}
