//! The packs with their templates.

use std::borrow::Cow;
use std::sync::Arc;

use evergen_regeneration::{LanguageProfile, Languages, NameKeeper, Pack, PackFile, Views};
use evergen_schema::Options;

use crate::fragments::expand;
use crate::{
    CSharp, Go, GraphQl, Java, JsonSchema, Kotlin, OpenApi, Protobuf, Python, Rust, SchemaNames,
    SchemaView, Sql, TypeScript,
};

/// The packs that are built in, by name: python, rust, typescript.
pub fn packs() -> Vec<Pack> {
    vec![
        pack(
            "python",
            &[
                ("_names.j2", include_str!("../templates/python/_names.j2")),
                ("class.j2", include_str!("../templates/python/class.j2")),
                ("enumeration.j2", include_str!("../templates/python/enumeration.j2")),
                ("init.j2", include_str!("../templates/python/init.j2")),
                ("pyproject.j2", include_str!("../templates/python/pyproject.j2")),
                ("typed.j2", include_str!("../templates/python/typed.j2")),
            ],
        ),
        pack(
            "rust",
            &[
                ("_names.j2", include_str!("../templates/rust/_names.j2")),
                ("class.j2", include_str!("../templates/rust/class.j2")),
                ("enumeration.j2", include_str!("../templates/rust/enumeration.j2")),
                ("lib.j2", include_str!("../templates/rust/lib.j2")),
                ("manifest.j2", include_str!("../templates/rust/manifest.j2")),
            ],
        ),
        pack(
            "typescript",
            &[
                ("_names.j2", include_str!("../templates/typescript/_names.j2")),
                ("class.j2", include_str!("../templates/typescript/class.j2")),
                ("enumeration.j2", include_str!("../templates/typescript/enumeration.j2")),
                ("index.j2", include_str!("../templates/typescript/index.j2")),
                ("package.j2", include_str!("../templates/typescript/package.j2")),
                ("tsconfig.j2", include_str!("../templates/typescript/tsconfig.j2")),
            ],
        ),
    ]
}

/// The languages that templates can name.
pub fn languages() -> Languages {
    let profiles: [Arc<dyn LanguageProfile>; 12] = [
        Arc::new(CSharp),
        Arc::new(Go),
        Arc::new(GraphQl),
        Arc::new(Java),
        Arc::new(JsonSchema),
        Arc::new(Kotlin),
        Arc::new(OpenApi),
        Arc::new(Protobuf),
        Arc::new(Python),
        Arc::new(Rust),
        Arc::new(Sql),
        Arc::new(TypeScript),
    ];
    profiles.into_iter().fold(Languages::new(), Languages::with)
}

fn pack(name: &'static str, files: &[(&'static str, &'static str)]) -> Pack {
    let shared = ("_model.j2", include_str!("../templates/shared/_model.j2"));
    let file = |(path, text): &(&'static str, &'static str)| PackFile {
        path: Cow::Borrowed(*path),
        text: Cow::Owned(expand(text)),
    };
    Pack { name, files: files.iter().chain([&shared]).map(file).collect() }
}

/// The views of the model that templates can ask: `schema`.
pub fn views() -> Views {
    Views::new().with(Arc::new(SchemaView::new(Options::default())))
}

/// Who keeps the names of a model.
pub fn name_keeper() -> Arc<dyn NameKeeper> {
    Arc::new(SchemaNames::new(Options::default()))
}
