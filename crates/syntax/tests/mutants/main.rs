//! Breaks valid files mechanically, and compares what the judges say with what
//! the languages' own compilers say.
//!
//! `EVERGEN_MUTANTS` is the number of mutants for a language, 60 unless told.
//! `EVERGEN_CORPUS` names a folder with more valid files to start from.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail where they stand")]

mod mutate;
mod oracles;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use evergen_syntax::{Language, check};
use mutate::{Dice, mutants};

/// What both sides say of the mutants of one language.
struct Compared {
    mutants: usize,
    refused_by_compiler: usize,
    /// Refused by the compiler, taken by the judge.
    missed: Vec<String>,
    /// Taken by the compiler, refused by the judge.
    alarms: Vec<String>,
}

#[test]
fn rust() {
    exact(Language::Rust);
}

#[test]
fn typescript() {
    exact(Language::TypeScript);
}

#[test]
fn javascript() {
    exact(Language::JavaScript);
}

#[test]
fn python() {
    exact(Language::Python);
}

#[test]
fn json() {
    exact(Language::Json);
}

#[test]
fn toml() {
    exact(Language::Toml);
}

#[test]
fn yaml() {
    exact(Language::Yaml);
}

#[test]
fn graphql() {
    exact(Language::GraphQl);
}

#[test]
fn protobuf() {
    exact(Language::Protobuf);
}

#[test]
fn sql() {
    measured(Language::Sql, 8);
}

#[test]
fn go() {
    measured(Language::Go, 8);
}

#[test]
fn java() {
    measured(Language::Java, 10);
}

#[test]
fn csharp() {
    measured(Language::CSharp, 20);
}

/// No mutant is missed, and none that compiles is refused.
fn exact(language: Language) {
    let Some(compared) = compare(language) else { return };
    assert_eq!(compared.missed, Vec::<String>::new(), "missed");
    assert_eq!(compared.alarms, Vec::<String>::new(), "false alarms");
}

/// At most `percent` of what the compiler refuses is missed. What is refused
/// beyond it is only told: compilers of these languages are behind or ahead of the grammars.
fn measured(language: Language, percent: usize) {
    let Some(compared) = compare(language) else { return };
    assert!(
        compared.missed.len() * 100 <= compared.refused_by_compiler * percent,
        "{} of {} missed: {:#?}",
        compared.missed.len(),
        compared.refused_by_compiler,
        compared.missed,
    );
}

fn compare(language: Language) -> Option<Compared> {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = corpus(language);
    let mutants = broken(&corpus);
    let texts: Vec<&str> = corpus
        .iter()
        .map(String::as_str)
        .chain(mutants.iter().map(|one| one.text.as_str()))
        .collect();
    for (index, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(oracles::file_name(language, index)), text).expect("written");
    }
    let refused = match oracles::ask(language, folder.path(), texts.len()) {
        Ok(refused) => refused,
        Err(install) => {
            println!("skipped: the mutants of {language} want {install}");
            return None;
        }
    };
    valid_files_are_taken(language, &corpus, &refused);
    let refused_by_all = refused_by_all(language, folder.path(), refused, &texts);
    Some(tell(language, &mutants, &refused_by_all, corpus.len()))
}

/// Adds what a second opinion refuses to what the first did, where only the judge has refused it so far.
fn refused_by_all(
    language: Language,
    folder: &Path,
    mut refused: BTreeSet<usize>,
    texts: &[&str],
) -> BTreeSet<usize> {
    for (index, text) in texts.iter().enumerate() {
        let is_refused = || !check(language, text.as_bytes()).expect("a verdict").is_well_formed();
        if !refused.contains(&index)
            && is_refused()
            && oracles::second_opinion(language, folder, index)
        {
            refused.insert(index);
        }
    }
    refused
}

fn broken(corpus: &[String]) -> Vec<mutate::Mutant> {
    let wanted: usize =
        env::var("EVERGEN_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut dice = Dice::new(7);
    corpus.iter().flat_map(|text| mutants(text, wanted.div_ceil(corpus.len()), &mut dice)).collect()
}

fn valid_files_are_taken(language: Language, corpus: &[String], refused: &BTreeSet<usize>) {
    for (index, text) in corpus.iter().enumerate() {
        let verdict = check(language, text.as_bytes()).expect("a verdict");
        assert_eq!(verdict.errors, [], "a valid file of {language} is refused:\n{text}");
        assert!(!refused.contains(&index), "the compiler refuses a file of the corpus:\n{text}");
    }
}

fn tell(
    language: Language,
    mutants: &[mutate::Mutant],
    refused: &BTreeSet<usize>,
    first: usize,
) -> Compared {
    let mut compared = Compared {
        mutants: mutants.len(),
        refused_by_compiler: 0,
        missed: Vec::new(),
        alarms: Vec::new(),
    };
    for (index, mutant) in mutants.iter().enumerate() {
        let verdict = check(language, mutant.text.as_bytes()).expect("a verdict");
        let by_compiler = refused.contains(&(index + first));
        compared.refused_by_compiler += usize::from(by_compiler);
        if by_compiler && verdict.is_well_formed() {
            compared.missed.push(mutant.how.clone());
            keep(language, "missed", index, &mutant.text);
        } else if !by_compiler
            && !verdict.is_well_formed()
            && !is_forgiven(&verdict.errors[0].message)
        {
            compared.alarms.push(format!("{}: {}", mutant.how, verdict.errors[0]));
            keep(language, "alarm", index, &mutant.text);
        }
    }
    println!(
        "{language}: {} mutants, {} refused by the compiler, {} missed, {} false alarms",
        compared.mutants,
        compared.refused_by_compiler,
        compared.missed.len(),
        compared.alarms.len()
    );
    for (what, all) in [("missed", &compared.missed), ("alarm", &compared.alarms)] {
        for one in all {
            println!("  {what}: {one}");
        }
    }
    compared
}

/// `tsc` 7 has lost the rule that `tsc` 5 had under the number 1098.
fn is_forgiven(message: &str) -> bool {
    message.starts_with("Type parameter list cannot be empty")
}

/// Keeps a disagreement for a look at it, in the folder that `EVERGEN_KEEP` names.
fn keep(language: Language, what: &str, index: usize, text: &str) {
    if let Some(folder) = env::var_os("EVERGEN_KEEP") {
        let name = format!("{language}-{what}-{index:05}.txt");
        fs::write(Path::new(&folder).join(name), text).expect("kept");
    }
}

/// Valid files: our own, and those of the folder that `EVERGEN_CORPUS` names.
fn corpus(language: Language) -> Vec<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut found = Vec::new();
    collect(&own, language, &mut found);
    if let Some(more) = env::var_os("EVERGEN_CORPUS") {
        collect(Path::new(&more), language, &mut found);
    }
    found.sort();
    let texts = found.iter().map(|path| fs::read_to_string(path).expect("read"));
    // Commands of psql are not for the server, whose parser is asked.
    texts.filter(|text| language != Language::Sql || !text.contains("\n\\ir ")).collect()
}

fn collect(folder: &Path, language: Language, found: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, language, found);
        } else if Language::of_path(&path.to_string_lossy()) == Some(language) {
            found.push(path);
        }
    }
}
