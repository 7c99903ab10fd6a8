//! Module declarations, and paths in `use`.

use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, UseTree};

use super::{Raw, Target};
use crate::judges::rust::{parse, place, release_spans};

pub(super) fn read(text: &str) -> Raw {
    let Ok((file, skipped)) = parse(text) else { return Raw::default() };
    let mut reader = Reader { raw: Raw::default(), inside: Vec::new(), skipped };
    reader.items(&file.items);
    release_spans(file);
    reader.raw
}

struct Reader {
    raw: Raw,
    inside: Vec<String>,
    skipped: usize,
}

impl Reader {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        if self.inside.is_empty() {
            self.provide(item);
        }
        match item {
            Item::Mod(module) => self.module(module),
            Item::Use(one) if !is_conditional(&one.attrs) => self.uses(&one.tree, &mut Vec::new()),
            _ => {}
        }
    }

    fn module(&mut self, module: &ItemMod) {
        if is_conditional(&module.attrs) {
            return;
        }
        let name = module.ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        if let Some((_, items)) = &module.content {
            self.inside.push(name);
            self.items(items);
            self.inside.pop();
        } else {
            let path = path_attribute(&module.attrs);
            let target = Target::RustModule { inside: self.inside.clone(), name, path };
            self.raw.outgoing.push((place(module.ident.span(), self.skipped), target));
        }
    }

    /// Paths from the root of the crate, and relative ones outside of inline modules.
    fn uses(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.uses(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|one| self.uses(one, before)),
            UseTree::Name(name) if name.ident == "self" => self.used(before.clone(), tree),
            UseTree::Name(name) => {
                self.used([before.as_slice(), &[name.ident.to_string()]].concat(), tree);
            }
            UseTree::Rename(rename) if rename.ident == "self" => self.used(before.clone(), tree),
            UseTree::Rename(rename) => {
                self.used([before.as_slice(), &[rename.ident.to_string()]].concat(), tree);
            }
            UseTree::Glob(_) => self.used(before.clone(), tree),
        }
    }

    fn used(&mut self, path: Vec<String>, tree: &UseTree) {
        let is_ours = match path.first().map(String::as_str) {
            Some("crate") => true,
            Some("self" | "super") => self.inside.is_empty(),
            _ => false,
        };
        if is_ours && path.len() > 1 {
            self.raw.outgoing.push((place(tree.span(), self.skipped), Target::RustPath(path)));
        }
    }

    fn provide(&mut self, item: &Item) {
        let name = match item {
            Item::Const(one) => &one.ident,
            Item::Enum(one) => &one.ident,
            Item::Fn(one) => &one.sig.ident,
            Item::Mod(one) => &one.ident,
            Item::Static(one) => &one.ident,
            Item::Struct(one) => &one.ident,
            Item::Trait(one) => &one.ident,
            Item::TraitAlias(one) => &one.ident,
            Item::Type(one) => &one.ident,
            Item::Union(one) => &one.ident,
            Item::ExternCrate(one) => one.rename.as_ref().map_or(&one.ident, |(_, name)| name),
            Item::Use(one) => return self.provide_used(&one.tree),
            Item::Macro(one) => {
                self.raw.provided.extend(one.ident.as_ref().map(ToString::to_string));
                // A macro that is called here may make items of any name.
                self.raw.is_open |= one.ident.is_none();
                return;
            }
            _ => return,
        };
        self.raw.provided.push(name.to_string());
    }

    fn provide_used(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) if matches!(&*path.tree, UseTree::Name(name) if name.ident == "self") =>
            {
                self.raw.provided.push(path.ident.to_string());
            }
            UseTree::Path(path) => {
                if let UseTree::Group(group) = &*path.tree
                    && group
                        .items
                        .iter()
                        .any(|one| matches!(one, UseTree::Name(name) if name.ident == "self"))
                {
                    self.raw.provided.push(path.ident.to_string());
                }
                self.provide_used(&path.tree);
            }
            UseTree::Group(group) => group.items.iter().for_each(|one| self.provide_used(one)),
            UseTree::Name(name) => self.raw.provided.push(name.ident.to_string()),
            UseTree::Rename(rename) => self.raw.provided.push(rename.rename.to_string()),
            UseTree::Glob(_) => self.raw.is_open = true,
        }
    }
}

/// What is behind `cfg` or a macro may not be there at all.
fn is_conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|one| one.path().is_ident("cfg") || one.path().is_ident("cfg_attr"))
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|one| one.path().is_ident("path")).and_then(|one| match &one.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}
