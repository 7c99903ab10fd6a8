use crate::{GateInfo, Needs, Subject, SubjectError, SubjectFile};

/// What one gate is to judge, and what its answer depends on besides.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// The files to be judged.
    pub(super) files: Vec<SubjectFile>,
    /// What the answer on any of them depends on, too.
    pub(super) context: Vec<SubjectFile>,
}

impl Selection {
    /// Nothing where the changes mean nothing to the gate. Walks the subject's folder where that
    /// is needed, so it blocks.
    pub(super) fn of(subject: &Subject, info: &GateInfo) -> Result<Option<Self>, SubjectError> {
        let (scope, whole) = (&info.scope, info.needs == Needs::Tree);
        // Of a gate that sees the whole tree and does not say what it reads, anything may be read.
        let reads = |path: &str| scope.reads(path) || (whole && !scope.says_what_it_reads());
        let changed = subject.changed().iter().map(SubjectFile::path);
        let touched: Vec<&str> =
            changed.chain(subject.removed().iter().map(|path| &**path)).collect();
        let rules_changed = touched.iter().any(|path| reads(path));
        if !rules_changed && !touched.iter().any(|path| scope.judges(path)) {
            return Ok(None);
        }
        // Other rules may judge otherwise what was judged before.
        let judged = if whole || rules_changed { subject.files()? } else { subject.changed() };
        let files: Vec<SubjectFile> =
            judged.iter().filter(|file| scope.judges(file.path())).cloned().collect();
        let is_removed = || whole && subject.removed().iter().any(|path| scope.judges(path));
        if files.is_empty() && !is_removed() {
            return Ok(None);
        }
        let context = if whole || scope.says_what_it_reads() {
            let read = subject.files()?.iter().filter(|file| reads(file.path()));
            read.cloned().collect()
        } else {
            Vec::new()
        };
        Ok(Some(Self { files, context }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Folder, GateKind, Scope};
    use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};

    /// Over a folder of `a.py`, `b.py`, `ruff.toml` and `README`: which files are judged when
    /// those of `changes` change, or are removed where they begin with a minus.
    fn check(needs: Needs, scope: Scope, changes: &[&str], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.py", "b.py", "ruff.toml", "README"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let change = |text: &&str| match text.strip_prefix('-') {
            Some(path) => ProposedChange::remove(ArtifactPath::parse(path).unwrap(), "x"),
            None => ProposedChange::write(ArtifactPath::parse(text).unwrap(), "x", *b"new", true),
        };
        let changes = ProposedChanges::new(changes.iter().map(change).collect());
        let subject = Subject::of_changes_over(Folder::new(folder.path()), "", &changes);
        let info = GateInfo::new("g", GateKind::Lint).needing(needs).with_scope(scope);
        let selection = Selection::of(&subject, &info).unwrap();
        let said = selection.map_or("none".to_owned(), |selection| {
            let paths = selection.files.iter().map(SubjectFile::path);
            paths.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(said, expected, "{changes:?}");
    }

    fn python() -> Scope {
        Scope::extensions(["py"]).reading(["ruff.toml"]).unwrap()
    }

    #[test]
    fn a_gate_over_single_files_judges_what_changed() {
        check(Needs::Changed, python(), &["a.py", "README"], "a.py");
        check(Needs::Changed, python(), &["README"], "none");
        check(Needs::Changed, python(), &["-a.py"], "none");
        check(Needs::Changed, python(), &["ruff.toml"], "a.py b.py");
    }

    #[test]
    fn a_gate_over_the_tree_judges_all_of_it_if_anything_of_it_changed() {
        check(Needs::Tree, python(), &["c.py"], "a.py b.py c.py");
        check(Needs::Tree, python(), &["-a.py"], "b.py");
        check(Needs::Tree, python(), &["-a.py", "-b.py"], "");
        check(Needs::Tree, python(), &["README"], "none");
        check(Needs::Tree, Scope::extensions(["py"]), &["README"], "a.py b.py");
    }
}
