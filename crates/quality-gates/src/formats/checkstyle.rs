use super::Parsed;
use super::xml::{self, Element};
use crate::{Coverage, Fault, Finding, Region, Severity};

/// Reads Checkstyle's report.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let root = xml::parse(what, bytes)?;
    if root.name != "checkstyle" {
        return Err(Fault::unparsable(what, format!("<{}> is not checkstyle's", root.name)));
    }
    // `<exception>` is how Checkstyle says that it broke down over a file.
    if let Some(exception) = root.all("exception").first() {
        let first = exception.text.trim().lines().next().unwrap_or("nothing").to_owned();
        return Err(Fault::infra(
            format!("it broke down over a file: {first}"),
            "Run the tool by hand on the same files to see why.",
        ));
    }
    let mut findings = Vec::new();
    let mut files = 0;
    for file in root.children("file") {
        files += 1;
        let Some(name) = file.attribute("name") else {
            return Err(Fault::unparsable(what, "a file has no name"));
        };
        findings.extend(file.children("error").filter_map(|error| finding(name, error)));
    }
    Ok(Parsed { findings, coverage: Coverage::of_files(files), says_files: false })
}

fn finding(file: &str, error: &Element) -> Option<Finding> {
    let severity = match error.attribute("severity") {
        Some("ignore") => return None,
        Some("info") => Severity::Note,
        Some("warning") => Severity::Warning,
        _ => Severity::Error,
    };
    let rule = error.attribute("source").filter(|source| !source.is_empty());
    let message = error.attribute("message").unwrap_or("without a message");
    let finding = Finding::new(severity, rule.unwrap_or("checkstyle"), message).in_file(file);
    Some(match (error.number::<u32>("line"), error.number::<u32>("column")) {
        // Zero is how some say that it is about the whole file.
        (None | Some(0), _) => finding,
        (Some(line), None | Some(0)) => finding.at_line(line),
        (Some(line), Some(column)) => finding.at(Region::at(line, column)),
    })
}
