//! The packs with their templates.

use std::borrow::Cow;
use std::sync::Arc;

use evergen_regeneration::{
    LanguageProfile, Languages, NameKeeper, Pack, PackFile, VersionKeeper, Views,
};
use evergen_schema::Options;

use crate::{
    CSharp, Go, GraphQl, Java, JsonSchema, Kotlin, OpenApi, Protobuf, Python, Rust, SchemaNames,
    SchemaVersion, SchemaView, Sql, TypeScript,
};

/// The files of a folder of templates, each with its name.
macro_rules! files {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../templates/", $folder, "/", $file)))),+]
    };
}

macro_rules! pack {
    ($name:literal: $($file:literal),+ $(,)?) => {
        pack($name, files!($name: $($file),+))
    };
}

/// What all packs can include.
const SHARED: &[File] = files!("shared": "_context.j2", "_json_common.j2", "_json_schema.j2");

/// A file's name, and its text.
type File = (&'static str, &'static str);

/// The packs that are built in, by name.
pub fn packs() -> Vec<Pack> {
    vec![
        pack!("csharp": "_csharp.j2", "class.j2", "context.j2", "datatype.j2", "datatypes.j2", "enumeration.j2", "facets.j2", "json.j2", "project.j2", "rdf.j2", "readme.j2", "types.j2"),
        pack!("go": "_values.j2", "class.j2", "context.j2", "datatype.j2", "enumeration.j2", "mod.j2", "readme.j2", "runtime.j2"),
        pack!("graphql": "_fields.j2", "_names.j2", "class.j2", "context.j2", "enumeration.j2", "readme.j2", "schema.j2", "values.j2"),
        pack!("java": "_java.j2", "class.j2", "context.j2", "datatype.j2", "datatypes.j2", "enumeration.j2", "facets.j2", "json.j2", "json_text.j2", "package_info.j2", "pom.j2", "rdf.j2", "readme.j2", "types.j2"),
        pack!("jsonschema": "class.j2", "common.j2", "context.j2", "datatype.j2", "enumeration.j2", "index.j2", "manifest.j2", "readme.j2"),
        pack!("kotlin": "_kotlin.j2", "build.j2", "class.j2", "context.j2", "datatype.j2", "datatypes.j2", "enumeration.j2", "facets.j2", "json.j2", "json_text.j2", "rdf.j2", "readme.j2", "settings.j2", "types.j2"),
        pack!("openapi": "class.j2", "common.j2", "context.j2", "datatype.j2", "enumeration.j2", "openapi.j2", "path.j2", "readme.j2", "redocly.j2", "responses.j2"),
        pack!("protobuf": "_enumeration.j2", "_message.j2", "_needs.j2", "_prefix.j2", "_protobuf.j2", "buf.j2", "common.j2", "model.j2", "readme.j2"),
        pack!("python": "_python.j2", "_rules.j2", "class.j2", "context.j2", "datatype.j2", "enumeration.j2", "init.j2", "literals.j2", "pyproject.j2", "readme.j2", "registry.j2", "runtime.j2", "typed.j2"),
        pack!("rust": "_list.j2", "_names.j2", "_tables.j2", "class.j2", "context.j2", "datatype.j2", "enumeration.j2", "lib.j2", "manifest.j2", "readme.j2", "runtime.j2", "runtime_check.j2", "runtime_error.j2", "runtime_instance.j2", "runtime_lexical.j2", "runtime_macros.j2", "runtime_order.j2", "runtime_table.j2", "runtime_value.j2", "types.j2"),
        pack!("sql": "_columns.j2", "_sql.j2", "all.j2", "class.j2", "datatype.j2", "enumeration.j2", "foreign_keys.j2", "instance.j2", "readme.j2"),
        pack!("typescript": "_layout.j2", "_values.j2", "class.j2", "context.j2", "datatype.j2", "enumeration.j2", "index.j2", "package.j2", "readme.j2", "runtime.j2", "tsconfig.j2"),
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

fn pack(name: &'static str, files: &[File]) -> Pack {
    let file =
        |(path, text): &File| PackFile { path: Cow::Borrowed(*path), text: Cow::Borrowed(*text) };
    Pack { name, files: files.iter().chain(SHARED).map(file).collect() }
}

/// The views of the model that templates can ask: `schema`.
pub fn views() -> Views {
    Views::new().with(Arc::new(SchemaView::new(Options::default())))
}

/// Who keeps the names of a model.
pub fn name_keeper() -> Arc<dyn NameKeeper> {
    Arc::new(SchemaNames::new(Options::default()))
}

/// Who keeps the version of what is generated.
pub fn version_keeper() -> Arc<dyn VersionKeeper> {
    Arc::new(SchemaVersion::new(Options::default()))
}
