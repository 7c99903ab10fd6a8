//! Modules that Python imports.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Mod, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{Raw, Target};
use crate::judges::python::{bytes, parse};

pub(super) fn read(text: &str) -> Raw {
    let parsed = parse(text);
    let Mod::Module(module) = parsed.syntax() else { return Raw::default() };
    let mut reader = Reader { raw: Raw::default(), depth: 0, tries: 0 };
    reader.visit_body(&module.body);
    reader.raw
}

struct Reader {
    raw: Raw,
    /// Functions and classes around.
    depth: usize,
    /// `try` around: an import that may fail is no claim.
    tries: usize,
}

impl Reader {
    fn provide(&mut self, name: &str) {
        if self.depth == 0 {
            self.raw.is_open |= name == "__getattr__" || name == "*";
            self.raw.provided.push(name.to_owned());
        }
    }

    fn import(&mut self, range: TextRange, level: u32, module: Option<&str>, names: Vec<String>) {
        if self.tries == 0 {
            let module = module
                .map(|module| module.split('.').map(str::to_owned).collect())
                .unwrap_or_default();
            self.raw.outgoing.push((bytes(range), Target::PythonModule { level, module, names }));
        }
    }

    fn deeper<'a>(&mut self, name: &str, stmt: &'a Stmt)
    where
        Self: Visitor<'a>,
    {
        self.provide(name);
        self.depth += 1;
        visitor::walk_stmt(self, stmt);
        self.depth -= 1;
    }
}

impl<'a> Visitor<'a> for Reader {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias.range(), 0, Some(&alias.name), Vec::new());
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.provide(bound.split('.').next().unwrap_or(bound));
                }
            }
            Stmt::ImportFrom(import) => {
                let names: Vec<String> = import
                    .names
                    .iter()
                    .map(|alias| alias.name.to_string())
                    .filter(|name| name != "*")
                    .collect();
                self.import(import.range(), import.level, import.module.as_deref(), names);
                for alias in &import.names {
                    self.provide(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            Stmt::FunctionDef(function) => self.deeper(&function.name, stmt),
            Stmt::ClassDef(class) => self.deeper(&class.name, stmt),
            Stmt::TypeAlias(alias) => {
                if let Expr::Name(name) = &*alias.name {
                    self.provide(&name.id);
                }
            }
            Stmt::Try(_) => {
                self.tries += 1;
                visitor::walk_stmt(self, stmt);
                self.tries -= 1;
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(ast::ExprName { id, ctx, .. }) if ctx.is_store() => self.provide(id),
            // `globals()["x"] = 1` gives any name.
            Expr::Call(call) if matches!(&*call.func, Expr::Name(name) if name.id == "globals") => {
                self.raw.is_open = true;
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}
