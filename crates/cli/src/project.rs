//! A project with its settings, as a verb opens it.

use std::path::{Path, PathBuf};

use evergen_regeneration::{
    Access, Diagnostic, EffectiveSettings, Origin, Project, RegenerationEngine, Settings,
    SettingsLayers,
};

use crate::arguments::{Asked, Selection};
use crate::composition;
use crate::console::Console;
use crate::failure::Failure;
use crate::origin::{self, Place};
use crate::short::ShortNames;

const NO_PROJECT: &str = "\
go to a folder with an `evergen.toml`, start a project with `evergen init`, \
or name a model: `evergen run model.ttl --lang rust --out gen`";

/// The project that the arguments mean, and all settings in force.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The current folder.
    pub(crate) here: PathBuf,
    pub(crate) place: Place,
    pub(crate) effective: EffectiveSettings,
    /// How statements are shown to a person.
    pub(crate) short: ShortNames,
}

impl Chosen {
    /// Finds the project and puts its settings together, for a verb that needs a
    /// model.
    pub(crate) fn find(asked: &Asked, console: &mut Console) -> Result<Self, Failure> {
        let chosen = Self::with_any_settings(&asked.paths, &asked.selection, console)?;
        chosen.need_model()?;
        Ok(chosen)
    }

    /// The same for a verb that is given no model.
    pub(crate) fn find_here(selection: &Selection, console: &mut Console) -> Result<Self, Failure> {
        let chosen = Self::with_any_settings(&[], selection, console)?;
        chosen.need_model()?;
        Ok(chosen)
    }

    /// Finds the project, whether or not a run of it could succeed.
    pub(crate) fn with_any_settings(
        paths: &[PathBuf],
        selection: &Selection,
        console: &mut Console,
    ) -> Result<Self, Failure> {
        let chosen = Self::look(paths, selection)?;
        console.stand_in(&chosen.place.root, &chosen.here);
        Ok(chosen)
    }

    /// The project in this folder, whoever asks from wherever.
    pub(crate) fn at(root: &Path) -> Result<Self, Failure> {
        let selection = Selection { root: Some(root.to_owned()), ..Selection::default() };
        Self::look(&[], &selection)
    }

    fn look(paths: &[PathBuf], selection: &Selection) -> Result<Self, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::storage("finding the current folder", &error))?;
        let place = Place::find(paths, selection, &here)?;
        let layers = layers(&place, selection, &here)?;
        let effective = layers.finish().map_err(Failure::settings)?;
        let short = ShortNames::of(&effective.settings);
        Ok(Self { here, place, effective, short })
    }

    /// Finds the project again, as its configuration says now.
    pub(crate) fn again(asked: &Asked) -> Result<Self, Failure> {
        let chosen = Self::look(&asked.paths, &asked.selection)?;
        chosen.need_model()?;
        Ok(chosen)
    }

    /// Opens the engine. Nothing is written without the right to.
    pub(crate) fn open(&self, access: Access) -> Result<RegenerationEngine, Failure> {
        Ok(RegenerationEngine::open(self.project(), access)?)
    }

    /// The project with everything that is built in.
    pub(crate) fn project(&self) -> Project {
        self.project_with(|_| {})
    }

    /// The same with other settings.
    pub(crate) fn project_with(&self, change: impl FnOnce(&mut Settings)) -> Project {
        let mut settings = self.effective.settings.clone();
        change(&mut settings);
        if !settings.regeneration.target_languages.is_empty() {
            // The default folder is for those who have templates of their own.
            settings.regeneration.template_dirs.retain(|folder| self.is_folder(folder));
        }
        composition::project(&self.place.root, settings)
    }

    /// The output folder; absolute.
    pub(crate) fn output(&self) -> PathBuf {
        origin::absolute(
            Path::new(&self.effective.settings.regeneration.output_dir),
            &self.place.root,
        )
    }

    /// A file of the output folder as a person sees it from the current folder.
    pub(crate) fn shown(&self, path: &str) -> String {
        origin::from_here(&self.output().join(path), &self.here)
    }

    fn is_folder(&self, folder: &str) -> bool {
        self.place.root.join(folder).is_dir()
    }

    pub(crate) fn need_model(&self) -> Result<(), Failure> {
        let settings = &self.effective.settings;
        let configuration = self.place.configuration.as_deref();
        if settings.model.sources.is_empty() {
            return Err(match configuration {
                None => {
                    Failure::usage("there is no project here and no model is named", NO_PROJECT)
                }
                Some(file) => Failure::settings(vec![
                    Diagnostic::error("config::missing", "no model is named")
                        .in_file(file)
                        .with_help(
                            "name it under `[model]`, like `sources = [\"model/**/*.ttl\"]`",
                        ),
                ]),
            });
        }
        let generation = &settings.regeneration;
        let has_templates = generation.template_dirs.iter().any(|folder| self.is_folder(folder));
        if has_templates || !generation.target_languages.is_empty() {
            return Ok(());
        }
        Err(self.nothing_to_generate(&generation.template_dirs))
    }

    fn nothing_to_generate(&self, folders: &[String]) -> Failure {
        let Some(file) = self.place.configuration.as_deref() else {
            return Failure::usage(
                "nothing says what to generate from the model",
                "choose languages, like `--lang rust,typescript,python`, or a folder with \
                 templates of your own, `--templates DIR`",
            );
        };
        let missing = match folders {
            [] => "no templates and no languages are named".to_owned(),
            folders => format!("there is no template folder `{}`", folders.join("`, `")),
        };
        Failure::settings(vec![
            Diagnostic::error("config::no_generators", missing).in_file(file).with_help(
                "make the folder, name another in `template_dirs`, or choose built-in packs, like \
                 `target_languages = [\"rust\"]`",
            ),
        ])
    }
}

/// Settings from the file, the environment and the command line.
fn layers(place: &Place, selection: &Selection, here: &Path) -> Result<SettingsLayers, Failure> {
    let mut layers = SettingsLayers::default();
    match &place.configuration {
        Some(file) => {
            let path = place.root.join(file);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Failure::storage(format!("reading `{}`", path.display()), &error)
            })?;
            layers.add_file(&text, file);
        }
        // The current folder is not a project: a folder `templates` in it need not
        // be meant for evergen.
        None => layers.set_list("regeneration.template_dirs", Vec::new(), Origin::Default),
    }
    layers.add_environment(variables());
    flags(&mut layers, place, selection, here)?;
    Ok(layers)
}

fn flags(
    layers: &mut SettingsLayers,
    place: &Place,
    selection: &Selection,
    here: &Path,
) -> Result<(), Failure> {
    let flag = |name: &str| Origin::Flag { name: name.to_owned() };
    let to_root = |path: &PathBuf| origin::to_root(path, &place.root, here);
    if !place.sources.is_empty() {
        layers.set_list("model.sources", place.sources.clone(), flag("PATH"));
    }
    if !selection.lang.is_empty() {
        let languages = selection.lang.iter().map(|name| name.trim().to_owned());
        layers.set_list("regeneration.target_languages", languages.collect(), flag("--lang"));
    }
    if let Some(out) = &selection.out {
        layers.set("regeneration.output_dir", &to_root(out), flag("--out"));
    }
    if !selection.templates.is_empty() {
        let folders = selection.templates.iter().map(to_root).collect();
        layers.set_list("regeneration.template_dirs", folders, flag("--templates"));
    }
    if let Some(workers) = selection.workers {
        layers.set("regeneration.parallel_workers", &workers.to_string(), flag("--workers"));
    }
    if selection.full {
        layers.set("regeneration.incremental", "false", flag("--full"));
    }
    for assignment in &selection.set {
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(Failure::usage(
                format!("`--set {assignment}` has no `=`"),
                "write it like `--set limits.fuel=100000`",
            ));
        };
        layers.set(key.trim(), value, flag(&format!("--set {key}")));
    }
    Ok(())
}

/// The variables of the environment whose names and values are texts.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
