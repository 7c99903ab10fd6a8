//! What compilers say: one file for each language that declares every reserved word and
//! hundreds of hostile names, with hostile comments, and says what its literals say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use evergen_packs::languages;
use evergen_regeneration::{LanguageProfile, NameKind};
use tempfile::TempDir;

use crate::grammar::key;
use crate::names::WORDS;

/// What names and texts are made of here: scripts, marks, signs, and what ends things.
const PARTS: &str = "a b A B 1 9 _ - . / é ß ı İ Ж ю 中 名 い ن م ह ि ् ก ำ 가 ᄀ ა Ω ς ﬁ ² Ⅳ 〇 ٣ ৪ 🚀 👩\u{200d}🚒 𠮷 🅐 \u{301} \u{200c} \u{202e} u4e2d U00 x3 # % \" \\ */ /* //";

const TEXTS: [&str; 24] = [
    "*/ injected! /* \"\"\" injected! \"\"\" \\",
    "two\nlines\r\nand\u{2028}more\u{2029}of\u{85}them\rhere\u{b}and\u{c}there",
    "right \u{202e}to left\u{202c} \u{feff}\0\u{1b}\u{7f}",
    "\\u000a \\u0022; \\u002a/ \\uXYZ \\x \\N{x} \\",
    "${x} $x $ {{ x }} {% x %} #{x} %s %n",
    "\u{e0041}\u{1d173}\u{10ffff}\u{ffff}\u{e000}",
    "{@link Foo} @param x y @deprecated {@code",
    "<b>bold</b> <T> &amp; & < > <!-- --> ]]>",
    "[Foo] [a](b) [a][b] [x]: http://example.org/x",
    "see http://example.org/a_b(c), <https://example.org/?a=b&c=d>. HTTP://X.ORG/ http://",
    "# heading\n\n    indented\n\n```\nfn injected( {\n```\n\n~~~",
    "* one\nlazy\n- two\n  lazy\n1. three\nlazy\n2) four\n> quoted\nlazy\n+ five",
    "Title\n=====\n\nTitle\n-----\n\n| a | b |\n|---|---|\n| c | d |\n\n***\n___",
    "First.\n\nA Heading Without End\n\nLast.\n\n+build linux\n//go:embed x\n#cgo x",
    "`code` `` a ` b `` '' ``x'' '",
    "ends with \"",
    "\"",
    "\"\"\"\"",
    "\\",
    "/",
    "*",
    "@",
    "'; DROP TABLE x; --",
    "👩‍🚒 größe 中文 हिन्दी مرحبا \u{200f}x",
];

/// A reproducible sequence of numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// All words that some language reserves and three hundred names of our own, each once.
fn names() -> Vec<String> {
    let parts: Vec<&str> = PARTS.split(' ').collect();
    let mut numbers = Numbers(7);
    let mut names: BTreeMap<String, String> =
        WORDS.lines().map(|word| (key(word), word.to_owned())).collect();
    let words = names.len();
    names.insert(key("long"), "long".to_owned());
    names.insert("long".repeat(100), "long".repeat(100));
    while names.len() < words + 300 {
        let length = 1 + numbers.below(5);
        let name: String = (0..length).map(|_| parts[numbers.below(parts.len())]).collect();
        names.insert(key(&name), name);
    }
    names.into_values().collect()
}

/// What a file is made of, in one language.
struct Writer {
    profile: Arc<dyn LanguageProfile>,
    names: Vec<String>,
}

impl Writer {
    fn new(language: &str) -> Self {
        let languages = languages();
        Self { profile: languages.get(language).unwrap().clone(), names: names() }
    }

    /// A line for each name: the comment before it, and what `line` makes of it.
    fn each(&self, kind: NameKind, indent: usize, line: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for (index, name) in self.names.iter().enumerate() {
            text += &self.profile.comment(TEXTS[index % TEXTS.len()], indent, 80);
            writeln!(text, "{}{}", " ".repeat(indent), line(&self.profile.name_for(kind, name)))
                .unwrap();
        }
        text
    }

    fn strings(&self) -> String {
        TEXTS.map(|text| format!("    {},\n", self.profile.string(text))).concat()
    }
}

/// What a program is to print: the UTF-8 bytes of each text on a line.
fn expected() -> String {
    let line = |text: &str| -> Vec<String> {
        text.bytes().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
    };
    TEXTS.map(|text| line(text).concat()).concat()
}

fn run(folder: &TempDir, program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    let output =
        command.args(arguments).current_dir(folder.path()).env("LC_ALL", "C.UTF-8").output();
    if output.is_err() {
        eprintln!("skipped: 1 check, {program} is not installed");
    }
    output.ok()
}

/// Runs a program that has nothing to say but `said`.
fn expect(folder: &TempDir, program: &str, arguments: &[&str], said: &str) {
    let Some(output) = run(folder, program, arguments) else { return };
    let errors = String::from_utf8_lossy(&output.stderr);
    let shown: String = errors.chars().take(4_000).collect();
    assert!(output.status.success() && errors.trim().is_empty(), "{program}: {shown}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), said, "{program}");
}

fn write(folder: &TempDir, path: &str, text: &str) {
    fs::create_dir_all(folder.path().join(path).parent().unwrap_or(Path::new(""))).unwrap();
    fs::write(folder.path().join(path), text).unwrap();
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn rust_takes_all_names_comments_and_literals() {
    let writer = Writer::new("rust");
    let text = format!(
        "//! Names.\n#![allow(dead_code, uncommon_codepoints, mixed_script_confusables, confusable_idents)]\n\
         /// Types.\npub mod types_ {{\n{}}}\n/// Fields.\npub struct Fields {{\n{}}}\n\
         /// Members.\npub enum Members {{\n{}}}\nimpl Fields {{\n{}}}\n{}\
         const TEXTS: &[&str] = &[\n{}];\n\
         fn main() {{\n    for text in TEXTS {{\n        for byte in text.bytes() {{\n            print!(\"{{byte:02x}}\");\n        }}\n        println!();\n    }}\n}}\n",
        writer.each(NameKind::Type, 4, |name| format!("pub struct {name};")),
        writer.each(NameKind::Property, 4, |name| format!("pub {name}: Option<String>,")),
        writer.each(NameKind::Member, 4, |name| format!("{name},")),
        writer.each(NameKind::Method, 4, |name| format!("pub fn {name}(&self) {{}}")),
        writer.each(NameKind::Module, 0, |name| format!("pub mod {name} {{}}")),
        writer.strings(),
    );
    let folder = folder();
    write(&folder, "names.rs", &text);
    let strict = ["--edition", "2024", "-D", "warnings", "names.rs"];
    expect(&folder, "rustc", &strict, "");
    expect(&folder, "./names", &[], &expected());
    expect(&folder, "rustdoc", &strict, "");
}

#[test]
fn typescript_takes_all_names_comments_and_literals() {
    let writer = Writer::new("typescript");
    let text = format!(
        "export namespace Types {{\n{}}}\nexport interface Fields {{\n{}}}\nexport enum Members {{\n{}}}\n",
        writer.each(NameKind::Type, 2, |name| format!("export class {name} {{}}")),
        writer.each(NameKind::Property, 2, |name| format!("{name}: string;")),
        writer.each(NameKind::Member, 2, |name| format!("{name},")),
    );
    let script = format!(
        "{}class Fields {{\n{}{}}}\nconst texts = [\n{}];\n\
         for (const text of texts) console.log(Buffer.from(text, \"utf8\").toString(\"hex\"));\nnew Fields();\n",
        writer.each(NameKind::Type, 0, |name| format!("class {name} {{}}")),
        writer.each(NameKind::Property, 2, |name| format!("{name} = 0;")),
        writer.each(NameKind::Method, 2, |name| format!("static {name}2() {{}}")),
        writer.strings(),
    );
    let folder = folder();
    write(&folder, "names.ts", &text);
    write(&folder, "names.mjs", &script);
    expect(&folder, "node", &["names.mjs"], &expected());
    expect(&folder, "tsc", &["--strict", "--noEmit", "--target", "es2022", "names.ts"], "");
}

#[test]
fn python_takes_all_names_comments_and_literals() {
    let writer = Writer::new("python");
    let text = format!(
        "from enum import Enum\n\n{}\nclass Fields:\n{}\n{}\nclass Members(Enum):\n{}\n\
         TEXTS = [\n{}]\nfor text in TEXTS:\n    print(text.encode().hex())\n\
         assert len(Members.__members__) == {count}, len(Members.__members__)\n\
         assert len(Fields.__annotations__) == {count}, len(Fields.__annotations__)\n",
        writer.each(NameKind::Type, 0, |name| format!("class {name}: pass")),
        writer.each(NameKind::Property, 4, |name| format!("{name}: int = 0")),
        writer.each(NameKind::Method, 4, |name| format!("def {name}(self) -> None: pass")),
        writer
            .each(NameKind::Member, 4, |name| format!("{name} = {}", writer.profile.string(name))),
        writer.strings(),
        count = writer.names.len(),
    );
    let folder = folder();
    write(&folder, "names.py", &text);
    expect(&folder, "python3", &["-W", "error", "names.py"], &expected());
}

#[test]
fn java_takes_all_names_comments_and_literals() {
    let writer = Writer::new("java");
    // A record has at most 255 components.
    let mut records = String::new();
    for (index, names) in writer.names.chunks(200).enumerate() {
        let part = Writer { profile: writer.profile.clone(), names: names.to_vec() };
        let fields = part.each(NameKind::Property, 8, |name| format!("int {name},"));
        writeln!(records, "    public record Fields_{index}(\n{fields}        int last_) {{}}")
            .unwrap();
    }
    let text = format!(
        "public class Outer_ {{\n    public static class Types_ {{\n{}    }}\n{records}\
             public interface Methods_ {{\n{}    }}\n    public enum Members_ {{\n{}    }}\n\
             static final String[] TEXTS = {{\n{}    }};\n    /** Prints. */\n\
             public static void main(String[] arguments) {{\n        for (String text : TEXTS) {{\n\
                 for (byte b : text.getBytes(java.nio.charset.StandardCharsets.UTF_8)) System.out.printf(\"%02x\", b);\n\
                 System.out.println();\n        }}\n    }}\n}}\n",
        writer.each(NameKind::Type, 8, |name| format!("public static class {name} {{}}")),
        writer.each(NameKind::Method, 8, |name| format!("void {name}();")),
        writer.each(NameKind::Member, 8, |name| format!("{name},")),
        writer.strings(),
    );
    let folder = folder();
    write(&folder, "Outer_.java", &text);
    let strict =
        ["-encoding", "UTF-8", "-Xlint:all", "-Werror", "-Xdoclint:all,-missing", "Outer_.java"];
    expect(&folder, "javac", &strict, "");
    if folder.path().join("Outer_.class").exists() {
        expect(&folder, "java", &["-cp", ".", "Outer_"], &expected());
    }
}

#[test]
fn go_takes_all_names_comments_and_literals() {
    let writer = Writer::new("go");
    let types: String = writer.each(NameKind::Type, 0, |name| format!("type {name} struct{{}}\n"));
    let fields = writer.each(NameKind::Property, 0, |name| format!("\t{name} string"));
    let fields = fields.replace("\n//", "\n\t//");
    let methods =
        writer.each(NameKind::Method, 0, |name| format!("func (methods_) {name}() {{\n}}\n"));
    let text = format!(
        "// Package main has names.\npackage main\n\nimport \"fmt\"\n\n{types}type fields_ struct {{\n\t{}}}\n\n\
         type methods_ struct{{}}\n\n{methods}var texts = []string{{\n{}}}\n\n\
         func main() {{\n\tfor _, text := range texts {{\n\t\tfmt.Printf(\"%x\\n\", text)\n\t}}\n}}\n",
        fields.trim_start(),
        writer
            .strings()
            .lines()
            .fold(String::new(), |text, line| text + "\t" + line.trim_start() + "\n"),
    );
    let folder = folder();
    write(&folder, "go.mod", "module example.org/names\n\ngo 1.19\n");
    write(&folder, "names.go", &text);
    write(&folder, "files/go.mod", "module example.org/files\n\ngo 1.19\n");
    for name in &writer.names {
        let file = writer.profile.name_for(NameKind::Module, name);
        let package = writer.profile.name_for(NameKind::Package, name);
        write(&folder, &format!("files/{package}/{file}.go"), &format!("package {package}\n"));
    }
    expect(&folder, "go", &["vet", "./..."], "");
    expect(&folder, "go", &["run", "."], &expected());
    let count = format!("{}\n", writer.names.len());
    let list = "cd files && go list -e -f '{{len .GoFiles}}' ./... | grep -c '^1$'";
    if Command::new("go").arg("version").output().is_ok() {
        expect(&folder, "sh", &["-c", list], &count);
    }
    // With `-d` all that it would write otherwise.
    expect(&folder, "gofmt", &["-d", "names.go"], "");
}

#[test]
fn protobuf_takes_all_names_comments_and_literals() {
    let writer = Writer::new("protobuf");
    let numbered = |text: String| {
        let mut number = 0;
        let lines = text.lines().map(|line| {
            number += usize::from(line.ends_with("= N;"));
            // These numbers are kept for the implementation.
            let number = if number < 19_000 { number } else { number + 1_000 };
            line.replace("= N;", &format!("= {number};")) + "\n"
        });
        lines.collect::<String>()
    };
    let mut defaults = String::new();
    for (index, text) in TEXTS.iter().enumerate() {
        let literal = writer.profile.string(text);
        writeln!(defaults, "  optional string t{index} = {} [default = {literal}];", index + 1)
            .unwrap();
    }
    let text = format!(
        "syntax = \"proto2\";\n\npackage names_;\n\nmessage Types_ {{\n{}}}\n\nmessage Fields_ {{\n{}}}\n\n\
         enum Members_ {{\n  ZERO_VALUE_ = 0;\n{}}}\n\nservice Service_ {{\n{}}}\n\nmessage Texts_ {{\n{defaults}}}\n",
        writer.each(NameKind::Type, 2, |name| format!("message {name} {{}}")),
        numbered(writer.each(NameKind::Property, 2, |name| format!("optional string {name} = N;"))),
        numbered(writer.each(NameKind::Member, 2, |name| format!("{name} = N;"))),
        writer.each(NameKind::Method, 2, |name| format!("rpc {name} (Texts_) returns (Texts_);")),
    );
    let folder = folder();
    write(&folder, "names.proto", &text);
    expect(&folder, "protoc", &["-o", "names.bin", "names.proto"], "");
}

#[test]
fn sql_takes_all_names_comments_and_literals() {
    let writer = Writer::new("sql");
    let mut tables = String::new();
    // A table has at most 1600 columns.
    for (index, names) in writer.names.chunks(800).enumerate() {
        let part = Writer { profile: writer.profile.clone(), names: names.to_vec() };
        let columns = part.each(NameKind::Property, 4, |name| format!("{name} text,"));
        writeln!(tables, "CREATE TABLE fields_{index} (\n{columns}    last_ text\n);").unwrap();
    }
    let said = |text| {
        format!("SELECT encode(convert_to({}, 'UTF8'), 'hex');\n", writer.profile.string(text))
    };
    let texts = TEXTS.map(said).concat();
    let text = format!(
        "SET client_min_messages = error;\nBEGIN;\n{}CREATE SCHEMA types_;\nSET LOCAL search_path = types_;\n{}{tables}{}{texts}ROLLBACK;\n",
        writer.each(NameKind::Package, 0, |name| format!("CREATE SCHEMA {name};")),
        writer.each(NameKind::Type, 0, |name| {
            // A type of the server's own would refuse the value.
            format!("CREATE TYPE {name} AS ENUM ('x'); SELECT 'x'::{name} WHERE false;")
        }),
        writer.each(NameKind::Method, 0, |name| {
            format!("CREATE FUNCTION {name}() RETURNS int LANGUAGE sql AS 'SELECT 1';")
        }),
    );
    let folder = folder();
    write(&folder, "names.sql", &text);
    let is_there = Command::new("psql").args(["-d", "postgres", "-c", ""]).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: 1 check, no server of PostgreSQL can be reached");
        return;
    }
    let arguments = ["-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "names.sql"];
    // The one text that a text of PostgreSQL can't be.
    let said = expected().replace("efbbbf001b", "efbbbfefbfbd1b");
    expect(&folder, "psql", &arguments, &said);
}
