//! `fn Name(a: A) -> impl IntoView` becomes a function of a struct of the same name, which holds the arguments: one
//! import brings both.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, Pat, Result};

/// The two.
pub fn expand(function: TokenStream) -> Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(function)?;
    let (vis, name) = (function.vis.clone(), function.sig.ident.clone());
    if !function.sig.generics.params.is_empty() {
        let generics = &function.sig.generics;
        return Err(Error::new_spanned(generics, "a component is not generic"));
    }
    let mut fields = Vec::new();
    let mut names = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            return Err(Error::new_spanned(argument, "a component is no method"));
        };
        if let Some(attribute) = argument.attrs.first() {
            let sentence = "every argument of a component is needed: options are not supported";
            return Err(Error::new_spanned(attribute, sentence));
        }
        let Pat::Ident(pattern) = &*argument.pat else {
            return Err(Error::new_spanned(&argument.pat, "an argument is a name"));
        };
        let (field, ty) = (&pattern.ident, &argument.ty);
        let doc = format!("`{field}=`");
        fields.push(quote! { #[doc = #doc] #vis #field: #ty });
        names.push(field.clone());
    }
    let attributes = std::mem::take(&mut function.attrs);
    function.vis = syn::Visibility::Inherited;
    let body = format_ident!("__draw_{name}");
    function.sig.ident = body.clone();
    let doc = format!("What [`{name}()`] takes.");
    let (arguments, taken, made) = if names.is_empty() {
        (quote!(), quote!(), quote!())
    } else {
        let made = quote! { #[doc = #doc] #vis struct #name { #(#fields),* } };
        (quote!(of: #name), quote!(#(of.#names),*), made)
    };
    Ok(quote! {
        #made
        #(#attributes)*
        #[allow(non_snake_case)]
        #vis fn #name(#arguments) -> crate::ui::AnyView {
            // A view is as long as what it shows.
            #[allow(clippy::too_many_lines)]
            #function
            crate::ui::component(move || #body(#taken))
        }
    })
}
