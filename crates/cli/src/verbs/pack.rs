//! `evergen pack`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use evergen_regeneration::Pack;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{PackEject, PackPart, Selection};
use crate::composition;
use crate::console::{Console, Ink};
use crate::failure::{Failure, Verdict};
use crate::new_file::create_new;
use crate::project::Chosen;

/// What `pack list --json` and `pack eject --json` print.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PackReport {
    /// The packs, by name.
    packs: Vec<PackState>,
}

/// One pack.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct PackState {
    /// The name by which `target_languages` and `--lang` choose it.
    name: String,
    /// Whether the project asks for it.
    chosen: bool,
    /// How many templates of it are built in.
    built_in: usize,
    /// The templates that the project has in place of built-in ones, or besides them.
    own: Vec<String>,
    /// The templates that were copied just now.
    written: Vec<String>,
}

pub(super) fn pack(part: &PackPart, console: &mut Console) -> Result<Verdict, Failure> {
    match part {
        PackPart::List(selection) => list(selection, console),
        PackPart::Eject(arguments) => eject(arguments, console),
    }
}

fn list(selection: &Selection, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], selection, console)?;
    let folder = pack_folder(&chosen);
    let mut names: Vec<String> =
        composition::packs().iter().map(|pack| pack.name.to_owned()).collect();
    names.extend(folders(&chosen.place.root.join(&folder))?);
    names.sort();
    names.dedup();
    let packs = names.into_iter().map(|name| state(&chosen, &folder, name));
    let report = PackReport { packs: packs.collect::<Result<_, _>>()? };
    if console.is_json() {
        console.object(&report);
        return Ok(Verdict::Yes);
    }
    for pack in &report.packs {
        let sign =
            if pack.chosen { console.ink(Ink::Green, "*") } else { console.ink(Ink::Dim, "-") };
        let own = match pack.own.len() {
            0 => String::new(),
            count => format!(", {count} of the project's own in {folder}/{}", pack.name),
        };
        console.line(format!("{sign} {:<12} {} templates{own}", pack.name, pack.built_in));
    }
    Ok(Verdict::Yes)
}

fn eject(arguments: &PackEject, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], &arguments.selection, console)?;
    let folder = pack_folder(&chosen);
    let packs = composition::packs();
    let pack = find(&packs, &arguments.name)?;
    let target = chosen.place.root.join(&folder).join(pack.name);
    let mut written = Vec::new();
    for file in &pack.files {
        let path = target.join(&*file.path);
        match create_new(&path, &file.text) {
            Ok(true) => written.push(file.path.clone().into_owned()),
            Ok(false) => {}
            Err(error) => {
                return Err(Failure::storage(format!("writing `{}`", path.display()), &error));
            }
        }
    }
    let state = PackState { written, ..state(&chosen, &folder, pack.name.to_owned())? };
    if console.is_json() {
        console.object(&PackReport { packs: vec![state] });
        return Ok(Verdict::Yes);
    }
    for path in &state.own {
        if state.written.contains(path) {
            let sign = console.ink(Ink::Green, "+");
            console.line(format!("  {sign} {folder}/{}/{path}", state.name));
        } else {
            let note = console.ink(Ink::Dim, "(was there, kept as it is)");
            console.line(format!("  = {folder}/{}/{path} {note}", state.name));
        }
    }
    if !state.chosen {
        let hint =
            format!("note: the project does not ask for {}; see target_languages", pack.name);
        console.remark(&hint);
    }
    Ok(Verdict::Yes)
}

fn find<'a>(packs: &'a [Pack], name: &str) -> Result<&'a Pack, Failure> {
    let languages = composition::languages();
    let own = languages.get(name).map_or(name, |profile| profile.name());
    packs.iter().find(|pack| pack.name == own).ok_or_else(|| {
        let known: Vec<&str> = packs.iter().map(|pack| pack.name).collect();
        let help = format!("there are packs for {}", known.join(", "));
        Failure::usage(format!("there is no pack `{name}`"), help)
    })
}

fn pack_folder(chosen: &Chosen) -> String {
    chosen.effective.settings.regeneration.pack_dir.trim_end_matches('/').to_owned()
}

fn state(chosen: &Chosen, folder: &str, name: String) -> Result<PackState, Failure> {
    let languages = composition::languages();
    let wanted = &chosen.effective.settings.regeneration.target_languages;
    let is_named = |wanted: &String| {
        languages.get(wanted).map_or(wanted.as_str(), |profile| profile.name()) == name
    };
    let built_in = composition::packs().into_iter().find(|pack| pack.name == name);
    Ok(PackState {
        chosen: wanted.iter().any(is_named),
        built_in: built_in.map_or(0, |pack| pack.files.len()),
        own: templates(&chosen.place.root.join(folder).join(&name))?,
        written: Vec::new(),
        name,
    })
}

/// The names of the folders in a folder; none if it is not there.
fn folders(folder: &Path) -> Result<Vec<String>, Failure> {
    let failed =
        |error: &std::io::Error| Failure::storage(format!("reading `{}`", folder.display()), error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(&error))?;
        if entry.path().is_dir() && entry.file_name() != "shared" {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The templates below a folder, by their paths in it.
fn templates(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let error = std::io::Error::from(error);
            Failure::storage(format!("reading `{}`", folder.display()), &error)
        })?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|end| end == "j2") {
            let name = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            found.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}
