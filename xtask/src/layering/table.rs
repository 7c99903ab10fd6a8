//! The one table of permitted edges between our crates.
//!
//! A new row is the rarest kind of change, and is argued for in its commit.

use super::check::{Kind, Names, Row};

const fn library(name: &'static str, rank: u8, names: &'static [&'static str]) -> Row {
    Row { name, rank, kind: Kind::Library, names: Names::Only(names) }
}

const fn adapter(name: &'static str, rank: u8, names: &'static [&'static str]) -> Row {
    Row { name, rank, kind: Kind::Adapter, names: Names::Only(names) }
}

/// Every crate of the workspace, lowest rank first.
pub(super) const ROWS: &[Row] = &[
    library("evergen-delta", 0, &[]),
    library("evergen-artifact", 0, &[]),
    library("evergen-resilience", 0, &[]),
    library("evergen-telemetry", 0, &[]),
    library("evergen-syntax", 0, &[]),
    library("evergen-depgraph", 1, &["evergen-delta"]),
    library("evergen-knowledge", 1, &["evergen-delta"]),
    library("evergen-events", 1, &["evergen-delta"]),
    library("evergen-llm", 1, &["evergen-resilience"]),
    library(
        "evergen-regeneration",
        2,
        &[
            "evergen-delta",
            "evergen-artifact",
            "evergen-depgraph",
            "evergen-events",
            "evergen-knowledge",
            "evergen-llm",
        ],
    ),
    library("evergen-schema", 2, &["evergen-delta", "evergen-knowledge"]),
    library("evergen-quality-gates", 2, &["evergen-artifact", "evergen-syntax"]),
    library("evergen-deployment", 2, &["evergen-artifact", "evergen-resilience"]),
    library(
        "evergen-orchestrator",
        3,
        &[
            "evergen-artifact",
            "evergen-resilience",
            "evergen-telemetry",
            "evergen-events",
            "evergen-regeneration",
            "evergen-quality-gates",
            "evergen-deployment",
        ],
    ),
    library(
        "evergen-packs",
        3,
        &["evergen-delta", "evergen-knowledge", "evergen-regeneration", "evergen-schema"],
    ),
    adapter(
        "evergen-traffic",
        3,
        &["evergen-artifact", "evergen-resilience", "evergen-deployment"],
    ),
    adapter(
        "evergen-kubernetes",
        3,
        &["evergen-artifact", "evergen-resilience", "evergen-deployment"],
    ),
    Row { name: "evergen", rank: 6, kind: Kind::Root, names: Names::Any },
    Row { name: "evergen-tests", rank: 7, kind: Kind::Tests, names: Names::Any },
    library("xtask", 0, &[]),
];
