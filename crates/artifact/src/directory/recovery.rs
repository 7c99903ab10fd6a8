//! Bringing the folders to the old state or the new one after a writer has died.

use std::io::ErrorKind;

use rustix::fs::AtFlags;

use super::Durability;
use super::apply::{Pass, apply, sync_folder, sync_touched};
use super::confined::{open_root, system};
use super::journal::Journal;
use super::region::discard;
use super::roots::Roots;
use crate::{Obstacle, Recovery};

/// Finishes a commit that was decided, and discards anything else that was staged.
pub(super) fn recover(roots: &Roots) -> Result<Recovery, Obstacle> {
    let Some(state) = open_root(&roots.state)? else { return Ok(Recovery::Clean) };
    let shown = roots.journal();
    let bytes = match std::fs::read(&shown) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let any = roots.discard_stages()?;
            return Ok(if any { Recovery::Discarded } else { Recovery::Clean });
        }
        Err(error) => return Err(system("read", &shown, error)),
    };
    let journal = std::str::from_utf8(&bytes).ok().and_then(Journal::parse);
    let recovery = match &journal {
        Some(journal) => Recovery::Completed { damaged: complete(roots, journal)? },
        None => Recovery::Unreadable,
    };
    // The journal goes last: whoever dies before it is gone leaves the same to be found.
    roots.discard_stages()?;
    rustix::fs::unlinkat(&state, "journal", AtFlags::empty())
        .map_err(|error| system("remove", &shown, error))?;
    if roots.durability == Durability::Power {
        use std::os::fd::AsFd as _;
        sync_folder(state.as_fd(), &roots.state)?;
    }
    Ok(recovery)
}

/// Takes the steps of the journal; the last one who tried may have taken any number of them.
fn complete(roots: &Roots, journal: &Journal) -> Result<usize, Obstacle> {
    let regions = roots.reopen_regions(journal)?;
    let damaged = apply(&regions, &journal.steps, Pass::Again)?;
    if roots.durability == Durability::Power {
        sync_touched(&regions, &journal.steps)?;
    }
    // The journal may be of another output folder than the one that is configured now.
    for stage in regions.stages().iter().filter(|stage| stage.path != roots.stage()) {
        discard(&stage.path)?;
    }
    Ok(damaged)
}
