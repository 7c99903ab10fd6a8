//! What Python's compiler refuses after its parser: `return` outside of a
//! function, `break` outside of a loop, names declared twice. The rules are
//! ruff's; this module tells them in which scope each statement stands.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Mod, PythonVersion, Stmt};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
};
use ruff_text_size::{Ranged, TextRange};

use super::python::bytes;
use crate::text::Found;

/// What is wrong with a module that parses.
pub(super) fn judge(text: &str, module: &Mod) -> Vec<Found> {
    let Mod::Module(module) = module else { return Vec::new() };
    let mut walker = Walker {
        checker: SemanticSyntaxChecker::new(),
        place: Place {
            text,
            has_globals: text.contains("global"),
            future_annotations: has_future_annotations(&module.body),
            scopes: vec![Scope::module()],
            loops: 0,
            tries: 0,
            found: RefCell::default(),
        },
    };
    walker.visit_body(&module.body);
    let errors = walker.place.found.into_inner();
    errors.iter().map(|error| Found::new(bytes(error.range), error.to_string())).collect()
}

fn has_future_annotations(body: &[Stmt]) -> bool {
    body.iter().filter_map(Stmt::as_import_from_stmt).any(|import| {
        import.module.as_deref() == Some("__future__")
            && import.names.iter().any(|alias| alias.name.as_str() == "annotations")
    })
}

struct Walker<'a> {
    checker: SemanticSyntaxChecker,
    place: Place<'a>,
}

/// Where the walk stands.
struct Place<'a> {
    text: &'a str,
    has_globals: bool,
    future_annotations: bool,
    scopes: Vec<Scope<'a>>,
    /// Loops that are open in the innermost scope.
    loops: usize,
    tries: usize,
    found: RefCell<Vec<SemanticSyntaxError>>,
}

struct Scope<'a> {
    kind: Kind<'a>,
    /// Names that a `global` statement of this scope lists, and where.
    globals: HashMap<&'a str, TextRange>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Module,
    Class,
    Function(&'a ast::StmtFunctionDef),
    Lambda(&'a ast::ExprLambda),
    /// A generator expression, or else a list, set or dictionary made by one.
    Comprehension {
        is_async: bool,
        is_generator: bool,
    },
}

impl<'a> Scope<'a> {
    fn module() -> Self {
        Self { kind: Kind::Module, globals: HashMap::new() }
    }

    fn with_body(kind: Kind<'a>, body: &'a [Stmt], has_globals: bool) -> Self {
        let mut globals = Globals::default();
        if has_globals {
            globals.visit_body(body);
        }
        Self { kind, globals: globals.0 }
    }
}

/// Collects the `global` statements of one scope.
#[derive(Default)]
struct Globals<'a>(HashMap<&'a str, TextRange>);

impl<'a> Visitor<'a> for Globals<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Global(global) => {
                self.0.extend(global.names.iter().map(|name| (name.as_str(), global.range())));
            }
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            other => visitor::walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

impl<'a> Walker<'a> {
    /// Visits `inside` in a scope of its own, in which no loop is open.
    fn within(&mut self, scope: Scope<'a>, inside: impl FnOnce(&mut Self)) {
        self.place.scopes.push(scope);
        let loops = std::mem::take(&mut self.place.loops);
        let tries = std::mem::take(&mut self.place.tries);
        inside(self);
        self.place.tries = tries;
        self.place.loops = loops;
        self.place.scopes.pop();
    }

    fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        if let Some(parameters) = &function.type_params {
            self.visit_type_params(parameters);
        }
        self.visit_parameters(&function.parameters);
        if let Some(returns) = &function.returns {
            self.visit_annotation(returns);
        }
        let scope =
            Scope::with_body(Kind::Function(function), &function.body, self.place.has_globals);
        self.within(scope, |walker| walker.visit_body(&function.body));
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        if let Some(parameters) = &class.type_params {
            self.visit_type_params(parameters);
        }
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
        }
        let scope = Scope::with_body(Kind::Class, &class.body, self.place.has_globals);
        self.within(scope, |walker| walker.visit_body(&class.body));
    }

    fn looped(&mut self, body: &'a [Stmt], orelse: &'a [Stmt]) {
        self.place.loops += 1;
        self.visit_body(body);
        self.place.loops -= 1;
        self.visit_body(orelse);
    }

    /// The first iterable belongs to the scope outside, all else to the comprehension.
    fn comprehension(
        &mut self,
        generators: &'a [ast::Comprehension],
        results: &[Option<&'a Expr>],
        is_generator: bool,
    ) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let is_async = generators.iter().any(|generator| generator.is_async);
        let kind = Kind::Comprehension { is_async, is_generator };
        self.within(Scope { kind, globals: HashMap::new() }, |walker| {
            for (index, generator) in generators.iter().enumerate() {
                if index > 0 {
                    walker.visit_expr(&generator.iter);
                }
                walker.visit_expr(&generator.target);
                generator.ifs.iter().for_each(|condition| walker.visit_expr(condition));
            }
            results.iter().flatten().for_each(|result| walker.visit_expr(result));
        });
    }
}

impl<'a> Visitor<'a> for Walker<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.checker.visit_stmt(stmt, &self.place);
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::For(one) => {
                self.visit_expr(&one.iter);
                self.visit_expr(&one.target);
                self.looped(&one.body, &one.orelse);
            }
            Stmt::While(one) => {
                self.visit_expr(&one.test);
                self.looped(&one.body, &one.orelse);
            }
            Stmt::Try(_) => {
                self.place.tries += 1;
                visitor::walk_stmt(self, stmt);
                self.place.tries -= 1;
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.checker.visit_expr(expr, &self.place);
        match expr {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let scope = Scope { kind: Kind::Lambda(lambda), globals: HashMap::new() };
                self.within(scope, |walker| walker.visit_expr(&lambda.body));
            }
            Expr::ListComp(one) => self.comprehension(&one.generators, &[Some(&one.elt)], false),
            Expr::SetComp(one) => self.comprehension(&one.generators, &[Some(&one.elt)], false),
            Expr::Generator(one) => self.comprehension(&one.generators, &[Some(&one.elt)], true),
            Expr::DictComp(one) => {
                let results = [one.key.as_deref(), Some(&*one.value)];
                self.comprehension(&one.generators, &results, false);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}

impl<'a> Place<'a> {
    /// The scopes around the walk, innermost first.
    fn outwards(&self) -> impl Iterator<Item = Kind<'a>> {
        self.scopes.iter().rev().map(|scope| scope.kind)
    }

    fn innermost(&self) -> Kind<'a> {
        self.outwards().next().unwrap_or(Kind::Module)
    }
}

impl SemanticSyntaxContext for Place<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.future_annotations
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        match self.innermost() {
            Kind::Function(_) | Kind::Lambda(_) => Some(LazyImportContext::Function),
            Kind::Class => Some(LazyImportContext::Class),
            _ => (self.tries > 0).then_some(LazyImportContext::TryExceptBlocks),
        }
    }

    fn python_version(&self) -> PythonVersion {
        PythonVersion::latest()
    }

    fn source(&self) -> &str {
        self.text
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        self.scopes.last()?.globals.get(name).copied()
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        self.outwards().skip(1).any(|kind| match kind {
            Kind::Function(function) => {
                let mut bound = Bound(HashSet::new());
                bound.parameters(&function.parameters);
                bound.visit_body(&function.body);
                bound.0.contains(name)
            }
            Kind::Lambda(lambda) => {
                lambda.parameters.as_ref().is_some_and(|all| all.includes(name))
            }
            _ => false,
        })
    }

    fn in_async_context(&self) -> bool {
        self.outwards()
            .find_map(|kind| match kind {
                Kind::Class | Kind::Lambda(_) => Some(false),
                Kind::Function(function) => Some(function.is_async),
                Kind::Module | Kind::Comprehension { .. } => None,
            })
            .unwrap_or(false)
    }

    fn in_await_allowed_context(&self) -> bool {
        self.outwards()
            .find_map(|kind| match kind {
                Kind::Class => Some(false),
                Kind::Function(_)
                | Kind::Lambda(_)
                | Kind::Comprehension { is_generator: true, .. } => Some(true),
                Kind::Module | Kind::Comprehension { .. } => None,
            })
            .unwrap_or(false)
    }

    fn in_yield_allowed_context(&self) -> bool {
        matches!(self.innermost(), Kind::Function(_) | Kind::Lambda(_))
    }

    fn in_sync_comprehension(&self) -> bool {
        self.outwards().any(|kind| {
            matches!(kind, Kind::Comprehension { is_async: false, is_generator: false })
        })
    }

    fn in_class_body_comprehension(&self) -> bool {
        self.outwards()
            .find(|kind| !matches!(kind, Kind::Comprehension { .. }))
            .is_some_and(|kind| matches!(kind, Kind::Class))
    }

    fn in_module_scope(&self) -> bool {
        matches!(self.innermost(), Kind::Module)
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.innermost(), Kind::Function(_))
    }

    fn in_generator_context(&self) -> bool {
        self.outwards().any(|kind| matches!(kind, Kind::Comprehension { is_generator: true, .. }))
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.found.borrow_mut().push(error);
    }

    fn in_loop_context(&self) -> bool {
        self.loops > 0
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.outwards()
            .find_map(|kind| match kind {
                Kind::Class => Some(false),
                Kind::Function(function) => Some(function.parameters.includes(name)),
                Kind::Lambda(lambda) => {
                    Some(lambda.parameters.as_ref().is_some_and(|all| all.includes(name)))
                }
                Kind::Module | Kind::Comprehension { .. } => None,
            })
            .unwrap_or(false)
    }
}

/// The names that a function binds, for the sake of a `nonlocal` inside of it.
struct Bound<'a>(HashSet<&'a str>);

impl<'a> Bound<'a> {
    fn parameters(&mut self, parameters: &'a ast::Parameters) {
        self.0.extend(parameters.iter().map(|parameter| parameter.name().as_str()));
    }
}

impl<'a> Visitor<'a> for Bound<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.0.insert(function.name.as_str());
            }
            Stmt::ClassDef(class) => {
                self.0.insert(class.name.as_str());
            }
            // What an enclosing function takes from outside is looked up there.
            Stmt::Nonlocal(_) | Stmt::Global(_) => {}
            other => visitor::walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if !name.ctx.is_load() => {
                self.0.insert(name.id.as_str());
            }
            Expr::Lambda(_) => {}
            other => visitor::walk_expr(self, other),
        }
    }

    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.0.insert(name.split('.').next().unwrap_or(name));
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(inner) = handler;
        self.0.extend(inner.name.as_ref().map(ast::Identifier::as_str));
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        match pattern {
            ast::Pattern::MatchAs(one) => {
                self.0.extend(one.name.as_ref().map(ast::Identifier::as_str));
            }
            ast::Pattern::MatchStar(one) => {
                self.0.extend(one.name.as_ref().map(ast::Identifier::as_str));
            }
            ast::Pattern::MatchMapping(one) => {
                self.0.extend(one.rest.as_ref().map(ast::Identifier::as_str));
            }
            _ => {}
        }
        visitor::walk_pattern(self, pattern);
    }
}
