use evergen_regeneration::{LanguageProfile, NameKind};

use crate::datatype::Datatype;
use crate::languages;
use crate::words::{csharp, go, java, kotlin, python, rust, sql, typescript};
use crate::{CSharp, Java, Kotlin, Python, Rust, Sql, TypeScript};

/// One line for each language.
fn check(answers: impl Fn(&dyn LanguageProfile) -> String, expected: [&str; 3]) {
    let languages: [&dyn LanguageProfile; 3] = [&Rust, &TypeScript, &Python];
    assert_eq!(languages.map(answers), expected);
}

fn ident(name: &str, expected: [&str; 3]) {
    check(|language| language.ident(name), expected);
}

fn string(text: &str, expected: [&str; 3]) {
    check(|language| language.string(text), expected);
}

fn doc(text: &str, expected: [&str; 3]) {
    check(|language| language.doc(text), expected);
}

fn native(datatype: &str, expected: [&str; 3]) {
    check(|language| language.native_type(datatype), expected);
}

#[test]
fn reserved_words_are_changed_as_each_language_is_used_to() {
    ident("type", ["r#type", "type", "type"]);
    ident("class", ["class", "class_", "class_"]);
    ident("self", ["self_", "self", "self"]);
    ident("String", ["String_", "String", "String"]);
    ident("None", ["None", "None", "None_"]);
    ident("gen", ["r#gen", "gen", "gen"]);
    ident("list", ["list", "list", "list_"]);
}

#[test]
fn an_identifier_can_be_made_of_anything() {
    ident("", ["unnamed"; 3]);
    ident("_", ["unnamed"; 3]);
    ident("!?", ["unnamed"; 3]);
    ident("3d_model", ["_3d_model"; 3]);
    ident("a-b c", ["a_b_c"; 3]);
    ident("größe", ["größe"; 3]);
    ident("名前", ["名前"; 3]);
    ident("a\u{202e}b", ["a_b"; 3]);
}

#[test]
fn names_that_compare_equal_are_written_equal() {
    // Composed and decomposed; Python also takes a full-width letter for a plain one.
    ident("e\u{301}", ["é"; 3]);
    ident("ｃｌａｓｓ", ["ｃｌａｓｓ", "ｃｌａｓｓ", "class_"]);
}

#[test]
fn nothing_in_a_text_ends_its_literal() {
    string("say \"hi\" \\", [r#""say \"hi\" \\""#; 3]);
    string("a\nb\r\t", [r#""a\nb\r\t""#; 3]);
    string("\0\u{1b}", [r#""\0\u{1b}""#, r#""\u0000\u001b""#, r#""\x00\x1b""#]);
    string("\u{2028}", [r#""\u{2028}""#, r#""\u2028""#, r#""\u2028""#]);
    string("\u{202e}abc", [r#""\u{202e}abc""#, r#""\u202eabc""#, r#""\u202eabc""#]);
    string("\u{e0041}", [r#""\u{e0041}""#, r#""\u{e0041}""#, r#""\U000e0041""#]);
    string("👩‍🚒 größe", ["\"👩‍🚒 größe\""; 3]);
}

#[test]
fn a_backslash_frees_no_quote_in_sql() {
    assert_eq!(Sql.string("it's"), "'it''s'");
    assert_eq!(Sql.string("\\"), r"E'\\'");
    assert_eq!(Sql.string("\\'\\\"'\n"), r#"E'\\''\\"''\n'"#);
}

#[test]
fn nothing_in_a_text_is_a_tag_or_a_link() {
    let comment = |text: &str| TypeScript.comment(text, 0, 80);
    assert_eq!(comment("@a {@link b} */@c d@e.f"), "/** \\@a {\\@link b} *\\/\\@c d@e.f */\n");
    assert_eq!(comment("/@param"), "/** /\\@param */\n");
    let comment = |text: &str| Kotlin.comment(text, 0, 80);
    assert_eq!(comment("@a [b] /* */"), "/** &#64;a \\[b\\] &#47;* *&#47; */\n");
    assert_eq!(comment(r"\[b\]"), "/** \\\\\\[b\\\\\\] */\n");
}

#[test]
fn a_capital_letter_is_composed_with_its_mark() {
    assert_eq!(CSharp.name_for(NameKind::Type, "İstanbul"), "İstanbul");
    assert_eq!(Java.name_for(NameKind::Member, "diİ"), "DI_İ");
    assert_eq!(Java.name_for(NameKind::Property, "İstanbul"), "i\u{307}stanbul");
}

#[test]
fn nothing_in_a_text_ends_its_comment() {
    doc("a */ b", ["a */ b", "a *\\/ b", "a */ b"]);
    doc("/ b", ["/ b", "\\/ b", "/ b"]);
    doc("\"\"\" \\", ["\"\"\" \\", "\"\"\" \\", r#"\"\"" \\"#]);
    doc("ends with \"", ["ends with \"", "ends with \"", "ends with \\\""]);
    doc("\u{202e}x\0", ["U+202ExU+0000"; 3]);
}

#[test]
fn each_line_of_a_text_is_a_line_of_the_comment() {
    doc(
        "one\r\ntwo\rthree",
        ["one\n/// two\n/// three", "one\n * two\n * three", "one\ntwo\nthree"],
    );
    doc(
        "one\u{2028}two\u{85}three",
        ["one\n/// two\n/// three", "one\n * two\n * three", "one\ntwo\nthree"],
    );
    doc(
        "\n one\n\n\n   two\n     three\n\n",
        ["one\n///\n/// two\n///   three", "one\n *\n * two\n *   three", "one\n\ntwo\n  three"],
    );
}

#[test]
fn a_long_line_is_wrapped_below_its_bullet() {
    let text = "* ".to_owned() + &"word ".repeat(20);
    let line = format!("* {}", ["word"; 15].join(" "));
    let rest = format!("  {}", ["word"; 5].join(" "));
    assert_eq!(TypeScript.doc(&text), format!("{line}\n * {rest}"));
}

#[test]
fn datatypes_become_types() {
    const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
    for name in ["string", "anyURI", "token", "language", "QName", "gYear", "duration", "NMTOKENS"]
    {
        native(&format!("{XSD}{name}"), ["String", "string", "str"]);
    }
    native(&format!("{XSD}boolean"), ["bool", "boolean", "bool"]);
    native(&format!("{XSD}integer"), ["i64", "number", "int"]);
    native(&format!("{XSD}nonNegativeInteger"), ["u64", "number", "int"]);
    native(&format!("{XSD}byte"), ["i8", "number", "int"]);
    native(&format!("{XSD}unsignedShort"), ["u16", "number", "int"]);
    native(&format!("{XSD}decimal"), ["String", "string", "Decimal"]);
    native(&format!("{XSD}float"), ["f32", "number", "float"]);
    native(&format!("{XSD}double"), ["f64", "number", "float"]);
    native(&format!("{XSD}base64Binary"), ["Vec<u8>", "Uint8Array", "bytes"]);
    native(&format!("{XSD}dateTimeStamp"), ["String", "string", "dt.datetime"]);
    native(&format!("{XSD}dayTimeDuration"), ["String", "string", "dt.timedelta"]);
    native("http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON", ["String", "unknown", "object"]);
    native("http://www.w3.org/1999/02/22-rdf-syntax-ns#langString", ["String", "string", "str"]);
    native("http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML", ["String", "string", "str"]);
    native("https://schema.org/Number", ["f64", "number", "float"]);
    native("http://schema.org/Date", ["String", "string", "dt.date"]);
    native("http://example.org/unknown", ["String", "string", "str"]);
}

#[test]
fn lists_of_words_are_sorted_for_the_search_in_them() {
    let lists = [
        ("csharp::KEYWORDS", csharp::KEYWORDS),
        ("csharp::CONTEXTUAL", csharp::CONTEXTUAL),
        ("csharp::MEMBERS", csharp::MEMBERS),
        ("csharp::TYPES", csharp::TYPES),
        ("csharp::NAMESPACES", csharp::NAMESPACES),
        ("go::KEYWORDS", go::KEYWORDS),
        ("go::PREDECLARED", go::PREDECLARED),
        ("go::PROPERTIES", go::PROPERTIES),
        ("go::METHODS", go::METHODS),
        ("go::FILE_ENDS", go::FILE_ENDS),
        ("go::PACKAGES", go::PACKAGES),
        ("go::INITIALISMS", go::INITIALISMS),
        ("java::KEYWORDS", java::KEYWORDS),
        ("java::CONTEXTUAL", java::CONTEXTUAL),
        ("java::COMPONENTS", java::COMPONENTS),
        ("java::METHODS", java::METHODS),
        ("java::TYPES", java::TYPES),
        ("kotlin::KEYWORDS", kotlin::KEYWORDS),
        ("kotlin::METHODS", kotlin::METHODS),
        ("kotlin::TYPES", kotlin::TYPES),
        ("python::RESERVED", python::RESERVED),
        ("python::KEYWORDS", python::KEYWORDS),
        ("python::IN_CLASSES", python::IN_CLASSES),
        ("python::TYPES", python::TYPES),
        ("python::PACKAGES", python::PACKAGES),
        ("rust::MODULES", rust::MODULES),
        ("rust::RESERVED", rust::RESERVED),
        ("rust::UNFREED", rust::UNFREED),
        ("rust::TAKEN", rust::TAKEN),
        ("rust::TYPES", rust::TYPES),
        ("rust::METHODS", rust::METHODS),
        ("sql::RESERVED", sql::RESERVED),
        ("sql::NO_FUNCTIONS", sql::NO_FUNCTIONS),
        ("sql::FUNCTIONS", sql::FUNCTIONS),
        ("sql::COLUMNS", sql::COLUMNS),
        ("sql::TYPES", sql::TYPES),
        ("typescript::RESERVED", typescript::RESERVED),
        ("typescript::TYPES", typescript::TYPES),
        ("typescript::PACKAGES", typescript::PACKAGES),
    ];
    for (name, words) in lists {
        assert!(words.is_sorted_by(|a, b| a < b), "{name}");
    }
}

#[test]
fn all_datatypes_are_known() {
    assert!(Datatype::known().count() > 70);
    for datatype in Datatype::known() {
        let is_text = Datatype::of(&datatype) == Datatype::Text;
        let texts = "string normalizedString token language NMTOKEN NMTOKENS Name NCName ID IDREF IDREFS \
            ENTITY ENTITIES QName NOTATION HTML XMLLiteral Text CssSelectorType PronounceableText XPathType";
        let name = datatype.rsplit(['#', '/']).next().unwrap_or_default();
        assert_eq!(is_text, texts.split(' ').any(|text| text.trim() == name), "{datatype}");
    }
}

/// The table of types in the guide to languages is what the profiles say.
#[test]
fn the_table_of_types_is_true() {
    let guide = include_str!("../../../docs/languages.md");
    let languages = languages();
    let mut checked = 0;
    for table in guide.split("| datatype |").skip(1) {
        let mut lines = table.lines();
        let names: Vec<&str> = cells(lines.next().unwrap_or_default());
        for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
            let cells = cells(line.trim_start_matches('|'));
            for datatype in cells[0].split(", ") {
                let iri = datatype.trim_matches('`');
                for (name, expected) in names.iter().zip(&cells[1..]) {
                    let profile = languages.get(&name.to_lowercase().replace(' ', "")).unwrap();
                    let said = profile.native_type(&expand_prefix(iri));
                    assert_eq!(&format!("`{said}`"), expected, "{name}: {iri}");
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, Datatype::known().count() * 12);
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_end_matches('|').split(" | ").map(str::trim).collect()
}

fn expand_prefix(name: &str) -> String {
    let (prefix, local) = name.split_once(':').unwrap();
    let namespace = match prefix {
        "xsd" => "http://www.w3.org/2001/XMLSchema#",
        "rdf" => "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs" => "http://www.w3.org/2000/01/rdf-schema#",
        "owl" => "http://www.w3.org/2002/07/owl#",
        _ => "https://schema.org/",
    };
    format!("{namespace}{local}")
}
