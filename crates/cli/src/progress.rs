//! A bar on a terminal while artifacts are made.

use std::time::Duration;

use evergen_regeneration::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// How many stale artifacts are worth a bar.
const WORTH: u64 = 50;

/// Shows how far a run is; to nobody, unless a person watches.
#[derive(Debug, Default)]
pub(crate) struct Bar {
    watched: bool,
    bar: Option<ProgressBar>,
}

impl Bar {
    pub(crate) fn new(watched: bool) -> Self {
        Self { watched, bar: None }
    }

    /// Takes note of what the run tells.
    pub(crate) fn tell(&mut self, progress: &Progress) {
        match (progress, &self.bar) {
            (Progress::Planned { stale, .. }, _) if self.watched && *stale >= WORTH => {
                self.bar = Some(bar(*stale));
            }
            (Progress::Artifact { path, .. }, Some(bar)) => {
                bar.inc(1);
                bar.set_message(path.clone());
            }
            (Progress::Committed { .. } | Progress::Finished { .. }, Some(bar)) => {
                bar.finish_and_clear();
                self.bar = None;
            }
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = "{bar:30} {pos}/{len} {elapsed} {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
