//! What syn takes and the compiler refuses: bodies of the standard macros, forms
//! kept for unstable Rust, and literals with a suffix that no number has.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, Lit, Macro, Pat, Token};

use super::rust::place;
use crate::text::Found;

/// What is wrong in a file that syn has parsed.
pub(super) fn judge(file: &syn::File, skipped: usize) -> Vec<Found> {
    let mut auditor = Auditor { skipped, own_macros: Vec::new(), found: Vec::new() };
    OwnMacros(&mut auditor.own_macros).visit_file(file);
    auditor.visit_file(file);
    auditor.found
}

/// Names of macros that the file itself defines, which may take anything.
struct OwnMacros<'a>(&'a mut Vec<String>);

impl Visit<'_> for OwnMacros<'_> {
    fn visit_item_macro(&mut self, item: &syn::ItemMacro) {
        self.0.extend(item.ident.as_ref().map(ToString::to_string));
    }
}

struct Auditor {
    skipped: usize,
    own_macros: Vec<String>,
    found: Vec<Found>,
}

impl Auditor {
    fn report(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Found::new(place(span, self.skipped), message));
    }

    /// A form that stable Rust does not have. With an attribute before it, it may be the input of a macro.
    fn unknown_form(&mut self, tokens: &TokenStream, what: &str) {
        // A second semicolon is an expression without tokens.
        let is_fine = tokens.is_empty() || tokens.to_string().starts_with('#');
        if !is_fine {
            self.report(tokens.span(), format!("this is no {what} of stable Rust"));
        }
    }

    fn body(&mut self, mac: &Macro) {
        let Some(name) = mac.path.get_ident().map(ToString::to_string) else { return };
        if self.own_macros.contains(&name) {
            return;
        }
        let Some(result) = parse_body(&name, mac.tokens.clone()) else { return };
        match result {
            Ok(parts) => parts.iter().for_each(|part| self.visit_expr(part)),
            Err(error) => {
                let at = place(error.span(), self.skipped);
                self.found.push(Found::new(at, format!("{error}, in the body of `{name}!`")));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Auditor {
    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.body(mac);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Verbatim(tokens) => self.unknown_form(tokens, "item"),
            syn::Item::Macro(item)
                if let Some(name) = &item.ident
                    && !item.mac.path.is_ident("macro_rules") =>
            {
                self.report(name.span(), "expected a bracket with the body of the macro");
            }
            other => visit::visit_item(self, other),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        match item {
            syn::ImplItem::Verbatim(tokens) => self.unknown_form(tokens, "item of an `impl`"),
            other => visit::visit_impl_item(self, other),
        }
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        match item {
            syn::TraitItem::Verbatim(tokens) => self.unknown_form(tokens, "item of a trait"),
            other => visit::visit_trait_item(self, other),
        }
    }

    fn visit_foreign_item(&mut self, item: &'ast syn::ForeignItem) {
        match item {
            syn::ForeignItem::Verbatim(tokens) => self.unknown_form(tokens, "foreign item"),
            other => visit::visit_foreign_item(self, other),
        }
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Verbatim(tokens) => self.unknown_form(tokens, "expression"),
            other => visit::visit_expr(self, other),
        }
    }

    fn visit_type(&mut self, of: &'ast syn::Type) {
        match of {
            syn::Type::Verbatim(tokens) => self.unknown_form(tokens, "type"),
            other => visit::visit_type(self, other),
        }
    }

    fn visit_pat(&mut self, pat: &'ast Pat) {
        match pat {
            Pat::Verbatim(tokens) => self.unknown_form(tokens, "pattern"),
            other => visit::visit_pat(self, other),
        }
    }

    fn visit_lit(&mut self, lit: &'ast Lit) {
        if let Some(message) = literal(lit) {
            self.report(lit.span(), message);
        }
    }
}

const INTEGERS: &[&str] = &[
    "", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
    "f32", "f64",
];

fn literal(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Int(int) if !INTEGERS.contains(&int.suffix()) => {
            Some(format!("no number has the suffix `{}`", int.suffix()))
        }
        Lit::Int(int) if int.base10_digits().parse::<u128>().is_err() => {
            Some("the number is too large for any integer".to_owned())
        }
        Lit::Float(float) if !matches!(float.suffix(), "" | "f32" | "f64") => {
            Some(format!("no number has the suffix `{}`", float.suffix()))
        }
        Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_) | Lit::Byte(_) | Lit::Char(_)
            if !lit.suffix().is_empty() =>
        {
            Some(format!("a literal of this kind has no suffix, and here is `{}`", lit.suffix()))
        }
        _ => None,
    }
}

/// The expressions in the body of a macro of the standard library; nothing for a name that is none.
fn parse_body(name: &str, body: TokenStream) -> Option<syn::Result<Vec<Expr>>> {
    match name {
        "print" | "println" | "eprint" | "eprintln" | "format" | "format_args" | "write"
        | "writeln" | "panic" | "todo" | "unimplemented" | "unreachable" | "assert"
        | "assert_eq" | "assert_ne" | "debug_assert" | "debug_assert_eq" | "debug_assert_ne"
        | "dbg" => Some(list.parse2(body)),
        "vec" => Some(vector.parse2(body)),
        "matches" => Some(matches.parse2(body)),
        _ => None,
    }
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    Ok(Punctuated::<Expr, Token![,]>::parse_terminated(input)?.into_iter().collect())
}

fn vector(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let first: Expr = input.parse()?;
    if input.parse::<Option<Token![;]>>()?.is_some() {
        return Ok(vec![first, input.parse()?]);
    }
    let mut parts = vec![first];
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            parts.push(input.parse()?);
        }
    }
    Ok(parts)
}

fn matches(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let mut parts = vec![input.parse()?];
    input.parse::<Token![,]>()?;
    Pat::parse_multi_with_leading_vert(input)?;
    if input.parse::<Option<Token![if]>>()?.is_some() {
        parts.push(input.parse()?);
    }
    input.parse::<Option<Token![,]>>()?;
    Ok(parts)
}
