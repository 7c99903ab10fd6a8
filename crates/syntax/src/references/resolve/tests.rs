use super::{FileReferences, Tree, resolve};
use crate::{Language, references};

/// Files as `path: content`, and what dangles, as `path: message`, one a line.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let read: Vec<_> = files
        .iter()
        .filter_map(|(path, text)| Language::of_path(path).map(|language| (*path, language, text)))
        .map(|(path, language, text)| {
            (path, language, references(language, text.as_bytes()).expect(path))
        })
        .collect();
    let known: Vec<FileReferences<'_>> = read
        .iter()
        .map(|(path, language, references)| FileReferences {
            path,
            language: *language,
            references,
        })
        .collect();
    let mut tree = Tree::new(files.iter().map(|(path, _)| *path));
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with("go.mod")) {
        tree = tree.with_go_module(path, text);
    }
    let found: Vec<String> =
        resolve(&tree, &known).iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_module_of_rust_is_a_file_beside_or_below() {
    check(
        &[
            (
                "src/lib.rs",
                "mod a; mod b; mod gone; #[cfg(test)] mod tests; mod inline { mod deep; }",
            ),
            ("src/a.rs", "mod inner;"),
            ("src/a/inner.rs", ""),
            ("src/b/mod.rs", "mod other;"),
        ],
        &[
            "src/lib.rs: there is no file for the module `gone`: no `src/gone.rs`",
            "src/lib.rs: there is no file for the module `deep`: no `src/inline/deep.rs`",
            "src/b/mod.rs: there is no file for the module `other`: no `src/b/other.rs`",
        ],
    );
}

#[test]
fn a_path_of_rust_leads_to_an_item() {
    check(
        &[
            ("src/lib.rs", "mod a; pub mod b; pub use a::Thing;"),
            (
                "src/a.rs",
                "use crate::b::{Known, Unknown, self}; use super::{Thing, Nothing}; pub struct Thing;",
            ),
            (
                "src/b.rs",
                "pub struct Known; use crate::gone::X; use std::fmt; use crate::open::Any;",
            ),
            ("src/open.rs", "make! { Any }"),
        ],
        &[
            "src/a.rs: the module in `src/b.rs` has no `Unknown`",
            "src/a.rs: the module in `src/lib.rs` has no `Nothing`",
            "src/b.rs: the module in `src/lib.rs` has no `gone`",
            "src/b.rs: the module in `src/lib.rs` has no `open`",
        ],
    );
}

#[test]
fn a_specifier_may_name_what_it_is_compiled_to() {
    check(
        &[
            (
                "src/a.ts",
                "import { B, C } from './b.js'; import './c'; import fs from 'fs'; export * from '../gone';",
            ),
            ("src/b.ts", "export interface B {}"),
            ("src/c/index.tsx", "export default 1; const lazy = import('./late.js');"),
        ],
        &[
            "src/a.ts: `src/b.ts` exports no `C`",
            "src/a.ts: there is no module `../gone`: no file `gone` with any ending",
            "src/c/index.tsx: there is no module `./late.js`: no file `src/c/late.js` with any ending",
        ],
    );
}

#[test]
fn python_finds_modules_by_dots_and_by_packages() {
    check(
        &[
            ("shop/__init__.py", "from .orders import Order"),
            (
                "shop/orders.py",
                "import json\nimport shop.lines\nfrom shop import Order, orders, Nope\nclass Order: pass\n",
            ),
            ("shop/sub/__init__.py", "from ..orders import Order, Other\nfrom ...out import x\n"),
            ("shop/json.py", ""),
        ],
        &[
            "shop/orders.py: there is no module `shop.lines`: no file `shop/lines.py`",
            "shop/orders.py: `shop/__init__.py` has no `Nope`",
            "shop/sub/__init__.py: `shop/orders.py` has no `Other`",
        ],
    );
}

#[test]
fn files_are_found_from_the_file_or_from_a_root() {
    check(
        &[
            (
                "schema/a.json",
                r##"{"$ref": "b.json#/x", "p": {"$ref": "#/y"}, "q": {"$ref": "../gone.json"}}"##,
            ),
            ("schema/b.json", "{}"),
            (
                "proto/shop/v1/a.proto",
                "syntax = \"proto3\"; import \"shop/v1/b.proto\"; import \"google/protobuf/any.proto\"; import \"none.proto\";",
            ),
            ("proto/shop/v1/b.proto", "syntax = \"proto3\";"),
            ("sql/all.sql", "\\ir one.sql\n\\ir 'two.sql'\n"),
            ("sql/one.sql", "SELECT 1;"),
        ],
        &[
            "schema/a.json: there is no file `gone.json`",
            "proto/shop/v1/a.proto: there is no file `none.proto` below any folder of the tree",
            "sql/all.sql: there is no file `sql/two.sql`",
        ],
    );
}

#[test]
fn packages_of_java_kotlin_and_go_are_found_by_their_names() {
    check(
        &[
            (
                "A.java",
                "package shop; import shop.B; import shop.Gone; import java.util.List; import static shop.B.make; class A {}",
            ),
            ("B.java", "package shop; public class B { static void make() {} }"),
            (
                "C.kt",
                "package shop.sub\nimport shop.A\nimport shop.Nope as N\nimport shop.*\nclass C\n",
            ),
            ("go.mod", "module example.com/shop\n"),
            (
                "main.go",
                "package main\nimport (\n\"fmt\"\n\"example.com/shop/sub\"\nx \"example.com/shop/gone\"\n)\n",
            ),
            ("sub/sub.go", "package sub\n"),
        ],
        &[
            "A.java: the package `shop` has no `Gone`",
            "C.kt: the package `shop` has no `Nope`",
            "main.go: there is no package `example.com/shop/gone`: no file of Go in `gone`",
        ],
    );
}
