use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a backup holds, so that a restored copy can be compared with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// What was found where it was taken, as `table public.orders` → `12 rows, 1f3a…`.
    pub(super) content: BTreeMap<String, String>,
    /// What is needed to restore it.
    pub(super) about: BTreeMap<String, String>,
    /// The digests of the files of the backup, by their paths below its folder.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
}

impl Manifest {
    /// Compares what was restored with this; says what was compared, or the first difference.
    pub(super) fn compare(&self, restored: &BTreeMap<String, String>) -> Result<String, String> {
        for (name, value) in &self.content {
            match restored.get(name) {
                None => return Err(format!("{name} is missing")),
                Some(other) if other != value => {
                    return Err(format!("{name} has {other}, and had {value}"));
                }
                Some(_) => {}
            }
        }
        match restored.keys().find(|name| !self.content.contains_key(*name)) {
            Some(name) => Err(format!("{name} was not there")),
            None => Ok(self.summary()),
        }
    }

    /// `3 tables, 1 index, 512 rows`.
    fn summary(&self) -> String {
        let mut kinds = BTreeMap::<&str, u64>::new();
        let mut rows = 0_u64;
        for (name, value) in &self.content {
            let kind = name.split(' ').next().unwrap_or_default();
            *kinds.entry(kind).or_default() += 1;
            let counted = value.split_once(" rows").and_then(|(count, _)| count.parse().ok());
            rows += counted.unwrap_or(0);
        }
        let mut parts: Vec<String> =
            kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        if kinds.contains_key("table") {
            parts.push(format!("{rows} rows"));
        }
        parts.join(", ")
    }
}
