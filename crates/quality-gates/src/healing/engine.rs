use futures::future::{BoxFuture, FutureExt};

use super::{HealOptions, HealReport, Healer, Judge, heal};
use crate::{Circumstances, GateReport, QualityGateEngine, Subject};

/// The engine on one day.
struct Today<'a>(&'a QualityGateEngine, Circumstances);

impl Judge for Today<'_> {
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        self.0.execute_on(subject, self.1).boxed()
    }
}

impl QualityGateEngine {
    /// Mends what it can of the files that changed, in memory: see [`heal`]. What is in the
    /// report's [`files`](HealReport::files) is for the caller to write, or to show.
    ///
    /// With a cache and a scratch folder, each repair costs what its own files cost.
    pub async fn auto_heal(
        &self,
        subject: &Subject,
        healers: &[Box<dyn Healer>],
        circumstances: Circumstances,
        options: HealOptions,
    ) -> HealReport {
        heal(subject, &Today(self, circumstances), healers, options).await
    }
}
