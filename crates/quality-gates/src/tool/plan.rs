use std::collections::BTreeMap;

use crate::{Job, SubjectFile};

/// Which of the judged files each run looks at, where a tool is run several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// One for each run, by place.
    pub(crate) shares: Vec<Share>,
    /// What is missing around a file that falls to no run.
    pub(crate) stray: Option<String>,
}

/// What falls to one run.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// What the files have in common: a folder where the tool is run, or its settings; nothing
    /// where there is none.
    pub(crate) place: Option<String>,
    /// The files, by their positions among those of the job.
    files: Vec<usize>,
}

impl Plan {
    /// Files of the same place fall to the same run.
    pub(crate) fn by_place(
        job: &Job<'_>,
        place_of: impl Fn(&SubjectFile) -> Option<String>,
    ) -> Self {
        let mut places: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
        for (position, file) in job.files.iter().enumerate() {
            places.entry(place_of(file)).or_default().push(position);
        }
        let shares = places.into_iter().map(|(place, files)| Share { place, files });
        Self { shares: shares.collect(), stray: None }
    }
}

impl Share {
    /// The files.
    pub(crate) fn files<'a>(&self, job: &Job<'a>) -> impl Iterator<Item = &'a SubjectFile> {
        self.files.iter().filter_map(|position| job.files.get(*position))
    }

    /// How many they are.
    pub(crate) fn count(&self) -> u64 {
        self.files.len() as u64
    }
}

impl Job<'_> {
    /// Which files fall to which run: thought out once, since each run's output is read by it.
    pub(crate) fn plan(&self, think: impl FnOnce(&Self) -> Plan) -> &Plan {
        self.plan.get_or_init(|| think(self))
    }

    /// What is missing around a file that falls to no run, if that was thought out.
    pub(crate) fn stray(&self) -> Option<&str> {
        self.plan.get()?.stray.as_deref()
    }
}
