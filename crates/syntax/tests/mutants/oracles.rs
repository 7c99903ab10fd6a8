//! What the compilers themselves say of many files: one process for all where that is possible.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use evergen_syntax::Language;

/// The files, by their index, that the compiler refuses as syntax.
pub(crate) type Refused = BTreeSet<usize>;

/// A compiler, or what to install.
pub(crate) type Asked = Result<Refused, &'static str>;

/// Asks the compiler of `language` about files that lie in `folder`, named by [`file_name`].
pub(crate) fn ask(language: Language, folder: &Path, count: usize) -> Asked {
    match language {
        Language::Rust => rustc(folder, count),
        Language::TypeScript => tsc(&files(folder, "ts")),
        Language::JavaScript => script("node", "node", JAVASCRIPT, folder),
        Language::Python => script("python3", "python3", PYTHON, folder),
        Language::Json => script("node", "node", JSON, folder),
        Language::Toml => script("python3", "python3", TOML, folder),
        Language::Yaml => script("node", "yaml, by `cargo xtask setup`", YAML, folder),
        Language::Sql => script("python3", "pglast, by `cargo xtask setup`", SQL, folder),
        Language::GraphQl => script("node", "graphql, by `cargo xtask setup`", GRAPHQL, folder),
        Language::Protobuf => protoc(folder, count),
        Language::Go => gofmt(folder),
        Language::Java => javac(folder),
        Language::CSharp => mcs(folder, count),
        _ => Err("a compiler that parses quickly enough"),
    }
}

/// The name of the file with an index.
pub(crate) fn file_name(language: Language, index: usize) -> String {
    let extension = match language {
        Language::Rust => "rs",
        Language::TypeScript => "ts",
        Language::JavaScript => "js",
        Language::Python => "py",
        Language::Json => "json",
        Language::Toml => "toml",
        Language::Yaml => "yaml",
        Language::Sql => "sql",
        Language::GraphQl => "graphql",
        Language::Protobuf => "proto",
        Language::Go => "go",
        Language::Java => "java",
        Language::Kotlin => "kt",
        Language::CSharp => "cs",
        other => panic!("no files of {other} here"),
    };
    format!("m{index:05}.{extension}")
}

/// The index in the first name of a file in `line`.
fn index_in(line: &str) -> Option<usize> {
    line.match_indices('m').find_map(|(at, _)| {
        let digits = line.get(at + 1..at + 6)?;
        let is_name = line.get(at + 6..at + 7) == Some(".");
        digits.parse().ok().filter(|_| is_name)
    })
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools")
}

fn command(program: &str) -> Command {
    let tools = tools();
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path: OsString = env::join_paths(&folders).expect("the search path has no separator in it");
    let found = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command.env("PATH", path).stdin(Stdio::null());
    command
}

fn output(command: &mut Command, install: &'static str) -> Result<Output, &'static str> {
    command.output().map_err(|_| install)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A script that prints the index of each file it refuses, and `done` at the end.
fn script(program: &str, install: &'static str, script: &str, folder: &Path) -> Asked {
    let flag = if program == "node" { "-e" } else { "-c" };
    let mut command = command(program);
    command.args([flag, script]).current_dir(folder).env("NODE_PATH", tools().join("node_modules"));
    let said = text(&output(&mut command, install)?.stdout);
    if !said.lines().any(|line| line == "done") {
        return Err(install);
    }
    Ok(said.lines().filter_map(index_in).collect())
}

const PYTHON: &str = "
import glob, warnings
warnings.simplefilter('ignore')
for name in sorted(glob.glob('m*.py')):
    try:
        compile(open(name, 'rb').read(), name, 'exec', dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        print(name)
print('done')
";

const TOML: &str = "
import glob, tomllib
for name in sorted(glob.glob('m*.toml')):
    try:
        tomllib.load(open(name, 'rb'))
    except (ValueError, RecursionError):
        print(name)
print('done')
";

const YAML: &str = "
const fs = require('fs'), { parseAllDocuments } = require('yaml');
for (const name of fs.readdirSync('.').filter(n => n.endsWith('.yaml')).sort()) {
  const documents = parseAllDocuments(fs.readFileSync(name, 'utf8'));
  if ([...documents].some(d => d.errors.length > 0)) console.log(name);
}
console.log('done');
";

const SQL: &str = "
import glob, pglast
for name in sorted(glob.glob('m*.sql')):
    try:
        pglast.parse_sql(open(name).read())
    except pglast.parser.ParseError:
        print(name)
print('done')
";

const JAVASCRIPT: &str = "
const fs = require('fs'), vm = require('vm');
for (const name of fs.readdirSync('.').filter(n => n.endsWith('.js')).sort()) {
  const text = fs.readFileSync(name, 'utf8');
  try { new vm.Script(text); }
  catch (e) { if (e instanceof SyntaxError) console.log(name); }
}
console.log('done');
";

const JSON: &str = "
const fs = require('fs');
for (const name of fs.readdirSync('.').filter(n => n.endsWith('.json')).sort()) {
  try { JSON.parse(fs.readFileSync(name, 'utf8')); } catch (e) { console.log(name); }
}
console.log('done');
";

const GRAPHQL: &str = "
const fs = require('fs'), { parse } = require('graphql');
for (const name of fs.readdirSync('.').filter(n => n.endsWith('.graphql')).sort()) {
  try { parse(fs.readFileSync(name, 'utf8')); } catch (e) { console.log(name); }
}
console.log('done');
";

/// Parses only. The flag asks for the bootstrap variable, which changes nothing else.
fn rustc(folder: &Path, count: usize) -> Asked {
    let mut refused = Refused::new();
    for index in 0..count {
        let name = file_name(Language::Rust, index);
        let mut command = command("rustc");
        command.args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "-Zparse-crate-root-only",
            &name,
        ]);
        command.current_dir(folder).env("RUSTC_BOOTSTRAP", "1");
        if !output(&mut command, "rustc")?.status.success() {
            refused.insert(index);
        }
    }
    Ok(refused)
}

/// Whether a second, slower compiler or pass refuses a file that the first has taken.
pub(crate) fn second_opinion(language: Language, folder: &Path, index: usize) -> bool {
    let name = file_name(language, index);
    match language {
        // Bodies of macros, suffixes of literals: errors without a code are those of the grammar.
        Language::Rust => {
            let mut command = command("rustc");
            command.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"]);
            command.args(["--error-format", "short"]).arg(name).current_dir(folder);
            let said = command.output().map(|output| text(&output.stderr)).unwrap_or_default();
            said.lines().any(|line| line.contains(": error: "))
        }
        // `tsc` tells errors of the first kind for all files, or of the second for each.
        Language::TypeScript => tsc(&[folder.join(name)]).is_ok_and(|refused| !refused.is_empty()),
        // YAML 1.1, by an older reader.
        Language::Yaml => {
            let script = "import sys, yaml; list(yaml.compose_all(open(sys.argv[1], 'rb'), Loader=yaml.SafeLoader))";
            let mut command = command("python3");
            command.args(["-c", script]).arg(name).current_dir(folder);
            command.output().is_ok_and(|output| !output.status.success())
        }
        _ => false,
    }
}

/// Codes from 1000 to 1999 are those of the grammar; 2389 to 2391 and 8020 belong to it in all but their number.
fn tsc(files: &[PathBuf]) -> Asked {
    let mut command = command("tsc");
    command.args([
        "--noEmit",
        "--noResolve",
        "--skipLibCheck",
        "--types",
        "",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--pretty",
        "false",
    ]);
    command.args(files);
    let said = text(&output(&mut command, "typescript, by `cargo xtask setup`")?.stdout);
    let is_grammar = |line: &&str| {
        line.split_once("error TS").is_some_and(|(_, code)| {
            code.find(':') == Some(4)
                && (code.starts_with('1')
                    || ["2389", "2390", "2391", "8020"].iter().any(|one| code.starts_with(one)))
        })
    };
    Ok(said.lines().filter(is_grammar).filter_map(index_in).collect())
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = folder.read_dir().expect("the folder is ours");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// What the parser of `protoc` refuses, and not what is missing or has the wrong type.
fn protoc(folder: &Path, count: usize) -> Asked {
    let mut refused = Refused::new();
    for index in 0..count {
        let name = file_name(Language::Protobuf, index);
        let mut command = command("protoc");
        command.args(["--descriptor_set_out=/dev/null", "-I.", &name]).current_dir(folder);
        let said = text(&output(&mut command, "protobuf-compiler")?.stderr);
        let is_syntax = |line: &str| {
            let expected = [
                "Expected ",
                "expected",
                "Unexpected end",
                "Missing ",
                "Need space",
                "Reached end of input",
                "End-of-file",
                "unterminated",
                "Unterminated",
                "Invalid control",
                "String literals cannot",
                "Interpreting non ascii",
                "Unmatched",
                "Unrecognized syntax",
            ];
            line.starts_with(&name) && expected.iter().any(|word| line.contains(word))
        };
        if said.lines().any(is_syntax) {
            refused.insert(index);
        }
    }
    Ok(refused)
}

fn gofmt(folder: &Path) -> Asked {
    let mut command = command("gofmt");
    command.args(["-e", "-l"]).args(files(folder, "go")).current_dir(folder);
    let said = text(&output(&mut command, "golang-go")?.stderr);
    Ok(said.lines().filter_map(index_in).collect())
}

fn javac(folder: &Path) -> Asked {
    let source = folder.join("Parse.jav");
    std::fs::write(&source, JAVA).expect("the folder is ours");
    let mut command = command("java");
    command.args(["--source", "17", "Parse.jav"]).args(files(folder, "java")).current_dir(folder);
    let said = text(&output(&mut command, "openjdk-17-jdk-headless")?.stdout);
    if !said.lines().any(|line| line == "done") {
        return Err("openjdk-17-jdk-headless");
    }
    Ok(said.lines().filter_map(index_in).collect())
}

const JAVA: &str = r#"
import java.util.*;
import javax.tools.*;
import com.sun.source.util.JavacTask;
public class Parse {
  public static void main(String[] names) throws Exception {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null);
    for (String name : names) {
      boolean[] bad = { false };
      DiagnosticListener<JavaFileObject> listener = d -> { if (d.getKind() == Diagnostic.Kind.ERROR) bad[0] = true; };
      var task = (JavacTask) compiler.getTask(null, manager, listener, List.of("-proc:none"), null, manager.getJavaFileObjects(name));
      for (var unit : task.parse()) { unit.getKind(); }
      if (bad[0]) System.out.println(name);
    }
    System.out.println("done");
  }
}
"#;

fn mcs(folder: &Path, count: usize) -> Asked {
    let mut refused = Refused::new();
    for index in 0..count {
        let mut command = command("mcs");
        command.args(["--parse", "-langversion:latest"]).arg(file_name(Language::CSharp, index));
        if !output(command.current_dir(folder), "mono-mcs")?.status.success() {
            refused.insert(index);
        }
    }
    Ok(refused)
}
