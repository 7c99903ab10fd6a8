//! References that name files: `$ref`, imports of protocol buffers, specifiers, modules of Rust.

use super::Resolver;

/// The folder of a path; empty at the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `relative` from `folder`; nothing where it leads out of the tree.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What a specifier may leave out, or name by what it is compiled to.
const ENDINGS: &[&str] =
    &["", ".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"];
const COMPILED: &[(&str, &[&str])] = &[
    (".js", &[".ts", ".tsx", ".d.ts"]),
    (".jsx", &[".tsx"]),
    (".mjs", &[".mts", ".d.mts"]),
    (".cjs", &[".cts", ".d.cts"]),
];

impl Resolver<'_> {
    pub(super) fn file(&self, from: &str, path: &str) -> Option<String> {
        let wanted = join(folder(from), path)?;
        (!self.tree.has(&wanted)).then(|| format!("there is no file `{wanted}`"))
    }

    pub(super) fn rooted(&self, path: &str) -> Option<String> {
        let below = format!("/{path}");
        let is_there = self.tree.paths.iter().any(|one| *one == path || one.ends_with(&below));
        (!is_there).then(|| format!("there is no file `{path}` below any folder of the tree"))
    }

    pub(super) fn specifier(&self, from: &str, path: &str, names: &[String]) -> Option<String> {
        let base = join(folder(from), path)?;
        let Some(file) = self.specified(&base) else {
            return Some(format!("there is no module `{path}`: no file `{base}` with any ending"));
        };
        let missing = names.iter().find(|name| self.surely_lacks(&file, name))?;
        Some(format!("`{file}` exports no `{missing}`"))
    }

    fn specified(&self, base: &str) -> Option<String> {
        let plain = ENDINGS.iter().map(|ending| format!("{base}{ending}"));
        let compiled =
            COMPILED.iter().filter_map(|(from, to)| Some((base.strip_suffix(from)?, to)));
        let compiled =
            compiled.flat_map(|(stem, to)| to.iter().map(move |ending| format!("{stem}{ending}")));
        let index = ENDINGS[1..]
            .iter()
            .map(|ending| join(base, &format!("index{ending}")).unwrap_or_default());
        plain.chain(compiled).chain(index).find(|path| self.tree.has(path))
    }

    pub(super) fn rust_module(
        &self,
        from: &str,
        inside: &[String],
        name: &str,
        path: Option<&str>,
    ) -> Option<String> {
        let own = children_folder(from);
        let (wanted, other) = match path {
            // From the folder of the file, or of the inline modules around it.
            Some(path) if inside.is_empty() => (join(folder(from), path)?, None),
            Some(path) => (join(&join(&own, &inside.join("/"))?, path)?, None),
            None => {
                let base = join(&join(&own, &inside.join("/"))?, name)?;
                (format!("{base}.rs"), Some(format!("{base}/mod.rs")))
            }
        };
        let is_there = self.tree.has(&wanted) || other.is_some_and(|other| self.tree.has(&other));
        (!is_there).then(|| format!("there is no file for the module `{name}`: no `{wanted}`"))
    }

    pub(super) fn rust_path(&self, from: &str, segments: &[String]) -> Option<String> {
        let (first, rest) = segments.split_first()?;
        let starts = match first.as_str() {
            "crate" => self.crate_roots(from),
            "self" => vec![from.to_owned()],
            _ => self.parent_module(from).into_iter().collect(),
        };
        if starts.iter().any(|start| starts_elsewhere(self, start)) {
            return None;
        }
        let missing: Vec<String> =
            starts.iter().filter_map(|start| self.walk(start, rest)).collect();
        if starts.is_empty() || missing.len() < starts.len() {
            None
        } else {
            missing.into_iter().next()
        }
    }

    /// Follows segments from module to module; the first that is surely not there.
    fn walk(&self, start: &str, segments: &[String]) -> Option<String> {
        let mut module = start.to_owned();
        for segment in segments {
            if segment == "super" {
                module = self.parent_module(&module)?;
                continue;
            }
            let name = segment.strip_prefix("r#").unwrap_or(segment);
            let base = join(&children_folder(&module), name)?;
            let files = [format!("{base}.rs"), format!("{base}/mod.rs")];
            if self.surely_lacks(&module, segment) {
                return Some(format!("the module in `{module}` has no `{segment}`"));
            }
            module = files.into_iter().find(|file| self.tree.has(file))?;
        }
        None
    }

    fn crate_roots(&self, from: &str) -> Vec<String> {
        if is_root(from) {
            return vec![from.to_owned()];
        }
        let mut at = folder(from);
        loop {
            let roots = ["lib.rs", "main.rs"].map(|name| join(at, name).unwrap_or_default());
            let roots: Vec<String> = roots.into_iter().filter(|root| self.tree.has(root)).collect();
            if !roots.is_empty() || at.is_empty() {
                return roots;
            }
            at = folder(at);
        }
    }

    fn parent_module(&self, of: &str) -> Option<String> {
        if is_root(of) {
            return None;
        }
        let name = of.rsplit('/').next()?;
        let own = folder(of);
        let above = if name == "mod.rs" { folder(own) } else { own };
        let named = |file: &str| join(above, file);
        [Some(format!("{above}.rs")), named("mod.rs"), named("lib.rs"), named("main.rs")]
            .into_iter()
            .flatten()
            .find(|path| self.tree.has(path) && path != of)
    }
}

/// Whether the crate moves modules by `#[path]`, so that its files tell nothing of its paths.
fn starts_elsewhere(resolver: &Resolver<'_>, start: &str) -> bool {
    let below = folder(start);
    resolver.known.iter().filter(|(path, _)| path.starts_with(below)).any(|(_, known)| {
        let moved = |one: &super::Reference| {
            matches!(&one.target, super::Target::RustModule { path: Some(_), .. })
        };
        known.outgoing.iter().any(moved)
    })
}

/// Whether a file is the root of a crate by where it stands.
fn is_root(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let parent = folder(path).rsplit('/').next().unwrap_or_default();
    matches!(name, "lib.rs" | "main.rs" | "build.rs")
        || matches!(parent, "bin" | "tests" | "examples" | "benches")
}

/// Where the files of a file's child modules lie.
fn children_folder(path: &str) -> String {
    if is_root(path) || path.ends_with("/mod.rs") || path == "mod.rs" {
        return folder(path).to_owned();
    }
    path.trim_end_matches(".rs").to_owned()
}
