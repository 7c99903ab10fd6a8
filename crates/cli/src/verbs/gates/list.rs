//! `evergen gates list`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Selection;
use crate::console::{Console, Ink};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::gates::{Gates, Installed, Offer};
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
    /// Whether its tool is installed and can be used; left out for a gate that needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed: Option<bool>,
    /// The tool and its version, where it is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// What is wrong with the tool, and what to do, where it can't be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
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
    let offers = gates.offers();
    let names: Vec<String> = offers.iter().map(|(name, _)| name.clone()).collect();
    let mut listed = Vec::new();
    for ((name, offer), installed) in offers.into_iter().zip(gates.installed(&names)?) {
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
        let (installed, tool, missing) = match installed {
            // Its parsers are a part of evergen.
            _ if matches!(origin, Provider::BuiltIn) => (None, None, None),
            Installed::BuiltIn => (None, None, None),
            Installed::Yes(tool) => (Some(true), Some(tool), None),
            Installed::No(fault) => {
                (Some(false), None, Some(format!("{fault}. {}", fault.advice())))
            }
        };
        listed.push(Listed {
            name,
            kind: format!("{:?}", gate.info().kind).to_lowercase(),
            origin,
            asked,
            installed,
            tool,
            missing,
        });
    }
    if console.is_json() {
        console.object(&GatesListReport { gates: listed });
        return Ok(Verdict::Yes);
    }
    for gate in &listed {
        let asked = match gate.asked {
            Asked::BeforeCommit => "asked before each commit",
            Asked::OnRequest => "asked by `evergen gates`",
            Asked::ByName => "asked by name",
        };
        let tool = match (&gate.tool, gate.installed) {
            (Some(tool), _) => console.ink(Ink::Green, tool),
            (None, Some(_)) => console.ink(Ink::Yellow, "not usable here"),
            (None, None) => console.ink(Ink::Dim, "built in"),
        };
        console.line(format!("{:<16} {:<13} {asked:<25} {tool}", gate.name, gate.kind));
        if let Some(missing) = gate.missing.as_ref().filter(|_| console.is_verbose()) {
            console.line(format!("  {}", shown(missing)));
        }
    }
    Ok(Verdict::Yes)
}
