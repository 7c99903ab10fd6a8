//! `[[passes]]`: programs that rewrite rendered texts.

use std::path::Path;
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

use evergen_artifact::{ArtifactPath, Digest};
use evergen_quality_gates::TextFilter;
use evergen_regeneration::{PassError, PassSettings, Passes, TextPass};
use globset::{Glob, GlobSet, GlobSetBuilder};
use tokio::runtime::Runtime;

/// The passes of a project; `root` is the folder in which their programs are looked for first.
pub(crate) fn passes(root: &Path, settings: &[PassSettings]) -> Passes {
    let passes = settings.iter().map(|settings| FilterPass::new(root, settings));
    Passes::new(passes.map(|pass| Arc::new(pass) as Arc<dyn TextPass>))
}

/// Where programs are waited for. It is made for the first of them, and lives as long as the
/// process, as whoever drops a project may not be allowed to wait.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
});

/// A program as a pass.
struct FilterPass {
    settings: PassSettings,
    files: GlobSet,
    /// A program that belongs to the project, as it is: it changes without a new version.
    own_program: Option<Digest>,
    /// The program, or why there is none.
    filter: Result<Arc<TextFilter>, PassError>,
}

impl FilterPass {
    fn new(root: &Path, settings: &PassSettings) -> Self {
        let mut files = GlobSetBuilder::new();
        // They were checked with the settings.
        for glob in settings.files.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
            files.add(glob);
        }
        Self {
            files: files.build().unwrap_or_default(),
            own_program: settings
                .command
                .first()
                .filter(|program| program.contains('/') && !Path::new(program).is_absolute())
                .and_then(|program| std::fs::read(root.join(program)).ok())
                .map(|bytes| Digest::of(&bytes)),
            filter: filter(root, settings).map(Arc::new),
            settings: settings.clone(),
        }
    }
}

fn filter(root: &Path, settings: &PassSettings) -> Result<TextFilter, PassError> {
    let (program, arguments) = settings
        .command
        .split_first()
        .ok_or_else(|| PassError::new("no command is named").with_help("name one in `command`"))?;
    // A program with a folder belongs to the project.
    let program = if program.contains('/') {
        root.join(program).display().to_string()
    } else {
        program.clone()
    };
    let version = &settings.version;
    let filter = TextFilter::new(program, arguments.iter().cloned(), version).map_err(|_| {
        let message = format!("there is no version number in its `version`, \"{version}\"");
        PassError::new(message)
            .with_help("write what the program says, like `version = \"ruff 0.14.2\"`")
    })?;
    Ok(filter
        .with_version_arguments(settings.version_arguments.iter().cloned())
        .with_home(root)
        .with_patience(Duration::from_secs(settings.patience)))
}

impl TextPass for FilterPass {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn digest(&self) -> Digest {
        let PassSettings { files, command, version, .. } = &self.settings;
        // Lists of texts always have a JSON form.
        let own = self.own_program.map(|digest| digest.to_string());
        let all = serde_json::to_string(&(files, command, version, own));
        Digest::of(all.unwrap_or_default().as_bytes())
    }

    fn takes(&self, path: &ArtifactPath) -> bool {
        self.files.is_match(path.as_str())
    }

    fn apply(&self, path: &ArtifactPath, text: &[u8]) -> Result<Vec<u8>, PassError> {
        let filter = Arc::clone(self.filter.as_ref().map_err(PassError::clone)?);
        let runtime = RUNTIME
            .as_ref()
            .map_err(|error| PassError::new(format!("the runtime can't be started: {error}")))?;
        let (path, text) = (path.as_str().to_owned(), text.to_vec());
        // The thread may be one of another runtime, on which nothing can be waited for.
        let (answer, answered) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            // Whoever asked is waiting below.
            let _ = answer.send(filter.apply(&path, &text).await);
        });
        let result = answered.recv().map_err(|_| PassError::new("it broke down"))?;
        result.map_err(|fault| PassError::new(fault.to_string()).with_help(fault.advice()))
    }
}
