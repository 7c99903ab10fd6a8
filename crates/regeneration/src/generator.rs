//! A generator: a list of rows, and for each row an artifact.

use std::sync::Arc;

use evergen_artifact::Digest;
use evergen_knowledge::{Prefixes, Query, QueryError};
use toml::Spanned;

use crate::language::Languages;
use crate::report::Diagnostic;
use crate::rows::{RowSource, ViewRows};
use crate::settings::{OnEdit, RenderLimits};
use crate::suggest;
use crate::template::environment::Sandbox;
use crate::template::front_matter::{self, FrontMatter};
use crate::template::library::{Library, TemplateFile};
use crate::template::part::{PART, PARTS, Parts};
use crate::view::Views;

/// What every generator of a project is compiled with.
#[derive(Clone, Debug)]
pub(crate) struct Compilation {
    pub(crate) prefixes: Arc<Prefixes>,
    pub(crate) languages: Languages,
    pub(crate) views: Views,
    pub(crate) limits: RenderLimits,
    pub(crate) on_edit: OnEdit,
}

/// A compiled generator.
#[derive(Debug)]
pub(crate) struct Generator {
    /// Unique among all generators: the template's name, behind the pack's where it has one.
    pub(crate) name: Arc<str>,
    pub(crate) file: Arc<TemplateFile>,
    pub(crate) library: Arc<Library>,
    /// The folder below the output folder to which `to` is relative.
    pub(crate) folder: Option<Arc<str>>,
    /// What gives the rows; without it there is one row of no variables.
    pub(crate) list: Option<RowSource>,
    pub(crate) queries: Vec<NamedQuery>,
    /// The names of the template's context: the row's variables, then the queries, then
    /// the views, then `part` and `parts`, unless something else is called so.
    pub(crate) context: Arc<[Arc<str>]>,
    /// The parts that its artifacts have used.
    pub(crate) parts: Arc<Parts>,
    /// The views, but for those whose name a variable or a query has taken.
    pub(crate) views: Views,
    pub(crate) conditional: bool,
    pub(crate) sandbox: Sandbox,
    pub(crate) on_edit: OnEdit,
    pub(crate) critical: bool,
    pub(crate) depends_on: Vec<String>,
    /// What its own file says, with the settings that rule all generators.
    pub(crate) digest: Digest,
}

/// One of a generator's named queries, pre-bound with the row.
#[derive(Debug)]
pub(crate) struct NamedQuery {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) query: Query,
    pub(crate) variables: Arc<[Arc<str>]>,
}

/// The name under which the output path is compiled.
const TO: &str = "\u{0}to";
/// The name under which the condition is compiled.
const WHEN: &str = "\u{0}when";

impl Generator {
    /// Compiles a template file that has front matter.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn compile(
        name: Arc<str>,
        file: Arc<TemplateFile>,
        front: &FrontMatter,
        library: Arc<Library>,
        folder: Option<Arc<str>>,
        with: &Compilation,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let own = front.language.as_ref().and_then(|language| {
            let profile = with.languages.get(language.get_ref());
            if profile.is_none() {
                problems.push(unknown_language(&file, language, &with.languages));
            }
            profile
        });
        let sandbox = Sandbox::new(&library, &with.prefixes, &with.languages, own, &with.limits);
        let list = compile_list(&file, front.for_each.as_ref(), with, &mut problems);
        let variables: Vec<Arc<str>> = list.iter().flat_map(RowSource::variables).collect();
        let queries = compile_queries(&file, front, &variables, with, &mut problems);
        let mut context: Vec<Arc<str>> =
            variables.iter().chain(queries.iter().map(|query| &query.name)).cloned().collect();
        let views = with.views.without(&context);
        context.extend(views.iter().map(|view| Arc::from(view.name())));
        // What is first found by a name hides what stands behind.
        context.extend([PART.into(), PARTS.into()]);
        let parts = Arc::new(Parts::of(&name));
        let mut generator = Self {
            name,
            library,
            folder,
            list,
            context: context.into(),
            queries,
            views,
            parts,
            conditional: front.when.is_some(),
            sandbox,
            on_edit: front.on_edit.unwrap_or(with.on_edit),
            critical: front.critical,
            depends_on: front.depends_on.iter().map(|name| name.get_ref().clone()).collect(),
            digest: file.digest,
            file,
        };
        generator.compile_templates(front, &mut problems);
        if problems.is_empty() { Ok(generator) } else { Err(problems) }
    }

    fn compile_templates(&mut self, front: &FrontMatter, problems: &mut Vec<Diagnostic>) {
        match &front.to {
            Some(to) => {
                let added = self.sandbox.environment.add_template_owned(TO, to.get_ref().clone());
                problems.extend(added.err().map(|error| self.diagnose(&error)));
            }
            None => problems.push(self.file.diagnose(
                "template::front_matter",
                "the front matter has no `to`: where the artifact is written".to_owned(),
                0..3,
            )),
        }
        if let Some(when) = &front.when {
            // Compiled alone first, so that an error speaks of the expression.
            let alone = self.sandbox.environment.compile_expression(when.get_ref()).map(drop);
            let added = alone.and_then(|()| {
                let text = format!("{{% if {} %}}1{{% endif %}}", when.get_ref());
                self.sandbox.environment.add_template_owned(WHEN, text)
            });
            problems.extend(added.err().map(|error| self.diagnose(&error)));
        }
        let mut found = Vec::new();
        // Without its queries, nobody knows a template's variables.
        let known = problems.is_empty();
        match self.sandbox.environment.get_template(&self.file.name) {
            Err(error) => found.push(self.diagnose(&error)),
            Ok(template) if known => found.extend(self.undeclared(&template)),
            Ok(_) => {}
        }
        for name in [TO, WHEN].into_iter().filter(|_| known) {
            if let Ok(template) = self.sandbox.environment.get_template(name) {
                found.extend(self.undeclared(&template));
            }
        }
        problems.append(&mut found);
    }

    /// Names that a template uses and nothing gives it.
    fn undeclared(&self, template: &minijinja::Template<'_, '_>) -> Vec<Diagnostic> {
        let globals: Vec<&str> = self.sandbox.environment.globals().map(|(name, _)| name).collect();
        let mut names: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !globals.contains(&name.as_str()))
            .filter(|name| !self.context.iter().any(|known| **known == **name))
            .collect();
        names.sort_unstable();
        let variables = self.list.iter().flat_map(RowSource::variables).count();
        let variables = variables + self.queries.len();
        let known: Vec<&str> = self.context[..variables].iter().map(AsRef::as_ref).collect();
        names
            .into_iter()
            .map(|name| self.unknown_name(&name, &known, template.name() != &*self.file.name))
            .collect()
    }

    fn unknown_name(&self, name: &str, known: &[&str], in_path: bool) -> Diagnostic {
        let start = if in_path { 0 } else { self.file.body };
        let position =
            find_word(&self.file.text[start..], name).map_or(start, |found| start + found);
        let help = if known.is_empty() {
            "the front matter has neither for_each nor queries, so the template has no variables"
                .to_owned()
        } else {
            suggest::instead(name, "template's variables", known.iter().copied())
        };
        self.file
            .diagnose(
                "template::undefined",
                format!("`{name}` is not defined"),
                position..position + name.len(),
            )
            .with_help(help)
    }

    /// Whether `when` wants an artifact for the context; without one, always.
    pub(crate) fn wants(&self, context: &minijinja::Value) -> Result<bool, minijinja::Error> {
        if !self.conditional {
            return Ok(true);
        }
        let template = self.sandbox.environment.get_template(WHEN)?;
        Ok(!self.sandbox.render(&template, context.clone())?.is_empty())
    }

    /// Where a query stands in the file; `for_each` is the one that gives the rows.
    pub(crate) fn query_span(&self, name: &str) -> std::ops::Range<usize> {
        let text = self.file.front.as_ref().and_then(|front| match name {
            "for_each" => front.for_each.as_ref(),
            name => {
                front.queries.iter().find(|(key, _)| key.get_ref() == name).map(|(_, text)| text)
            }
        });
        text.map_or(0..3, Spanned::span)
    }

    /// The template of the output path.
    pub(crate) fn path_template(&self) -> Result<minijinja::Template<'_, '_>, minijinja::Error> {
        self.sandbox.environment.get_template(TO)
    }

    /// The template of the body.
    pub(crate) fn body_template(&self) -> Result<minijinja::Template<'_, '_>, minijinja::Error> {
        self.sandbox.environment.get_template(&self.file.name)
    }

    /// Where and why a template failed, in terms of its file.
    pub(crate) fn diagnose(&self, error: &minijinja::Error) -> Diagnostic {
        let error = innermost(error);
        let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let code = match error.kind() {
            minijinja::ErrorKind::UndefinedError => "template::undefined",
            minijinja::ErrorKind::SyntaxError => "template::syntax",
            minijinja::ErrorKind::OutOfFuel => "template::fuel",
            _ => "template::render",
        };
        let file = error.name().and_then(|name| self.library.files.get(name));
        let diagnostic = match (file, &self.file.front) {
            (Some(file), _) => {
                let range =
                    error.range().map(|range| file.body + range.start..file.body + range.end);
                let range = range.or_else(|| Some(line_span(file, error.line()?)));
                file.diagnose(code, message, range.unwrap_or(file.body..file.body))
            }
            (None, Some(front)) => {
                let field = if error.name() == Some(TO) { &front.to } else { &front.when };
                let span = field.as_ref().map_or(0..3, Spanned::span);
                self.file.diagnose(code, message, span)
            }
            (None, None) => self.file.diagnose(code, message, 0..0),
        };
        let diagnostic = diagnostic.about(&*self.name);
        match help_for(error) {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}

fn help_for(error: &minijinja::Error) -> Option<&'static str> {
    Some(match error.kind() {
        minijinja::ErrorKind::UndefinedError => {
            "a variable that may be unbound needs `{% if … %}` or the filter `default(…)`"
        }
        minijinja::ErrorKind::OutOfFuel => {
            "the template runs too long for one artifact; look for an endless loop, or raise [limits] fuel"
        }
        minijinja::ErrorKind::TemplateNotFound => {
            "includes are looked up by their path in the template folders"
        }
        _ => return None,
    })
}

/// The error that began it: includes and macros wrap those of what they call.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut found = error;
    let mut next = std::error::Error::source(error);
    while let Some(inner) = next.and_then(|source| source.downcast_ref::<minijinja::Error>()) {
        if inner.name().is_some() {
            found = inner;
        }
        next = std::error::Error::source(inner);
    }
    found
}

/// The bytes of a line of a file's body, counted from 1.
fn line_span(file: &TemplateFile, line: usize) -> std::ops::Range<usize> {
    let mut start = file.body;
    for text in file.body().split_inclusive('\n').take(line.saturating_sub(1)) {
        start += text.len();
    }
    let length = file.text[start..].find('\n').unwrap_or(file.text.len() - start);
    start..start + length
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).map(|(position, _)| position).find(|position| {
        let before = text[..*position].chars().next_back();
        let after = text[position + word.len()..].chars().next();
        !before.is_some_and(|c| is_name(c) || c == '.') && !after.is_some_and(is_name)
    })
}

fn unknown_language(
    file: &TemplateFile,
    language: &Spanned<String>,
    languages: &Languages,
) -> Diagnostic {
    file.diagnose(
        "template::language",
        format!("there is no language `{}`", language.get_ref()),
        language.span(),
    )
    .with_help(suggest::instead(language.get_ref(), "languages", languages.names()))
}

fn compile_queries(
    file: &TemplateFile,
    front: &FrontMatter,
    variables: &[Arc<str>],
    with: &Compilation,
    problems: &mut Vec<Diagnostic>,
) -> Vec<NamedQuery> {
    let bound: Vec<&str> = variables.iter().map(AsRef::as_ref).collect();
    let mut queries = Vec::new();
    for (name, text) in &front.queries {
        if bound.contains(&name.get_ref().as_str()) {
            problems.push(file.diagnose(
                "template::front_matter",
                format!("the query `{}` has the name of a variable of for_each", name.get_ref()),
                text.span(),
            ));
        }
        let Some(query) = compile_query(file, name.get_ref(), Some(text), &bound, with, problems)
        else {
            continue;
        };
        queries.push(NamedQuery {
            name: name.get_ref().as_str().into(),
            text: text.get_ref().as_str().into(),
            variables: query.variables().iter().map(|name| name.as_str().into()).collect(),
            query,
        });
    }
    queries
}

fn compile_list(
    file: &TemplateFile,
    text: Option<&Spanned<String>>,
    with: &Compilation,
    problems: &mut Vec<Diagnostic>,
) -> Option<RowSource> {
    match ViewRows::parse(text?.get_ref(), &with.views) {
        None => {
            let query = compile_query(file, "for_each", text, &[], with, problems)?;
            Some(RowSource::Query(Box::new(query)))
        }
        Some(Ok(rows)) => Some(RowSource::View(rows)),
        Some(Err(message)) => {
            let problem = format!("for_each: {message}");
            problems.push(file.diagnose("query::view", problem, text?.span()));
            None
        }
    }
}

fn compile_query(
    file: &TemplateFile,
    name: &str,
    text: Option<&Spanned<String>>,
    bound: &[&str],
    with: &Compilation,
    problems: &mut Vec<Diagnostic>,
) -> Option<Query> {
    let text = text?;
    match Query::compile(text.get_ref(), &with.prefixes, bound) {
        Ok(query) => Some(query),
        Err(error) => {
            problems.push(query_problem(file, name, text, &error));
            None
        }
    }
}

fn query_problem(
    file: &TemplateFile,
    name: &str,
    text: &Spanned<String>,
    error: &QueryError,
) -> Diagnostic {
    let literal = text.span();
    let span = &error.span;
    let start = front_matter::locate(&file.text, &literal, text.get_ref(), span.start);
    let end = front_matter::locate(&file.text, &literal, text.get_ref(), span.end).max(start);
    let shown = if name == "for_each" { "for_each".to_owned() } else { format!("query `{name}`") };
    file.diagnose("query::syntax", format!("{shown}: {error}"), start..end.min(literal.end))
}
