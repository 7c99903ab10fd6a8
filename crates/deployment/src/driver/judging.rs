//! Letting validators judge a release before anything of it is staged.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::effects::{Done, Job, cause, missing, stored};
use crate::store::source;
use crate::{Candidate, Cause, CauseKind, ReleaseName, ReleaseSource, StepNote, StoreError};

impl Job {
    /// Lets a validator judge; what it says is kept whether it passes the release or not.
    pub(super) async fn validate(&self, name: &str, deadline: Duration) -> Done {
        let mut validators = self.site.parts.validators.iter();
        let validator = validators.find(|it| it.name() == name).ok_or_else(|| missing(name))?;
        let source = self.source.clone();
        let source = source.unwrap_or(ReleaseSource::Stored(self.open.plan.release));
        let mut context = self.context(deadline).await?;
        let laid_out = self.with_store(Self::lay_out).await?;
        if let Some(folder) = &laid_out {
            folder.path().clone_into(&mut context.release.root);
        }
        let judged = validator.validate(&Candidate::new(context, source)).await;
        let judgement = judged.map_err(|error| cause(CauseKind::Refused, &error))?;
        if judgement.passes() {
            return Ok(Some(StepNote::Judged { judgement }));
        }
        let why = format!("`{name}` refuses the release: {judgement}");
        Err(Cause::new(CauseKind::Refused, why).with_remarks(judgement.remarks))
    }

    /// Changes on top of a release are in no folder yet: they are put into one of their own,
    /// which is gone when they were judged. Nothing where releases have no folders.
    fn lay_out(&self) -> Result<Option<TempDir>, Cause> {
        let Some(ReleaseSource::Layered { base, changes }) = &self.source else { return Ok(None) };
        let base = match base {
            Some(base) => self.site.parts.store.find(&ReleaseName::Id(*base)),
            None => Ok(None),
        };
        let base = base.map_err(|error| stored(&error))?;
        let mut listing = match base.as_ref().map(|base| base.root.as_path()) {
            Some(root) if root == Path::new("") => return Ok(None),
            Some(root) => source::list(root).map_err(|error| cause(CauseKind::Store, &error))?,
            None => source::Listing::new(),
        };
        source::layer(&mut listing, changes);
        let failed =
            |error: Box<dyn std::error::Error + Send + Sync>| stored(&StoreError::Medium(error));
        let folder = tempfile::tempdir().map_err(|error| failed(error.into()))?;
        source::read(&listing, Some(folder.path())).map_err(|error| failed(error.into()))?;
        Ok(Some(folder))
    }
}
