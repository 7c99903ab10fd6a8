//! References that name packages: Python, Java, Kotlin, Go.

use super::Resolver;
use super::paths::{folder, join};

impl Resolver<'_> {
    pub(super) fn python(
        &self,
        from: &str,
        level: u32,
        module: &[String],
        names: &[String],
    ) -> Option<String> {
        let root = if level > 0 {
            ancestor(from, level)?
        } else {
            self.python_root(from, module.first()?)?
        };
        let base = join(&root, &module.join("/"))?;
        let Some(file) = self.python_file(&base) else {
            if base.is_empty() || self.tree.has_folder(&base) {
                return self.missing_in_folder(&base, level, names);
            }
            let written = format!("{}{}", ".".repeat(level as usize), module.join("."));
            return Some(format!("there is no module `{written}`: no file `{base}.py`"));
        };
        let is_missing = |name: &&String| {
            self.surely_lacks(&file, name)
                && !(file.ends_with("__init__.py") && self.is_module(&base, name))
        };
        let missing = names.iter().find(is_missing)?;
        Some(format!("`{file}` has no `{missing}`"))
    }

    /// A folder without `__init__.py` gives nothing but the modules in it.
    fn missing_in_folder(&self, base: &str, level: u32, names: &[String]) -> Option<String> {
        let missing =
            names.iter().find(|name| !self.is_module(base, name)).filter(|_| level > 0)?;
        Some(format!("there is no module `{missing}` in the folder `{base}`"))
    }

    fn is_module(&self, base: &str, name: &str) -> bool {
        join(base, name)
            .is_some_and(|path| self.python_file(&path).is_some() || self.tree.has_folder(&path))
    }

    fn python_file(&self, base: &str) -> Option<String> {
        let inner = |name: &str| join(base, name).unwrap_or_default();
        [format!("{base}.py"), format!("{base}.pyi"), inner("__init__.py"), inner("__init__.pyi")]
            .into_iter()
            .find(|path| self.tree.has(path))
    }

    /// The nearest folder above `from` that is no package itself and has `first` in it.
    fn python_root(&self, from: &str, first: &str) -> Option<String> {
        let mut at = folder(from);
        loop {
            let is_package = self.tree.has(&join(at, "__init__.py")?);
            if !is_package && self.python_file(&join(at, first)?).is_some() {
                return Some(at.to_owned());
            }
            if at.is_empty() {
                return None;
            }
            at = folder(at);
        }
    }

    /// A class of a package that the tree declares must be in it. Only what is
    /// spelt like a class is asked for: functions of Kotlin are found less surely.
    pub(super) fn package(&self, name: &str) -> Option<String> {
        let mut package = name;
        let names = loop {
            let (before, _) = package.rsplit_once('.')?;
            package = before;
            if let Some(names) = self.packages.get(package) {
                break names;
            }
        };
        let class = name[package.len() + 1..].split('.').next()?;
        let is_class = class.starts_with(char::is_uppercase);
        (is_class && !names.contains(class))
            .then(|| format!("the package `{package}` has no `{class}`"))
    }

    pub(super) fn go(&self, path: &str) -> Option<String> {
        let (at, rest) = self.tree.go_modules.iter().find_map(|(at, module)| {
            let rest = path.strip_prefix(module.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((at, rest))
        })?;
        let wanted = join(at, rest)?;
        let is_there = self.tree.paths.iter().any(|file| {
            file.rsplit_once('.').is_some_and(|(_, ending)| ending == "go")
                && folder(file) == wanted
        });
        (!is_there).then(|| format!("there is no package `{path}`: no file of Go in `{wanted}`"))
    }
}

/// The folder that `level` dots name from a file.
fn ancestor(from: &str, level: u32) -> Option<String> {
    let mut at = folder(from);
    // The root of the tree may lie inside of a package, or be none.
    for _ in 1..level {
        if at.is_empty() {
            return None;
        }
        at = folder(at);
    }
    (level == 1 || !at.is_empty()).then(|| at.to_owned())
}
