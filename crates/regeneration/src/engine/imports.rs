//! Files that the model's sources import, and documents that they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evergen_artifact::Digest;
use evergen_knowledge::{Catalog, Documents};

use crate::project::Project;
use crate::report::{Diagnostic, Severity};

/// The catalog that Protégé and other editors keep beside an ontology.
const XML_CATALOG: &str = "catalog-v001.xml";

/// What each source imports, by IRI.
pub(super) type Imports = BTreeMap<String, Vec<String>>;

/// Local copies by IRI: those of `[model] imports`, then those of an XML catalog.
pub(super) fn catalog(project: &Project) -> Result<Catalog, Diagnostic> {
    let mut catalog = Catalog::from_map(&project.root, &project.settings.model.imports);
    if let Ok(text) = std::fs::read_to_string(project.root.join(XML_CATALOG)) {
        let other = Catalog::from_xml(&text, &project.root).map_err(|error| {
            Diagnostic::error("model::catalog", crate::error::chain(&error)).in_file(XML_CATALOG)
        })?;
        catalog.extend(other);
    }
    Ok(catalog)
}

/// The documents that JSON-LD sources may name as contexts.
pub(super) fn documents(catalog: &Catalog) -> Result<Documents, Diagnostic> {
    catalog
        .load_documents()
        .map_err(|error| Diagnostic::error("model::document", crate::error::chain(&error)))
}

/// The digest of all that decides what the same source files say.
pub(super) fn reading_digest(project: &Project) -> Digest {
    let model = &project.settings.model;
    let mut ruling =
        serde_json::to_string(&(&model.base, &model.imports, &model.limits)).unwrap_or_default();
    let mut add = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        ruling.push_str(&Digest::of(&bytes).to_string());
    };
    add(&project.root.join(XML_CATALOG));
    if let Ok(catalog) = catalog(project) {
        let documents = catalog.entries().filter(|(_, path)| {
            path.extension().is_some_and(|end| end == "jsonld" || end == "json")
        });
        documents.for_each(|(_, path)| add(path));
    }
    Digest::of(ruling.as_bytes())
}

/// The files that are reached from the roots by imports, roots not included: the path
/// that is shown, and the one to open.
pub(super) fn reached(
    project: &Project,
    catalog: &Catalog,
    roots: impl Iterator<Item = String>,
    imports: &Imports,
) -> BTreeMap<String, PathBuf> {
    let mut queue: Vec<String> = roots.collect();
    let mut seen: BTreeSet<String> = queue.iter().cloned().collect();
    let mut found = BTreeMap::new();
    while let Some(name) = queue.pop() {
        for iri in imports.get(&name).into_iter().flatten() {
            let Some(path) = catalog.resolve(iri) else { continue };
            let shown = shown(project, &path);
            if seen.insert(shown.clone()) {
                queue.push(shown.clone());
                found.insert(shown, path);
            }
        }
    }
    found
}

/// Imports for which there is no local copy.
pub(super) fn unresolved(catalog: &Catalog, imports: &Imports) -> Vec<Diagnostic> {
    let mut notices = Vec::new();
    for (source, iris) in imports {
        for iri in iris.iter().filter(|iri| catalog.resolve(iri).is_none()) {
            let message = format!("<{iri}> is imported, and no local copy of it is known");
            notices.push(
                Diagnostic::new(Severity::Notice, "model::import", message)
                    .in_file(source.as_str())
                    .with_help("name one in [model] imports, or in catalog-v001.xml; nothing is fetched from the network"),
            );
        }
    }
    notices
}

fn shown(project: &Project, path: &Path) -> String {
    let relative = path.strip_prefix(&project.root).unwrap_or(path);
    relative.to_string_lossy().into_owned()
}
