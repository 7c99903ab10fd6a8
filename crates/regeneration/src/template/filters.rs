//! Filters for names, terms and languages.

use std::borrow::Cow;
use std::sync::Arc;

use evergen_delta::TermRef;
use evergen_knowledge::Prefixes;
use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use unicode_width::UnicodeWidthStr as _;

use super::node::{self, Node, local_name};
use crate::language::{LanguageProfile, Languages, NameKind};
use crate::suggest;

/// Adds all filters; `own` is the language that the generator names.
pub(super) fn add(
    environment: &mut Environment<'static>,
    prefixes: &Arc<Prefixes>,
    languages: &Languages,
    own: Option<&Arc<dyn LanguageProfile>>,
) {
    environment.add_filter("local_name", |value: Value| {
        Ok::<_, Error>(Value::from(local_name(&text(&value)?)))
    });
    environment.add_filter("base_name", |value: Value| base_name(&value));
    environment.add_filter("columns", |value: Value| Ok::<_, Error>(text(&value)?.width()));
    environment.add_filter("bytes", |value: Value| Ok::<_, Error>(text(&value)?.len()));
    environment.add_filter("lang", lang);
    environment.add_filter("datatype", datatype);
    let known = Arc::clone(prefixes);
    environment.add_filter("iri", move |value: Value| iri(&value, &known));
    add_casing(environment);
    add_languages(environment, languages, own);
}

fn add_casing(environment: &mut Environment<'static>) {
    cased(environment, "snake", str::to_snake_case);
    cased(environment, "camel", str::to_lower_camel_case);
    cased(environment, "pascal", str::to_upper_camel_case);
    cased(environment, "kebab", str::to_kebab_case);
    cased(environment, "screaming_snake", str::to_shouty_snake_case);
}

fn cased(environment: &mut Environment<'static>, name: &'static str, case: fn(&str) -> String) {
    environment.add_filter(name, move |value: Value| text(&value).map(|text| case(&text)));
}

fn add_languages(
    environment: &mut Environment<'static>,
    languages: &Languages,
    own: Option<&Arc<dyn LanguageProfile>>,
) {
    type Answer = fn(&dyn LanguageProfile, &str) -> String;
    let texts: [(&'static str, Answer); 2] = [
        ("string", |profile, text| profile.string(text)),
        ("doc", |profile, text| profile.doc(text)),
    ];
    for (name, answer) in texts {
        let (languages, own) = (languages.clone(), own.cloned());
        environment.add_filter(name, move |value: Value, language: Option<String>| {
            let profile = choose(&languages, own.as_ref(), language.as_deref(), name)?;
            Ok::<_, Error>(answer(&**profile, &text(&value)?))
        });
    }
    let names: [(&'static str, Answer); 8] = [
        ("ident", |profile, text| profile.ident(text)),
        ("type", |profile, text| profile.native_type(text)),
        ("type_name", |profile, text| profile.name_for(NameKind::Type, text)),
        ("property_name", |profile, text| profile.name_for(NameKind::Property, text)),
        ("method_name", |profile, text| profile.name_for(NameKind::Method, text)),
        ("member_name", |profile, text| profile.name_for(NameKind::Member, text)),
        ("module_name", |profile, text| profile.name_for(NameKind::Module, text)),
        ("package_name", |profile, text| profile.name_for(NameKind::Package, text)),
    ];
    for (name, answer) in names {
        let (languages, own) = (languages.clone(), own.cloned());
        environment.add_filter(name, move |value: Value, language: Option<String>| {
            let profile = choose(&languages, own.as_ref(), language.as_deref(), name)?;
            let (text, spellings) = (text(&value)?, &languages.spellings);
            Ok::<_, Error>(spellings.of(name, profile, &text, || answer(&**profile, &text)))
        });
    }
    let (languages, own) = (languages.clone(), own.cloned());
    environment.add_filter(
        "comment",
        move |value: Value, indent: Option<usize>, language: Option<String>, options: Kwargs| {
            let width = options.get::<Option<usize>>("width")?.unwrap_or(COMMENT_WIDTH);
            options.assert_all_used()?;
            let profile = choose(&languages, own.as_ref(), language.as_deref(), "comment")?;
            let indent = indent.unwrap_or_default();
            if indent > MAX_INDENT {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("a comment can't stand behind {indent} spaces, at most {MAX_INDENT}"),
                ));
            }
            Ok(profile.comment(&text(&value)?, indent, width))
        },
    );
}

/// Every formatter lets lines of this width be.
const COMMENT_WIDTH: usize = 80;

/// Far more than code is ever indented by; each line of a comment holds that many spaces.
const MAX_INDENT: usize = 200;

fn choose<'a>(
    languages: &'a Languages,
    own: Option<&'a Arc<dyn LanguageProfile>>,
    wanted: Option<&str>,
    filter: &str,
) -> Result<&'a Arc<dyn LanguageProfile>, Error> {
    let fail = |message| Err(Error::new(ErrorKind::InvalidOperation, message));
    match wanted {
        Some(name) => languages.get(name).map_or_else(
            || {
                let instead = suggest::instead(name, "languages", languages.names());
                fail(format!("there is no language `{name}`; {instead}"))
            },
            Ok,
        ),
        None => own.map_or_else(
            || {
                fail(format!(
                    "`{filter}` needs a language: {filter}(\"rust\"), or `language` in the front matter"
                ))
            },
            Ok,
        ),
    }
}

/// What a value reads as: a node as its IRI or lexical form, a number or a truth as itself.
fn text(value: &Value) -> Result<Cow<'_, str>, Error> {
    if let Some(text) = value.as_str() {
        return Ok(Cow::Borrowed(text));
    }
    if let Some(node) = value.downcast_object_ref::<Node>() {
        return Ok(Cow::Borrowed(node.text()));
    }
    let refuse = |kind, message: String| Err(Error::new(kind, message));
    match value.kind() {
        ValueKind::Undefined => {
            refuse(ErrorKind::UndefinedError, "there is no value to take the text of".to_owned())
        }
        ValueKind::None => refuse(ErrorKind::UndefinedError, "`none` has no text".to_owned()),
        ValueKind::Bool | ValueKind::Number => Ok(Cow::Owned(value.to_string())),
        kind => refuse(
            ErrorKind::InvalidOperation,
            format!("a {kind} has no text; take one thing of it, as with `first` or a loop"),
        ),
    }
}

/// The name by which a thing goes in code, before its casing.
fn base_name(value: &Value) -> Result<String, Error> {
    match value.downcast_object_ref::<Node>() {
        Some(node) => Ok(node.base_name()),
        None => Ok(local_name(&text(value)?).to_owned()),
    }
}

fn iri(value: &Value, prefixes: &Prefixes) -> Result<String, Error> {
    match value.downcast_object_ref::<Node>().and_then(Node::term) {
        Some(TermRef::Iri(iri)) => Ok(iri.to_owned()),
        Some(term) => Err(Error::new(ErrorKind::InvalidOperation, format!("{term} is not an IRI"))),
        None => node::expand(&text(value)?, prefixes),
    }
}

fn lang(value: &Value) -> String {
    match value.downcast_object_ref::<Node>().and_then(Node::term) {
        Some(TermRef::Literal { language: Some(language), .. }) => language.to_owned(),
        _ => String::new(),
    }
}

fn datatype(value: &Value) -> String {
    match value.downcast_object_ref::<Node>().and_then(Node::term) {
        Some(TermRef::Literal { datatype, .. }) => datatype.to_owned(),
        _ => String::new(),
    }
}
