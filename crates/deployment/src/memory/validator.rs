use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _};

use crate::{Candidate, Judgement, ReleaseId, ReleaseValidator, Remark, ValidationError};

/// A validator by two lists: files that a release must have, not empty, and files that it must
/// not have.
#[derive(Debug, Default)]
pub struct MemoryValidator {
    name: String,
    required: BTreeSet<String>,
    forbidden: BTreeSet<String>,
    judged: Mutex<Vec<ReleaseId>>,
}

impl MemoryValidator {
    /// A validator that passes everything.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Refuses releases in which this file is missing or empty.
    #[must_use]
    pub fn requiring(mut self, path: impl Into<String>) -> Self {
        self.required.insert(path.into());
        self
    }

    /// Refuses releases that have this file.
    #[must_use]
    pub fn forbidding(mut self, path: impl Into<String>) -> Self {
        self.forbidden.insert(path.into());
        self
    }

    /// The releases that it judged, the oldest first.
    pub fn judged(&self) -> Vec<ReleaseId> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(&self, root: &Path) -> Judgement {
        let size = |path: &String| root.join(path).metadata().map(|file| file.len()).ok();
        let missing = self.required.iter().filter(|path| size(path).unwrap_or(0) == 0);
        let missing = missing.map(|path| Remark::error("it is missing or empty").at(path, None));
        let there = self.forbidden.iter().filter(|path| size(path).is_some());
        let there = there.map(|path| Remark::error("it must not be there").at(path, None));
        Judgement::new(missing.chain(there))
    }
}

impl ReleaseValidator for MemoryValidator {
    fn name(&self) -> &str {
        &self.name
    }

    fn validate<'a>(
        &'a self,
        candidate: &'a Candidate,
    ) -> BoxFuture<'a, Result<Judgement, ValidationError>> {
        async move {
            let release = &candidate.context.release;
            if release.root.as_os_str().is_empty() {
                let validator = self.name.clone();
                let source = "the release is in no folder".into();
                return Err(ValidationError::NotJudged { validator, source });
            }
            self.judged.lock().unwrap_or_else(PoisonError::into_inner).push(release.id);
            Ok(self.judge(&release.root))
        }
        .boxed()
    }
}
