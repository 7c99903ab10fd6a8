//! The one table of what `evergen.toml` may hold.

/// One key of one table.
#[derive(Debug)]
pub(super) struct Key {
    /// The table, dotted; empty for the top.
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// A line that shows how it is written.
    pub(super) example: &'static str,
}

impl Key {
    /// The name with its table: `regeneration.output_dir`.
    pub(super) fn path(&self) -> String {
        if self.table.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.table, self.name)
        }
    }
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text(Rule),
    Texts {
        rule: Rule,
        /// Whether an empty list makes no sense.
        needed: bool,
        /// Whether no text may come twice.
        once: bool,
    },
    /// A table of texts by names of the user's choice.
    Map {
        name: Rule,
        text: Rule,
    },
    Count {
        least: u64,
        most: u64,
    },
    /// A number from 0 to 1.
    Share,
    /// A number in a range.
    Number {
        least: f64,
        most: f64,
    },
    Switch,
    Choice(&'static [&'static str]),
    /// A table with keys of its own.
    Table,
    /// A list of tables with keys of their own.
    Tables,
    /// A list of tables that are checked by whoever uses them.
    Foreign,
}

impl Kind {
    /// What is expected, for a message.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Choice(_) => "a text in quotes",
            Self::Texts { .. } => "a list of texts",
            Self::Map { .. } => "a table of texts",
            Self::Count { .. } => "a whole number",
            Self::Share => "a number from 0 to 1",
            Self::Number { .. } => "a number",
            Self::Switch => "`true` or `false`",
            Self::Table => "a table",
            Self::Tables | Self::Foreign => "a list of tables",
        }
    }
}

/// What a text may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Anything but nothing.
    Filled,
    /// An IRI with a scheme.
    Iri,
    /// What can stand before the colon of a prefixed name.
    Prefix,
    /// A path that may hold wildcards.
    Pattern,
}

const MOST: u64 = i64::MAX as u64;

const PATHS: Kind = Kind::Texts { rule: Rule::Filled, needed: false, once: true };

const PATTERNS: Kind = Kind::Texts { rule: Rule::Pattern, needed: false, once: true };

const fn key(table: &'static str, name: &'static str, kind: Kind, example: &'static str) -> Key {
    Key { table, name, kind, example }
}

/// Every key, in the order in which they are documented and shown.
pub(super) const KEYS: &[Key] = &[
    key("", "model", Kind::Table, "[model]"),
    key(
        "model",
        "sources",
        Kind::Texts { rule: Rule::Pattern, needed: true, once: true },
        r#"sources = ["model/**/*.ttl"]"#,
    ),
    key(
        "model",
        "prefixes",
        Kind::Map { name: Rule::Prefix, text: Rule::Iri },
        r#"prefixes = { ex = "http://example.org/" }"#,
    ),
    key(
        "model",
        "imports",
        Kind::Map { name: Rule::Iri, text: Rule::Filled },
        r#"imports = { "http://example.org/base" = "model/base.ttl" }"#,
    ),
    key("model", "base", Kind::Text(Rule::Iri), r#"base = "http://example.org/""#),
    key("model", "published", Kind::Text(Rule::Filled), r#"published = "model/published.nq""#),
    key("model", "limits", Kind::Table, "[model.limits]"),
    key("model.limits", "max_file_bytes", at_least_one(MOST), "max_file_bytes = 2147483648"),
    key("model.limits", "max_literal_bytes", at_least_one(MOST), "max_literal_bytes = 16777216"),
    key("model.limits", "max_nesting", at_least_one(u32::MAX as u64), "max_nesting = 256"),
    key("", "regeneration", Kind::Table, "[regeneration]"),
    key("regeneration", "output_dir", Kind::Text(Rule::Filled), r#"output_dir = "gen""#),
    key("regeneration", "template_dirs", PATHS, r#"template_dirs = ["templates"]"#),
    key("regeneration", "target_languages", PATHS, r#"target_languages = ["rust", "python"]"#),
    key("regeneration", "pack_dir", Kind::Text(Rule::Filled), r#"pack_dir = "packs""#),
    key(
        "regeneration",
        "parallel_workers",
        Kind::Count { least: 0, most: 1024 },
        "parallel_workers = 4",
    ),
    key("regeneration", "incremental", Kind::Switch, "incremental = true"),
    key("regeneration", "track_dependencies", Kind::Switch, "track_dependencies = true"),
    key(
        "regeneration",
        "on_edit",
        Kind::Choice(&["refuse", "merge", "keep-regions", "overwrite"]),
        r#"on_edit = "refuse""#,
    ),
    key("regeneration", "auto_version", Kind::Switch, "auto_version = true"),
    key("regeneration", "durable", Kind::Switch, "durable = true"),
    key("", "limits", Kind::Table, "[limits]"),
    key("limits", "fuel", at_least_one(MOST), "fuel = 50000000"),
    key("limits", "max_artifact_bytes", at_least_one(MOST), "max_artifact_bytes = 67108864"),
    key("", "completeness", Kind::Table, "[completeness]"),
    key("completeness", "required_files", Kind::Share, "required_files = 0.9"),
    key("completeness", "validated_modules", Kind::Share, "validated_modules = 0.95"),
    key("", "modules", Kind::Tables, "[[modules]]"),
    key("modules", "name", Kind::Text(Rule::Filled), r#"name = "orders""#),
    key("modules", "required", PATTERNS, r#"required = ["orders/*.rs"]"#),
    key("modules", "critical_files", PATTERNS, r#"critical_files = ["orders/mod.rs"]"#),
    key("modules", "critical", Kind::Switch, "critical = true"),
    key("", "passes", Kind::Tables, "[[passes]]"),
    key("passes", "name", Kind::Text(Rule::Filled), r#"name = "ruff""#),
    key("passes", "files", PATTERNS, r#"files = ["**/*.py"]"#),
    key(
        "passes",
        "command",
        Kind::Texts { rule: Rule::Filled, needed: true, once: false },
        r#"command = ["ruff", "format", "--stdin-filename", "{file}", "-"]"#,
    ),
    key("passes", "version", Kind::Text(Rule::Filled), r#"version = "ruff 0.14.2""#),
    key(
        "passes",
        "version_arguments",
        Kind::Texts { rule: Rule::Filled, needed: false, once: false },
        r#"version_arguments = ["--version"]"#,
    ),
    key("passes", "patience", Kind::Count { least: 1, most: 3600 }, "patience = 30"),
    key("", "gates", Kind::Table, "[gates]"),
    key("gates", "before_commit", PATHS, r#"before_commit = ["syntax", "ruff"]"#),
    key("gates", "on_request", PATHS, r#"on_request = ["imports", "mypy"]"#),
    key("gates", "exclude", PATTERNS, r#"exclude = ["**/*.sql"]"#),
    key("gates", "around", Kind::Choice(&["output", "project"]), r#"around = "output""#),
    key("gates", "waivers", Kind::Text(Rule::Filled), r#"waivers = "evergen.waivers.toml""#),
    key("gates", "baseline", Kind::Text(Rule::Filled), r#"baseline = "evergen.baseline.json""#),
    key("gates", "patience", Kind::Count { least: 1, most: 86_400 }, "patience = 300"),
    key("gates", "parallel", Kind::Count { least: 0, most: 1024 }, "parallel = 4"),
    key("gates", "warm", Kind::Switch, "warm = false"),
    key("gates", "code_quality_min_score", within(0.0, 10.0), "code_quality_min_score = 8.0"),
    key(
        "gates",
        "security_max_issues",
        Kind::Count { least: 0, most: MOST },
        "security_max_issues = 0",
    ),
    key("gates", "test_coverage_min", within(0.0, 100.0), "test_coverage_min = 80"),
    key("gates", "test_coverage_required", Kind::Switch, "test_coverage_required = true"),
    key(
        "gates",
        "performance_max_response_time",
        within(0.001, 3_600_000.0),
        "performance_max_response_time = 200",
    ),
    key(
        "gates",
        "performance_min_throughput",
        within(0.0, 1e12),
        "performance_min_throughput = 50",
    ),
    key("gates", "fail_on", Kind::Choice(&["note", "warning", "error"]), r#"fail_on = "error""#),
    key("gates", "tools", Kind::Foreign, "[[gates.tools]]"),
    key("gates", "performance", Kind::Foreign, "[[gates.performance]]"),
];

const fn within(least: f64, most: f64) -> Kind {
    Kind::Number { least, most }
}

const fn at_least_one(most: u64) -> Kind {
    Kind::Count { least: 1, most }
}

/// The key of this name in this table.
pub(super) fn find(table: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.table == table && key.name == name)
}

/// Whether a table is written several times, as `[[table]]`.
pub(super) fn is_list(table: &str) -> bool {
    matches!(table, "modules" | "passes")
}

/// The keys of one table.
pub(super) fn of_table(table: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.table == table)
}
