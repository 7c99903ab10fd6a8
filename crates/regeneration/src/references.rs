//! References between generated files, and which of them lead nowhere.

use std::path::{Path, PathBuf};

use evergen_artifact::ArtifactPath;

use crate::project::Project;

/// A reference to a file that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dangling {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) target: String,
}

/// Finds relative imports of Rust, TypeScript, JavaScript and Python files that name
/// no file in the output folder.
pub(crate) fn dangling(project: &Project, paths: &[ArtifactPath]) -> Vec<Dangling> {
    let root = project.output_dir();
    let mut found = Vec::new();
    for path in paths {
        let Some(find) = finder(path.as_str()) else { continue };
        let Ok(text) = std::fs::read_to_string(root.join(path.as_str())) else { continue };
        for (index, line) in text.lines().enumerate() {
            let Some(target) = find(line.trim()) else { continue };
            let candidates = candidates(path.as_str(), target);
            if !candidates.is_empty()
                && !candidates.iter().any(|candidate| root.join(candidate).exists())
            {
                found.push(Dangling {
                    file: path.to_string(),
                    line: index + 1,
                    target: target.to_owned(),
                });
            }
        }
    }
    found
}

type Finder = fn(&str) -> Option<&str>;

fn finder(path: &str) -> Option<Finder> {
    Some(match Path::new(path).extension()?.to_str()? {
        "rs" => rust_module,
        "ts" | "tsx" | "js" | "mjs" | "jsx" | "mts" => script_import,
        "py" => python_import,
        _ => return None,
    })
}

/// `mod name;` with any visibility.
fn rust_module(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub").map_or(line, |rest| {
        rest.trim_start()
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest)
    });
    let name = rest.trim_start().strip_prefix("mod ")?.strip_suffix(';')?.trim();
    Some(name.strip_prefix("r#").unwrap_or(name))
}

/// The relative path in `import … from "./x"`, `export … from './x'` or `import "./x"`.
fn script_import(line: &str) -> Option<&str> {
    if !line.starts_with("import") && !line.starts_with("export") && !line.starts_with('}') {
        return None;
    }
    let quote = line.find(['"', '\''])?;
    let rest = &line[quote + 1..];
    let target = &rest[..rest.find(['"', '\''])?];
    target.starts_with('.').then_some(target)
}

/// The relative module in `from .x import y`.
fn python_import(line: &str) -> Option<&str> {
    let module = line.strip_prefix("from ")?.split_once(" import ")?.0.trim();
    (module.starts_with('.') && !module.trim_start_matches('.').is_empty()).then_some(module)
}

/// The files that a reference may mean.
fn candidates(file: &str, target: &str) -> Vec<PathBuf> {
    let file = Path::new(file);
    let folder = file.parent().unwrap_or(Path::new(""));
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let below = match stem {
                "lib" | "main" | "mod" => folder.to_owned(),
                _ => folder.join(stem),
            };
            vec![below.join(format!("{target}.rs")), below.join(target).join("mod.rs")]
        }
        Some("py") => python_candidates(folder, target),
        _ => script_candidates(folder, target),
    }
}

fn python_candidates(folder: &Path, target: &str) -> Vec<PathBuf> {
    let name = target.trim_start_matches('.');
    let mut base = folder.to_owned();
    for _ in 1..(target.len() - name.len()) {
        base.pop();
    }
    let below = name.split('.').fold(base, |path, part| path.join(part));
    vec![below.with_extension("py"), below.join("__init__.py")]
}

fn script_candidates(folder: &Path, target: &str) -> Vec<PathBuf> {
    let whole = folder.join(target);
    let text = whole.to_string_lossy().into_owned();
    let bare =
        [".js", ".mjs", ".jsx"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(&text);
    let mut candidates = vec![whole.clone()];
    for end in ["ts", "tsx", "mts", "d.ts", "js", "json"] {
        candidates.push(PathBuf::from(format!("{bare}.{end}")));
        candidates.push(PathBuf::from(format!("{text}/index.{end}")));
    }
    candidates
}
