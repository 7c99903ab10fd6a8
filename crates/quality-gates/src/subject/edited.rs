use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{Subject, SubjectFile, Tree};

impl Subject {
    /// The same tree, in which changed files have other bytes. What is no changed file of it is
    /// left out.
    #[must_use]
    pub fn edited(&self, edits: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let tree = &self.tree;
        let edited = |file: &SubjectFile| match edits.get_key_value(file.path()) {
            Some((path, bytes)) => SubjectFile::of_bytes(path.as_str().into(), bytes.clone(), true),
            None => file.clone(),
        };
        let changed: Vec<SubjectFile> = tree.changed.iter().map(edited).collect();
        // Where everything counts as changed, nobody need walk the folder again.
        let all = match tree.all.get() {
            Some(Ok(all)) if all.len() == changed.len() => OnceLock::from(Ok(changed.clone())),
            _ => OnceLock::new(),
        };
        let (base, removed) = (tree.base.clone(), tree.removed.clone());
        let tree = Arc::new(Tree { base, changed, removed, all });
        Self { tree, place: self.place.clone() }
    }
}
