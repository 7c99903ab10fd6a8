//! TypeScript and JavaScript, by oxc.

use oxc_allocator::Allocator;
use oxc_ast::ast::{TSInterfaceBody, TSSignature, TSTypeLiteral};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan, SourceType};

use crate::Language;
use crate::text::{Found, floor};

/// What is wrong with `text`: first its grammar, and where that holds, the early
/// errors that engines and `tsc` report before anything runs.
pub(crate) fn judge(language: Language, text: &str) -> Vec<Found> {
    let allocator = Allocator::default();
    let parsed = parser(&allocator, language, text).parse();
    let found = errors(parsed.diagnostics.errors());
    if parsed.panicked || !found.is_empty() {
        return found;
    }
    let checked = SemanticBuilder::new()
        .with_build_nodes(false)
        .with_check_syntax_error(true)
        .build(&parsed.program);
    let mut found = errors(checked.diagnostics.errors());
    if parsed.program.source_type.is_typescript() {
        let mut members = Members { text, found: Vec::new() };
        members.visit_program(&parsed.program);
        found.append(&mut members.found);
    }
    found
}

/// Members of types that follow each other with nothing between them, which oxc takes and `tsc` does not.
struct Members<'t> {
    text: &'t str,
    found: Vec<Found>,
}

impl Members<'_> {
    fn separated(&mut self, members: &[TSSignature<'_>]) {
        for pair in members.windows(2) {
            let (end, next) = (pair[0].span().end as usize, pair[1].span().start as usize);
            let last = end.saturating_sub(1);
            if !self.text[..next][floor(self.text, last)..]
                .contains([';', ',', '\n', '\r', '\u{2028}'])
            {
                self.found.push(Found::new(next..next, "a `;` is missing before this member"));
            }
        }
    }
}

impl<'a> Visit<'a> for Members<'_> {
    fn visit_ts_interface_body(&mut self, body: &TSInterfaceBody<'a>) {
        self.separated(&body.body);
        walk::walk_ts_interface_body(self, body);
    }

    fn visit_ts_type_literal(&mut self, literal: &TSTypeLiteral<'a>) {
        self.separated(&literal.members);
        walk::walk_ts_type_literal(self, literal);
    }
}

/// The parser as it is used for verdicts and for references.
pub(crate) fn parser<'a>(
    allocator: &'a Allocator,
    language: Language,
    text: &'a str,
) -> Parser<'a> {
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    Parser::new(allocator, text, source_type(language)).with_options(options)
}

/// A file of TypeScript is a module or a script as its text says, like one of JavaScript.
fn source_type(language: Language) -> SourceType {
    match language {
        Language::TypeScriptDeclarations => SourceType::d_ts(),
        Language::Tsx => SourceType::tsx(),
        Language::JavaScriptModule => SourceType::mjs(),
        Language::JavaScript => SourceType::unambiguous().with_jsx(true),
        _ => SourceType::ts(),
    }
}

fn errors<'a>(diagnostics: impl Iterator<Item = &'a oxc_diagnostics::OxcDiagnostic>) -> Vec<Found> {
    diagnostics.map(found).collect()
}

fn found(diagnostic: &oxc_diagnostics::OxcDiagnostic) -> Found {
    let range = diagnostic.labels.first().map_or(0..0, |label| {
        let start = label.offset() as usize;
        start..start + label.len() as usize
    });
    let found = Found::new(range, diagnostic.message.to_string());
    match &diagnostic.help {
        Some(help) => found.with_hint(help.to_string()),
        None => found,
    }
}
