use proptest::prelude::*;

use super::{Origin, SettingsLayers, parse_settings};
use crate::report::Diagnostic;
use crate::settings::{OnEdit, Settings};

/// The problems of a file, one a line: place, code, message and help.
fn check(text: &str, expected: &str) {
    let problems = parse_settings(text, "evergen.toml").err().unwrap_or_default();
    assert_eq!(lines(&problems), expected.trim());
}

fn lines(problems: &[Diagnostic]) -> String {
    let line = |problem: &Diagnostic| {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{line}:{column} "),
            _ => String::new(),
        };
        let help = problem.help.as_deref().unwrap_or_default();
        format!("{place}{}: {} ({help})", problem.code, problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn settings(text: &str) -> Settings {
    parse_settings(text, "evergen.toml").unwrap()
}

#[test]
fn nothing_gives_the_defaults() {
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("[model]\n[regeneration]\n"), Settings::default());
}

#[test]
fn every_key_is_read() {
    let settings = settings(
        r#"
        [model]
        sources = ["a.ttl"]
        prefixes = { ex = "http://example.org/", "" = "urn:x:" }
        imports = { "http://example.org/b" = "b.ttl" }
        base = "http://example.org/"
        [model.limits]
        max_nesting = 7
        [regeneration]
        output_dir = "out"
        template_dirs = []
        target_languages = ["rust"]
        parallel_workers = 2
        incremental = false
        on_edit = "keep-regions"
        durable = true
        [limits]
        fuel = 9
        [completeness]
        required_files = 1
        validated_modules = 0.5
        [[modules]]
        name = "m"
        required = ["*.rs"]
        critical = true
        "#,
    );
    assert_eq!(settings.model.sources, ["a.ttl"]);
    assert_eq!(settings.model.prefixes[""], "urn:x:");
    assert_eq!(settings.model.limits.max_nesting, 7);
    assert_eq!(settings.regeneration.on_edit, OnEdit::KeepRegions);
    assert_eq!(settings.limits.fuel, 9);
    assert!((settings.completeness.required_files - 1.0).abs() < f64::EPSILON);
    assert_eq!(settings.modules[0].required, ["*.rs"]);
}

#[test]
fn the_table_of_keys_knows_every_setting() {
    let mut layers = SettingsLayers::default();
    layers.add_file("[[modules]]\nname = \"m\"\nrequired = [\"a\"]\n", "evergen.toml");
    let shown = layers.finish().unwrap();
    let all = serde_json::to_value(Settings::default()).unwrap();
    let mut missing = Vec::new();
    let mut visit = vec![(String::new(), &all)];
    while let Some((path, value)) = visit.pop() {
        let known = |value: &super::EffectiveValue| {
            value.key == path || value.key.starts_with(&format!("{path}."))
        };
        match value.as_object().filter(|map| !map.is_empty()) {
            Some(map) => {
                let name = |name: &String| format!("{path}.{name}").trim_matches('.').to_owned();
                visit.extend(map.iter().map(|(key, value)| (name(key), value)));
            }
            None if shown.values.iter().any(known) => {}
            None => missing.push(path),
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn an_unknown_key_comes_with_a_suggestion() {
    check(
        "[regeneration]\noutput-dir = \"x\"\nworkers = 2\nsources = []\nzzzzzz = 1\n[modle]\n",
        r"
2:1 config::unknown_key: `[regeneration]` has no key `output-dir` (did you mean `output_dir`?)
3:1 config::unknown_key: `[regeneration]` has no key `workers` (did you mean `parallel_workers`?)
4:1 config::unknown_key: `[regeneration]` has no key `sources` (`sources` belongs to `[model]`)
5:1 config::unknown_key: `[regeneration]` has no key `zzzzzz` (`[regeneration]` can hold `output_dir`, `template_dirs`, `target_languages`, `pack_dir`, `parallel_workers`, `incremental`, `track_dependencies`, `on_edit`, `auto_version`, `durable`)
6:2 config::unknown_key: there is no table or key `modle` (did you mean `model`?)
",
    );
}

#[test]
fn a_wrong_type_is_shown_with_an_example() {
    check(
        "[model]\nsources = \"a.ttl\"\nprefixes = { ex = 1 }\n[regeneration]\nincremental = 1\n",
        r#"
2:11 config::type: `model.sources` is a text where a list of texts is expected (write it like `sources = ["model/**/*.ttl"]`)
3:19 config::type: `model.prefixes` is a whole number where a table of texts is expected (write it like `prefixes = { ex = "http://example.org/" }`)
5:15 config::type: `regeneration.incremental` is a whole number where `true` or `false` is expected (write it like `incremental = true`)
"#,
    );
}

#[test]
fn values_have_bounds() {
    check(
        "[model]\nsources = []\nbase = \"x y\"\n[regeneration]\nparallel_workers = 1025\n\
         on_edit = \"refused\"\ntemplate_dirs = [\"a\", \"a\", \" \"]\n[limits]\nfuel = 0\n\
         [completeness]\nrequired_files = 1.5\nvalidated_modules = nan\n",
        r#"
2:11 config::range: `model.sources` is empty (write it like `sources = ["model/**/*.ttl"]`)
3:8 config::range: "x y" in `model.base` holds a character that an IRI can't have (write it like `base = "http://example.org/"`)
5:20 config::range: `regeneration.parallel_workers` must be from 0 to 1024 (write it like `parallel_workers = 4`)
6:11 config::range: "refused" is no choice here (did you mean `refuse`? it can be `refuse`, `merge`, `keep-regions`, `overwrite`)
7:23 config::range: "a" stands in `regeneration.template_dirs` twice (take one of them out)
7:28 config::range: " " in `regeneration.template_dirs` is empty (write it like `template_dirs = ["templates"]`)
9:8 config::range: `limits.fuel` must be at least 1 (write it like `fuel = 50000000`)
11:18 config::range: `completeness.required_files` must be from 0 to 1 (write it like `required_files = 0.9`)
12:21 config::range: `completeness.validated_modules` must be from 0 to 1 (write it like `validated_modules = 0.95`)
"#,
    );
}

#[test]
fn one_mistake_is_told_once() {
    check(
        "[model]\nsources = [\"a\n[regeneration]\noutput_dir = gen\n",
        r#"
2:14 config::syntax: invalid basic string, expected `"` (the file is written in TOML: https://toml.io)
"#,
    );
}

#[test]
fn patterns_are_valid() {
    check(
        "[model]\nsources = [\"a[\", \"b/**/*.{ttl,nt}\"]\n",
        r#"
2:12 config::range: "a[" in `model.sources` is no valid pattern (write it like `sources = ["model/**/*.ttl"]`)
"#,
    );
}

#[test]
fn prefixes_are_names_for_iris() {
    check(
        "[model.prefixes]\n\"a b\" = \"http://example.org/\"\nok = \"http://example.org/#\"\nrel = \"x/\"\n",
        r#"
2:1 config::range: "a b" in `model.prefixes` is no prefix name (write it like `prefixes = { ex = "http://example.org/" }`)
4:7 config::range: "x/" in `model.prefixes` is no absolute IRI (write it like `prefixes = { ex = "http://example.org/" }`)
"#,
    );
}

#[test]
fn modules_have_a_name_and_files() {
    check(
        "[[modules]]\nname = \"m\"\nrequired = [\"a\"]\n[[modules]]\nname = \"m\"\ncritical_files = [\"b\"]\n\
         [[modules]]\nrequired = [\"c\"]\n[[modules]]\nname = \"n\"\n",
        r#"
5:8 config::duplicate: there are two modules with the name "m" (give one of them another name, or join the two)
7:1 config::missing: a module has no name (give it one, like `name = "orders"`)
9:1 config::missing: the module "n" names no files (say which files it needs in `required` or `critical_files`)
"#,
    );
}

#[test]
fn passes_say_what_they_run_on_which_files() {
    check(
        "[[passes]]\nname = \"ruff\"\nfiles = [\"*.py\"]\ncommand = []\nversion = \"ruff 1.2.3\"\n\
         [[passes]]\nname = \"ruff\"\nfiles = [\"[\"]\ncommand = [\"ruff\"]\nversoin = \"1\"\n",
        r#"
4:11 config::range: `passes.command` is empty (write it like `command = ["ruff", "format", "--stdin-filename", "{file}", "-"]`)
6:1 config::missing: the pass "ruff" has no `version` (write it like `version = "ruff 0.14.2"`)
7:8 config::duplicate: there are two passes with the name "ruff" (give one of them another name, or join the two)
8:10 config::range: "[" in `passes.files` is no valid pattern (write it like `files = ["**/*.py"]`)
10:1 config::unknown_key: `[[passes]]` has no key `versoin` (did you mean `version`?)
"#,
    );
}

#[test]
fn all_syntax_errors_are_found_and_nothing_is_guessed_after_the_first() {
    check(
        "[model]\nsorces = [\"a\"]\n[regeneration]\noutput_dir = gen\nincremental = \nx = 1\n[limits\n",
        r"
2:1 config::unknown_key: `[model]` has no key `sorces` (did you mean `sources`?)
4:14 config::syntax: string values must be quoted, expected literal string (the file is written in TOML: https://toml.io)
5:15 config::syntax: string values must be quoted, expected literal string (the file is written in TOML: https://toml.io)
7:8 config::syntax: unclosed table, expected `]` (the file is written in TOML: https://toml.io)
",
    );
}

#[test]
fn later_layers_win_and_keep_their_origin() {
    let mut layers = SettingsLayers::default();
    layers.add_file(
        "[regeneration]\noutput_dir = \"a\"\n[model.prefixes]\nex = \"urn:a:\"\n",
        "evergen.toml",
    );
    layers.add_environment(
        [
            ("EVERGEN_REGENERATION__OUTPUT_DIR", "b"),
            ("EVERGEN_MODEL__SOURCES", "x.ttl, y.ttl"),
            ("EVERGEN_MODEL__PREFIXES__FOAF", "urn:f:"),
            ("EVERGEN_MODEL__LIMITS__MAX_NESTING", "9"),
            ("EVERGEN_LOG", "debug"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned())),
    );
    layers.set_list(
        "regeneration.target_languages",
        vec!["rust".to_owned()],
        Origin::Flag { name: "--lang".to_owned() },
    );
    let effective = layers.finish().unwrap();
    let shown: Vec<_> = effective
        .values
        .iter()
        .filter(|value| value.origin != Origin::Default)
        .map(|value| format!("{} = {} ({})", value.key, value.value, value.origin))
        .collect();
    assert_eq!(
        shown,
        [
            "model.sources = [\"x.ttl\",\"y.ttl\"] (environment EVERGEN_MODEL__SOURCES)",
            "model.prefixes.ex = \"urn:a:\" (evergen.toml:4)",
            "model.prefixes.foaf = \"urn:f:\" (environment EVERGEN_MODEL__PREFIXES__FOAF)",
            "model.limits.max_nesting = 9 (environment EVERGEN_MODEL__LIMITS__MAX_NESTING)",
            "regeneration.output_dir = \"b\" (environment EVERGEN_REGENERATION__OUTPUT_DIR)",
            "regeneration.target_languages = [\"rust\"] (flag --lang)",
        ]
    );
    assert_eq!(effective.settings.regeneration.output_dir, "b");
}

#[test]
fn overrides_are_checked_like_the_file() {
    let mut layers = SettingsLayers::default();
    layers.add_environment(
        [
            ("EVERGEN_LIMITS__FUEL", "many"),
            ("EVERGEN_MODEL__SORCES", "x"),
            ("EVERGEN_MODULES__NAME", "x"),
            ("EVERGEN_REGENERATION__PARALLEL_WORKERS", "-1"),
            ("EVERGEN_WHAT__EVER", "x"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned())),
    );
    let problems = layers.finish().unwrap_err();
    assert_eq!(
        lines(&problems),
        "\
1:1 config::type: `limits.fuel` is a text where a whole number is expected (write it like `fuel = 50000000`)
config::unknown_key: `[model]` has no key `sorces` (did you mean `sources`?)
config::unknown_key: modules can't be overridden (write them in evergen.toml)
1:1 config::range: `regeneration.parallel_workers` must be from 0 to 1024 (write it like `parallel_workers = 4`)
config::unknown_key: there is no table `what` (the tables are `model`, `model.limits`, `regeneration`, `limits`, `completeness`, `gates`)"
    );
    assert_eq!(problems[0].file.as_deref(), Some("environment EVERGEN_LIMITS__FUEL"));
}

/// Lines that are right, wrong, or torn.
const LINES: [&str; 12] = [
    "[model]",
    "sources = [\"a.ttl\"]",
    "prefixes = { ex = \"http://example.org/\" }",
    "[model.limits]",
    "max_nesting = 0",
    "[regeneration]",
    "output_dir = \"\u{e9}\"",
    "parallel_workers = 99999999999999999999",
    "[[modules]]",
    "name = \"m\"",
    "required = [[\"a\"",
    "a.b.\"c\" = 1979-05-27",
];

proptest! {
    #[test]
    fn every_text_gets_an_answer(
        lines in proptest::collection::vec(proptest::sample::select(&LINES[..]), 0..12),
        torn in "\\PC{0,12}",
        at in 0_usize..200,
    ) {
        let mut text = lines.join("\n");
        text.insert_str(text.floor_char_boundary(at), &torn);
        match parse_settings(&text, "evergen.toml") {
            Ok(mut settings) => {
                // An empty list can be left away, but not written.
                settings.model.sources.push("b.ttl".to_owned());
                let again = toml::to_string(&settings).unwrap();
                prop_assert_eq!(parse_settings(&again, "again").unwrap(), settings);
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    let (start, length) = problem.span.unwrap();
                    prop_assert!(text.get(start..start + length).is_some());
                }
            }
        }
    }
}
