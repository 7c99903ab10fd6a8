//! What each language takes for a name, written down anew.

use evergen_regeneration::NameKind::{self, Member, Method, Module, Package, Property, Type};
use unicode_normalization::UnicodeNormalization as _;

/// What has to differ between two texts for their names to differ.
pub(crate) fn key(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    lower.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether the name can be what it is for.
pub(crate) fn takes(language: &str, kind: NameKind, name: &str) -> bool {
    let ascii = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = |c: char| unicode_ident::is_xid_continue(c) && u32::from(c) < 0x1_0000;
    let begins = |c: char| c == '_' || unicode_ident::is_xid_start(c);
    let first = name.chars().next().unwrap_or(' ');
    let has = |allowed: &dyn Fn(char) -> bool| name.chars().all(allowed);
    let kebab = |c: char| ascii(c) && !c.is_ascii_uppercase() || c == '-';
    let identifier = begins(first) && has(&word);
    let is_nfkc = name.nfkc().eq(name.chars());
    is_nfkc
        && name.len() <= if language == "sql" && kind != Module { 63 } else { 200 }
        && !is_reserved(language, kind, name)
        && match (language, kind) {
            ("rust", Property | Method) => {
                let bare = name.strip_prefix("r#").unwrap_or(name);
                begins(first) && bare.chars().all(word)
            }
            ("rust", Package) => has(&kebab) && (first == '_' || first.is_ascii_lowercase()),
            ("typescript", Module) => has(&|c| word(c) || c == '-'),
            ("typescript", Package) => has(&kebab) && first.is_ascii_alphanumeric(),
            ("python", Package) => {
                has(&|c| ascii(c) && !c.is_ascii_uppercase())
                    && first.is_ascii_lowercase()
                    && !name.ends_with('_')
            }
            ("go", Module) => has(&word) && first != '_',
            ("go", Package) => {
                has(&|c| ascii(c) && !c.is_ascii_uppercase())
                    && first.is_ascii_lowercase()
                    && !name.ends_with("_test")
            }
            ("go", _) => has(&word) && first.is_uppercase(),
            ("kotlin", Property | Method) => {
                let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
                bare.is_some_and(|bare| bare.bytes().all(|b| b.is_ascii_lowercase())) || identifier
            }
            ("sql", Module) | ("jsonschema" | "openapi", Property) => has(&word),
            ("sql", _) => identifier && !has_ascii_upper(name),
            ("graphql" | "jsonschema" | "openapi", Module | Package) => has(&kebab),
            ("graphql", _) => has(&ascii) && !first.is_ascii_digit() && !name.starts_with("__"),
            ("protobuf", Module) => has(&ascii) && !has_ascii_upper(name),
            ("jsonschema" | "openapi", Member) => has(&ascii),
            ("protobuf" | "jsonschema" | "openapi", _) => has(&ascii) && !first.is_ascii_digit(),
            _ => identifier,
        }
}

fn has_ascii_upper(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_uppercase())
}

/// A sample of the words that can't be used, and of those that nobody should use.
fn is_reserved(language: &str, kind: NameKind, name: &str) -> bool {
    let words = match (language, kind) {
        (_, Module) if language != "java" => {
            "con aux nul prn com1 lpt9 Con Aux Nul Prn Com1 index lib main"
        }
        ("rust", Type) => "Self String Option Vec Box Result Some None Default",
        ("rust", Member) => "Self",
        ("rust", Property | Method) => "type self crate super fn gen async await match _",
        ("rust", Package) => "type self core std alloc test",
        ("typescript", Type) => "Object Date Map Symbol Error Promise Array Record",
        ("typescript", Property | Method) => "constructor toString valueOf hasOwnProperty",
        ("typescript", Package) => "http fs path",
        ("python", Type) => "None True False Exception Any",
        ("python", Property | Method) => "class None lambda await str list field dt",
        ("python", Package) => "class json typing os",
        // Not `test`: the toolchain promises users that it stays theirs.
        ("go", Package) => "main type string internal vendor testdata",
        ("java", Type | Module) => "String Object Record Override List Con",
        ("java", Property | Method) => "class int true wait hashCode toString _",
        ("java", Package) => "java int class",
        ("kotlin", Type) => "String Any Unit List Pair",
        ("kotlin", Property | Method) => "in is object class fun",
        ("csharp", Type) => "String Object DateTime Uri Type Task",
        ("csharp", Property | Method) => "Equals GetHashCode ToString Clone",
        ("csharp", Package) => "System Microsoft",
        ("sql", Type) => "order user table text date pg_class",
        ("sql", Property) => "order user table ctid xmin end",
        ("sql", Package) => "user information_schema pg_x",
        ("graphql", Type) => "String Int ID Query",
        ("graphql", Member) => "true false null",
        ("protobuf", Package) => "google",
        _ => "",
    };
    if kind == Module {
        let own = match language {
            "rust" => "lib main mod type core std",
            "typescript" => "index",
            "python" => "class None",
            "go" => "a_test a_linux linux_amd64",
            _ => "",
        };
        let devices = "con aux nul prn com1 lpt9";
        let lower = name.to_lowercase();
        return own.split(' ').any(|word| word == name)
            || devices.split(' ').any(|word| word == lower);
    }
    words.split(' ').any(|word| word == name)
}
