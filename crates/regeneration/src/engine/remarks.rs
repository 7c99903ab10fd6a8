//! What the views of the model found odd in it, told with the place where it stands.

use std::collections::HashMap;
use std::sync::Arc;

use evergen_delta::EncodedQuad;
use evergen_knowledge::Model;

use super::sources;
use crate::project::Project;
use crate::report::{Diagnostic, Severity};
use crate::template::asked::Answers;
use crate::view::Remark;

/// So many are told with an excerpt; a model that has more needs a person's attention anyhow.
const TOLD: usize = 20;

/// Warnings for what was remarked while the questions of a cycle were answered.
pub(super) fn warnings(project: &Project, model: &Model, answers: &Answers) -> Vec<Diagnostic> {
    let remarks = answers.remarks();
    let (told, more) = remarks.split_at(remarks.len().min(TOLD));
    let quads: Vec<EncodedQuad> = told.iter().flat_map(|one| &one.evidence).copied().collect();
    let places = sources::places(project, model, &quads);
    let mut texts = Texts::new(project);
    let mut warnings: Vec<Diagnostic> = told
        .iter()
        .map(|remark| {
            let place = remark.evidence.iter().filter_map(|quad| places.get(quad));
            let place = place.min_by_key(|(file, line)| (line.is_none(), file, *line));
            texts.place(warning(remark), place)
        })
        .collect();
    if !more.is_empty() {
        let message = format!("the model has {} more contradictions", more.len());
        let help = "mend those above, and run again to see the others";
        warnings.push(
            Diagnostic::new(Severity::Notice, "model::contradiction", message).with_help(help),
        );
    }
    warnings
}

fn warning(remark: &Remark) -> Diagnostic {
    Diagnostic::new(Severity::Warning, "model::contradiction", &*remark.message)
        .with_help(&*remark.help)
}

/// The texts of the sources, each read once.
struct Texts<'a> {
    project: &'a Project,
    known: HashMap<String, Option<Arc<str>>>,
}

impl<'a> Texts<'a> {
    fn new(project: &'a Project) -> Self {
        Self { project, known: HashMap::new() }
    }

    fn place(&mut self, warning: Diagnostic, place: Option<&(String, Option<u32>)>) -> Diagnostic {
        let Some((file, line)) = place else { return warning };
        let warning = warning.in_file(file.clone());
        let root = &self.project.root;
        let text = self
            .known
            .entry(file.clone())
            .or_insert_with(|| std::fs::read_to_string(root.join(file)).ok().map(Arc::from));
        match (text, line) {
            (Some(text), Some(line)) => match span(text, *line) {
                Some(span) => warning.at(Arc::clone(text), span),
                None => warning,
            },
            _ => warning,
        }
    }
}

/// The bytes of a line without its indentation: offset and length.
fn span(text: &str, line: u32) -> Option<(usize, usize)> {
    let mut start = 0;
    let before = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref().take(before) {
        start += line.len();
    }
    let found = lines.next()?.trim_end();
    let indent = found.len() - found.trim_start().len();
    Some((start + indent, found.len() - indent))
}
