//! `evergen gates list`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Selection;
use crate::console::{Console, Ink};
use crate::failure::{Failure, Verdict};
use crate::gates::{Gates, Offer};
use crate::project::Chosen;

/// What `evergen gates list --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct GatesListReport {
    /// Every gate that can be asked.
    gates: Vec<Listed>,
}

/// A gate that can be asked.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Listed {
    /// Its name.
    name: String,
    /// What it judges, like `syntax` or `security`.
    kind: String,
    /// Where it comes from.
    origin: Provider,
    /// Who asks it.
    asked: Asked,
}

/// Where a gate comes from.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Provider {
    /// It looks by itself.
    BuiltIn,
    /// A tool that is known.
    Tool,
    /// A tool or a load of the settings.
    Settings,
}

/// Who asks a gate.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Asked {
    /// `run` and `watch`, before they commit.
    BeforeCommit,
    /// `evergen gates`.
    OnRequest,
    /// Nobody who does not name it.
    ByName,
}

pub(super) fn list(selection: &Selection, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], selection, console)?;
    let gates = Gates::of_project(&chosen)?;
    let mut listed = Vec::new();
    for (name, offer) in gates.offers() {
        let Some(gate) = gates.gate(&name)? else { continue };
        let origin = match offer {
            Offer::BuiltIn => Provider::BuiltIn,
            Offer::Ready => Provider::Tool,
            Offer::Configured => Provider::Settings,
        };
        let asked = if gates.settings.before_commit.contains(&name) {
            Asked::BeforeCommit
        } else if gates.settings.on_request.contains(&name) {
            Asked::OnRequest
        } else {
            Asked::ByName
        };
        listed.push(Listed {
            name,
            kind: format!("{:?}", gate.info().kind).to_lowercase(),
            origin,
            asked,
        });
    }
    if console.is_json() {
        console.object(&GatesListReport { gates: listed });
        return Ok(Verdict::Yes);
    }
    for gate in &listed {
        let asked = match gate.asked {
            Asked::BeforeCommit => console.ink(Ink::Green, "asked before each commit"),
            Asked::OnRequest => "asked by `evergen gates`".to_owned(),
            Asked::ByName => console.ink(Ink::Dim, "asked by name"),
        };
        console.line(format!("{:<16} {:<13} {asked}", gate.name, gate.kind));
    }
    Ok(Verdict::Yes)
}
