//! Ten thousand small files: the judges against the bare parsers, in one run on one core.
//!
//! `cargo run --release -p evergen-syntax --example speed [FOLDER]` takes the files
//! below the folder, or else the corpus of the tests, over and over. For each
//! language it takes the better of several rounds, in which both sides alternate.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for the developer who starts it"
)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use evergen_syntax::{Language, check, judge_of};
use sqlparser::dialect::PostgreSqlDialect;

const FILES: usize = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let folder = std::env::args().nth(1).unwrap_or_else(|| own.to_owned());
    let mut corpus: BTreeMap<Language, Vec<String>> = BTreeMap::new();
    collect(Path::new(&folder), &mut corpus);
    let languages = corpus.len();
    let each = FILES.div_ceil(languages);
    let (mut judges, mut parsers, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    for (language, texts) in &corpus {
        let batch: Vec<&str> = texts.iter().cycle().take(each).map(String::as_str).collect();
        let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            bare = bare.min(timed(&batch, |text| parse(*language, text)));
            ours = ours.min(timed(&batch, |text| {
                let verdict = check(*language, text.as_bytes()).expect("a verdict");
                assert!(verdict.is_well_formed(), "{language}: {:?}", verdict.errors);
            }));
        }
        let size: usize = batch.iter().map(|text| text.len()).sum();
        tell(&language.to_string(), batch.len(), size, ours, bare);
        judges += ours;
        parsers += bare;
        bytes += size;
    }
    tell("all", each * languages, bytes, judges, parsers);
}

fn tell(name: &str, files: usize, bytes: usize, ours: Duration, bare: Duration) {
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let size = bytes / files;
    println!(
        "{name:<24} {files:>6} files of {size:>5} bytes: {ours:>10.1?}, parser {bare:>10.1?}, ratio {ratio:.2}"
    );
}

fn timed(batch: &[&str], work: impl Fn(&str)) -> Duration {
    let started = Instant::now();
    for text in batch {
        work(text);
    }
    started.elapsed()
}

/// Only what the parser's package does by itself.
fn parse(language: Language, text: &str) {
    match language {
        Language::Rust => drop(black_box(syn::parse_file(text))),
        Language::Python => drop(black_box(ruff_python_parser::parse_module(text))),
        Language::Json => drop(black_box(serde_json::from_str::<serde_json::Value>(text))),
        Language::Toml => drop(black_box(toml::from_str::<toml::Table>(text))),
        Language::Yaml => {
            black_box(saphyr_parser::Parser::new_from_str(text).count());
        }
        Language::Sql => {
            drop(black_box(sqlparser::parser::Parser::parse_sql(&PostgreSqlDialect {}, text)));
        }
        Language::GraphQl => {
            if cynic_parser::parse_type_system_document(text).is_err() {
                drop(black_box(cynic_parser::parse_executable_document(text)));
            }
        }
        Language::Protobuf => drop(black_box(protox_parse::parse("a.proto", text))),
        Language::Go => tree(&tree_sitter_go::LANGUAGE.into(), text),
        Language::Java => tree(&tree_sitter_java::LANGUAGE.into(), text),
        Language::Kotlin => tree(&tree_sitter_kotlin_ng::LANGUAGE.into(), text),
        Language::CSharp => tree(&tree_sitter_c_sharp::LANGUAGE.into(), text),
        other => script(other, text),
    }
}

/// With the second pass of the same project, which finds the early errors.
fn script(language: Language, text: &str) {
    let kind = match language {
        Language::JavaScript => oxc_span::SourceType::unambiguous().with_jsx(true),
        _ => oxc_span::SourceType::ts(),
    };
    let allocator = oxc_allocator::Allocator::default();
    let parsed = oxc_parser::Parser::new(&allocator, text, kind).parse();
    let builder = oxc_semantic::SemanticBuilder::new().with_check_syntax_error(true);
    black_box(builder.build(&parsed.program).diagnostics.has_errors());
}

fn tree(grammar: &tree_sitter::Language, text: &str) {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(grammar).expect("a grammar that fits");
    drop(black_box(parser.parse(text, None)));
}

fn collect(folder: &Path, corpus: &mut BTreeMap<Language, Vec<String>>) {
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, corpus);
        } else if let Some(language) = Language::of_path(&path.to_string_lossy())
            && judge_of(language).is_some()
        {
            corpus.entry(language).or_default().push(fs::read_to_string(&path).expect("text"));
        }
    }
}
