//! `evergen config`.

use evergen_regeneration::{EffectiveValue, Origin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Asked, Config, Schema};
use crate::console::{Console, Ink};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::schemas::schemas;

/// What `config show --json` prints.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ConfigReport {
    /// The project's folder.
    root: String,
    /// The file with the settings, relative to the folder.
    file: Option<String>,
    /// Every value in force and where it comes from.
    values: Vec<EffectiveValue>,
}

pub(super) fn config(part: &Config, console: &mut Console) -> Result<Verdict, Failure> {
    match part {
        Config::Show(asked) => show(asked, console),
        Config::Schema(arguments) => schema(arguments, console),
    }
}

fn show(asked: &Asked, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&asked.paths, &asked.selection, console)?;
    let root = chosen.place.root.to_string_lossy().into_owned();
    let file = chosen.place.configuration.clone();
    let values = chosen.effective.values;
    if console.is_json() {
        console.object(&ConfigReport { root, file, values });
        return Ok(Verdict::Yes);
    }
    let lines: Vec<_> = values
        .iter()
        .map(|value| (shown(&format!("{} = {}", value.key, value.value)), &value.origin))
        .collect();
    let width = lines.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0).min(60);
    for (text, origin) in lines {
        let ink = if *origin == Origin::Default { Ink::Dim } else { Ink::Cyan };
        let origin = console.ink(ink, format!("# {origin}"));
        console.line(format!("{text:width$}  {origin}"));
    }
    Ok(Verdict::Yes)
}

fn schema(arguments: &Schema, console: &mut Console) -> Result<Verdict, Failure> {
    let all = schemas();
    let Some(found) = all.iter().find(|schema| schema.name == arguments.name) else {
        let names: Vec<_> = all.iter().map(|schema| format!("`{}`", schema.name)).collect();
        return Err(Failure::usage(
            format!("there is no schema `{}`", arguments.name),
            format!("there are {}", names.join(", ")),
        ));
    };
    console.write(&found.text());
    Ok(Verdict::Yes)
}
