use evergen_regeneration::LanguageProfile;

use crate::fragments::expand;
use crate::{Python, Rust, TypeScript};

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
fn fragments_stand_for_their_text() {
    assert_eq!(expand("a @nothing b@c"), "a @nothing b@c");
    let expanded = expand("FILTER(@generated(?class))");
    assert!(!expanded.contains('@') && !expanded.contains("?it"), "{expanded}");
    assert!(
        expanded.contains("?class a owl:Class") && expanded.contains("?class_twin"),
        "{expanded}"
    );
}
