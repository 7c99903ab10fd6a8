use std::collections::BTreeSet;
use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Which files are a gate's business.
///
/// Paths are relative to the tree's root. A file that the gate only *reads* (its settings, a
/// lock file) is not judged, but another content of it makes old verdicts worthless.
#[derive(Clone, Default)]
pub struct Scope {
    extensions: BTreeSet<String>,
    include: Option<Globs>,
    exclude: Option<Globs>,
    /// What is excluded by the whole's own names, and what stands before the tree's to get those.
    outside: Option<(String, Globs)>,
    reads: Option<Globs>,
    /// What makes a project of the tree.
    project: Option<Project>,
    all: bool,
    test: Option<Test>,
}

/// What makes a project of a tree, how that is called, and what may do so, too.
#[derive(Clone)]
struct Project {
    what: &'static str,
    signs: Globs,
    doubts: Option<Globs>,
}

/// What a name has to be besides, and what that is called in the cache's key.
#[derive(Clone, Copy)]
struct Test {
    name: &'static str,
    passes: fn(&str) -> bool,
}

#[derive(Clone)]
struct Globs {
    texts: Vec<String>,
    set: GlobSet,
}

/// A glob that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the glob {glob:?} can't be understood: {why}; write for example `src/**/*.py`")]
pub struct ScopeError {
    /// The glob.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature())
    }
}

impl Scope {
    /// All files.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Files whose name ends in a dot and one of these, whatever the case.
    pub fn extensions<'a>(extensions: impl IntoIterator<Item = &'a str>) -> Self {
        let extensions = extensions.into_iter().map(str::to_ascii_lowercase).collect();
        Self { extensions, ..Self::default() }
    }

    /// Files whose path matches one of these globs; `*` does not match a `/`.
    pub fn globs<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        Ok(Self { include: Some(Globs::new(globs)?), ..Self::default() })
    }

    /// But only those whose path passes a test; `name` says which, and changes with it.
    #[must_use]
    pub fn only(mut self, name: &'static str, passes: fn(&str) -> bool) -> Self {
        self.test = Some(Test { name, passes });
        self
    }

    /// But none of these.
    pub fn excluding<'a>(
        mut self,
        globs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScopeError> {
        self.exclude = Some(Globs::new(globs)?);
        Ok(self)
    }

    /// None of these either, besides those that are excluded already. `place` is where the tree
    /// lies in the whole, as [`Subject::place`](crate::Subject::place) says it; the globs are for
    /// paths from the whole's root.
    pub fn also_excluding<'a>(
        mut self,
        place: &str,
        globs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScopeError> {
        self.outside = Some((place.to_owned(), Globs::new(globs)?));
        Ok(self)
    }

    /// The verdict depends on these files too, such as the tool's settings.
    pub fn reading<'a>(
        mut self,
        globs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScopeError> {
        self.reads = Some(Globs::new(globs)?);
        Ok(self)
    }

    /// The tree must have one of these files, as a manifest: without it there is no project to
    /// look at, whatever other files there are. `what` is how it is called.
    pub fn within<'a>(
        mut self,
        what: &'static str,
        globs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScopeError> {
        self.project = Some(Project { what, signs: Globs::new(globs)?, doubts: None });
        Ok(self)
    }

    /// Where one of these is, nobody knows whether there is a project without a look: settings
    /// may give its files other names.
    pub fn doubting<'a>(
        mut self,
        globs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScopeError> {
        if let Some(project) = &mut self.project {
            project.doubts = Some(Globs::new(globs)?);
        }
        Ok(self)
    }

    /// What these files, which are all of a tree, do not have by which a project is known.
    pub fn lacks<'a>(&self, tree: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
        let project = self.project.as_ref()?;
        let is_there = tree.into_iter().any(|path| project.signs.set.is_match(path));
        (!is_there).then_some(project.what)
    }

    /// The same where there is no doubt.
    pub fn surely_lacks<'a>(
        &self,
        tree: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Option<&'static str> {
        let doubts = self.project.as_ref()?.doubts.as_ref();
        let is_doubtful = |path: &str| doubts.is_some_and(|globs| globs.set.is_match(path));
        let missing = self.lacks(tree.clone())?;
        (!tree.into_iter().any(is_doubtful)).then_some(missing)
    }

    /// Whether a file is to be judged.
    pub fn judges(&self, path: &str) -> bool {
        let included = self.all
            || extension(path).is_some_and(|extension| self.has_extension(extension))
            || self.include.as_ref().is_some_and(|globs| globs.set.is_match(path));
        let passes = self.test.is_none_or(|test| (test.passes)(path));
        let is_excluded = self.exclude.as_ref().is_some_and(|globs| globs.set.is_match(path))
            || self
                .outside
                .as_ref()
                .is_some_and(|(place, globs)| globs.set.is_match(format!("{place}{path}")));
        included && passes && !is_excluded
    }

    /// Whether the verdict depends on a file that is not judged. On what makes a project of the
    /// tree, and on what may do so, it depends in any case.
    pub fn reads(&self, path: &str) -> bool {
        let is_sign = |project: &Project| {
            let doubts = project.doubts.as_ref();
            project.signs.set.is_match(path) || doubts.is_some_and(|it| it.set.is_match(path))
        };
        self.reads.as_ref().is_some_and(|globs| globs.set.is_match(path))
            || self.project.as_ref().is_some_and(is_sign)
    }

    /// Whether it was said which files the verdict depends on besides those that are judged.
    pub fn says_what_it_reads(&self) -> bool {
        self.reads.is_some()
    }

    /// A text that is the same for the same scope, for the cache's key.
    pub fn signature(&self) -> String {
        let shown = |globs: &Option<Globs>| globs.as_ref().map(|globs| globs.texts.join(","));
        let project = self.project.as_ref();
        format!(
            "all={} only={:?} extensions={:?} include={:?} exclude={:?} outside={:?} reads={:?} \
             project={:?}",
            self.all,
            self.test.map(|test| test.name),
            self.extensions,
            shown(&self.include),
            shown(&self.exclude),
            self.outside.as_ref().map(|(place, globs)| (place, globs.texts.join(","))),
            shown(&self.reads),
            project.map(|project| (project.signs.texts.join(","), shown(&project.doubts)))
        )
    }

    fn has_extension(&self, extension: &str) -> bool {
        self.extensions.contains(extension)
            || (extension.bytes().any(|byte| byte.is_ascii_uppercase())
                && self.extensions.contains(&extension.to_ascii_lowercase()))
    }
}

impl Globs {
    fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        let mut texts = Vec::new();
        let mut builder = GlobSetBuilder::new();
        for text in globs {
            let wrong = |error: &globset::Error| ScopeError {
                glob: text.to_owned(),
                why: error.kind().to_string(),
            };
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            builder.add(glob.map_err(|error| wrong(&error))?);
            texts.push(text.to_owned());
        }
        let set = builder.build().map_err(|error| ScopeError {
            glob: texts.join(", "),
            why: error.kind().to_string(),
        })?;
        Ok(Self { texts, set })
    }
}

fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, extension)| extension)
}
