use std::collections::BTreeMap;

use evergen_syntax::{
    FileReferences, Language, References, Tree, UnreadReferences, references, resolve,
};
use futures::future::{BoxFuture, FutureExt};

use super::syntax::{ENDINGS, fault, identity, small};
use crate::{
    Cost, Coverage, Examination, Fault, Finding, Gate, GateInfo, GateKind, Identity, Needs,
    Outcome, Region, Scope, SubjectFile,
};

/// Whether what the files of a tree import from each other is there: modules, files, and the names
/// that are taken from them.
///
/// What may come from outside the tree is taken for there. A file that is not well-formed has
/// unknown references, so that nothing passes while there is one.
#[derive(Clone, Debug)]
pub struct ImportGate {
    info: GateInfo,
}

impl Default for ImportGate {
    fn default() -> Self {
        Self::new()
    }
}

impl ImportGate {
    /// A gate called `imports`, over all files whose language has imports.
    pub fn new() -> Self {
        let scope = Scope::extensions(ENDINGS.iter().copied().chain(["kt", "kts", "mod"]))
            .only("names of a language, or of a module of Go", |path| {
                is_go_module(path) || Language::of_path(path).is_some()
            });
        let info = GateInfo::new("imports", GateKind::Imports)
            .with_scope(scope)
            .needing(Needs::Tree)
            .with_cost(Cost::Instant)
            .with_settings("1");
        Self { info }
    }

    /// Changes its name, its scope, or what comes before it.
    #[must_use]
    pub fn with_info(mut self, change: impl FnOnce(GateInfo) -> GateInfo) -> Self {
        self.info = change(self.info);
        self
    }
}

impl Gate for ImportGate {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        async { Ok(identity()) }.boxed()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move {
            let looked = tokio::task::spawn_blocking(move || look(&examination)).await;
            match looked {
                Ok(outcome) => outcome.unwrap_or_else(Outcome::Error),
                Err(error) => super::performance::broke_down(&error),
            }
        }
        .boxed()
    }
}

fn look(examination: &Examination) -> Result<Outcome, Fault> {
    let everything = examination.subject().files()?;
    let mut tree = Tree::new(everything.iter().map(SubjectFile::path));
    let mut known: BTreeMap<&str, (Language, References)> = BTreeMap::new();
    let (mut asked, mut unread, mut modules) = (0, 0, 0);
    for file in examination.files() {
        if is_go_module(file.path()) {
            let text = file.text()?.unwrap_or_default();
            tree = tree.with_go_module(file.path(), &text);
            modules += 1;
        }
        let Some(language) = Language::of_path(file.path()) else { continue };
        asked += 1;
        match references(language, &file.bytes()?) {
            Ok(found) => {
                known.insert(file.path(), (language, found));
            }
            Err(UnreadReferences::Unjudged(unjudged)) => return Err(fault(file.path(), &unjudged)),
            Err(_) => unread += 1,
        }
    }
    if unread > 0 {
        return Err(Fault::infra(
            format!(
                "{unread} of {asked} files are not well-formed, so what they import is unknown"
            ),
            "Mend their syntax first; the gate `syntax` names the places.",
        ));
    }
    if asked == 0 {
        return Ok(Outcome::NotApplicable);
    }
    let files: Vec<FileReferences<'_>> = known
        .iter()
        .map(|(path, (language, references))| FileReferences::new(path, *language, references))
        .collect();
    let findings = resolve(&tree, &files).into_iter().map(|one| {
        let region = Region::at(small(one.reference.line), small(one.reference.column));
        Finding::error("imports/dangling", one.message).in_file(one.path).at(region)
    });
    Ok(Outcome::of(findings.collect(), Coverage::of_files(asked + modules)))
}

fn is_go_module(path: &str) -> bool {
    path == "go.mod" || path.ends_with("/go.mod")
}
