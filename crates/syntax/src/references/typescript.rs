//! Modules that TypeScript and JavaScript import by a relative path.

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_syntax::module_record::{
    ExportExportName, ExportImportName, ImportImportName, ModuleRecord,
};

use super::{Raw, Target};
use crate::Language;
use crate::judges::typescript::parser;

pub(super) fn read(language: Language, text: &str) -> Raw {
    let allocator = Allocator::default();
    let parsed = parser(&allocator, language, text).parse();
    let record = &parsed.module_record;
    let mut raw = Raw { is_open: !record.star_export_entries.is_empty(), ..Raw::default() };
    // Scripts and `declare global` give names in other ways.
    raw.is_open |=
        !record.has_module_syntax || text.contains("export =") || text.contains("module.exports");
    raw.provided.extend(provided(record));
    raw.outgoing.extend(requested(record));
    for import in &record.dynamic_imports {
        let range = import.module_request.start as usize..import.module_request.end as usize;
        let quoted = text.get(range.clone()).unwrap_or_default();
        let path = quoted.trim_matches(['"', '\'', '`']);
        if is_relative(path) && path.len() + 2 == quoted.len() && !path.contains("${") {
            raw.outgoing
                .push((range, Target::Specifier { path: path.to_owned(), names: Vec::new() }));
        }
    }
    raw.outgoing.sort_by_key(|(range, _)| range.start);
    raw
}

fn is_relative(path: &str) -> bool {
    path == "." || path == ".." || path.starts_with("./") || path.starts_with("../")
}

fn provided<'r>(record: &'r ModuleRecord<'_>) -> impl Iterator<Item = String> + 'r {
    record.local_export_entries.iter().chain(&record.indirect_export_entries).filter_map(|entry| {
        match &entry.export_name {
            ExportExportName::Name(name) => Some(name.name.to_string()),
            _ => None,
        }
    })
}

fn requested(record: &ModuleRecord<'_>) -> Vec<(std::ops::Range<usize>, Target)> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in &record.import_entries {
        if let ImportImportName::Name(name) = &entry.import_name {
            names
                .entry(entry.module_request.name.to_string())
                .or_default()
                .push(name.name.to_string());
        }
    }
    for entry in &record.indirect_export_entries {
        if let (Some(module), ExportImportName::Name(name)) =
            (&entry.module_request, &entry.import_name)
        {
            names.entry(module.name.to_string()).or_default().push(name.name.to_string());
        }
    }
    let relative = record.requested_modules.iter().filter(|(path, _)| is_relative(path));
    relative
        .filter_map(|(path, places)| {
            let place = places.first()?.span;
            let mut names = names.remove(path.as_str()).unwrap_or_default();
            names.retain(|name| name != "default");
            names.sort();
            let target = Target::Specifier { path: path.to_string(), names };
            Some((place.start as usize..place.end as usize, target))
        })
        .collect()
}
