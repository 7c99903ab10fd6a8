//! What bad input gets: the file, the place, an excerpt, help and an exit code, and
//! nothing is written.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::assert_said;
use crate::support::{Folder, MODEL};

/// Runs the sample project with some files replaced.
fn check(name: &str, files: &[(&str, &str)], code: i32) {
    let folder = Folder::project();
    for (path, text) in files {
        folder.file(path, text);
    }
    let said = folder.say("run");
    assert_eq!(said.code, Some(code), "{said}");
    assert!(!folder.exists("gen"), "nothing may be written");
    assert_said!(name, said);
}

/// The same with the one template replaced: front matter and body.
fn check_template(name: &str, text: &str) {
    check(name, &[("templates/class.txt.j2", text)], 3);
}

#[test]
fn malformed_turtle() {
    check(
        "turtle",
        &[(
            "model/shop.ttl",
            "@prefix ex: <http://example.org/> .\n\nex:Order a ex:Class\nex:Customer a ex:Class .\nex:x rdfs:label \"x\" .\n",
        )],
        3,
    );
}

#[test]
fn malformed_json_ld() {
    check(
        "json_ld",
        &[(
            "model/shop.jsonld",
            "{\n  \"@id\": \"http://example.org/Order\",\n  \"@type\" \"x\"\n}\n",
        )],
        3,
    );
}

#[test]
fn malformed_rdf_xml() {
    check(
        "rdf_xml",
        &[(
            "model/shop.rdf",
            "<?xml version=\"1.0\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n  <rdf:Description rdf:about=\"http://example.org/x\">\n  </rdf:Descr>\n</rdf:RDF>\n",
        )],
        3,
    );
}

#[test]
fn malformed_n_quads() {
    check("n_quads", &[("model/shop.nq", "<http://example.org/a> <http://example.org/b> .\n")], 3);
}

#[test]
fn a_model_that_is_no_text() {
    let folder = Folder::project();
    folder.file("model/bad.ttl", b"ex:\xff\xfe a ex:x .");
    assert_said!("not_utf8", folder.say("run"));
}

#[test]
fn malformed_sparql() {
    check_template(
        "sparql",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class\"\nto = \"a.txt\"\n+++\nx\n",
    );
    check_template(
        "sparql_prefix",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a foo:Class }\"\nto = \"a.txt\"\n+++\nx\n",
    );
    check_template(
        "sparql_named",
        "+++\nto = \"a.txt\"\n[queries]\nrows = \"\"\"\nSELECT ?x\nWHERE { ?x a owl:Class ; }\nORDER ?x\n\"\"\"\n+++\nx\n",
    );
    check_template(
        "sparql_impure",
        "+++\nto = \"a.txt\"\n[queries]\nrows = \"SELECT (NOW() AS ?now) WHERE {}\"\n+++\nx\n",
    );
    check_template(
        "sparql_form",
        "+++\nfor_each = \"ASK { ?class a owl:Class }\"\nto = \"a.txt\"\n+++\nx\n",
    );
}

#[test]
fn malformed_templates() {
    check_template(
        "template",
        "+++\nto = \"a.txt\"\n+++\nline one\n{% for x in y %}\n{{ x }\n{% endfor %}\n",
    );
    check_template("template_unclosed", "+++\nto = \"a.txt\"\n+++\n{% for x in [1] %}\n{{ x }}\n");
    check_template("template_filter", "+++\nto = \"a.txt\"\n+++\n{{ \"a\" | snaek }}\n");
    check_template("template_include", "+++\nto = \"a.txt\"\n+++\n{% include \"_haeder.j2\" %}\n");
    check_template("template_to", "+++\nto = \"{{ class \"\n+++\nx\n");
    check_template(
        "template_language",
        "+++\nto = \"a.txt\"\n+++\n{{ \"a\" | ident(\"cobol\") }}\n",
    );
    check_template("template_failure", "+++\nto = \"a.txt\"\n+++\n{{ 1 / 0 }}\n{{ \"a\" + 1 }}\n");
}

#[test]
fn malformed_front_matter() {
    check_template("front_matter", "+++\nfor_each = SELECT\nto = \"a.txt\"\n+++\nx\n");
    check_template(
        "front_matter_key",
        "+++\nfor_eech = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"a.txt\"\n+++\nx\n",
    );
    check_template("front_matter_type", "+++\nto = 7\nqueries = \"x\"\n+++\nx\n");
    check_template(
        "front_matter_no_to",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\n+++\nx\n",
    );
    check_template("front_matter_open", "+++\nto = \"a.txt\"\nx\n");
    check_template("front_matter_none", "{{ class }}\n");
}

#[test]
fn undefined_variables() {
    check_template(
        "undefined",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"{{ class | local_name }}.txt\"\n+++\nline one\n{{ klass }}\n",
    );
    check_template("undefined_in_to", "+++\nto = \"{{ klass | local_name }}.txt\"\n+++\nx\n");
    check_template(
        "undefined_attribute",
        "+++\nto = \"a.txt\"\n[queries]\nrows = \"SELECT ?class WHERE { ?class a owl:Class }\"\n+++\n{% for row in rows %}{{ row.clas }}\n{% endfor %}\n",
    );
}

#[test]
fn two_artifacts_that_claim_one_path() {
    check("conflict", &[("templates/other.txt.j2", "+++\nto = \"order.txt\"\n+++\nx\n")], 3);
    check_template(
        "conflict_one_generator",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"same.txt\"\n+++\nx\n",
    );
    check("conflict_case", &[("templates/other.txt.j2", "+++\nto = \"Order.TXT\"\n+++\nx\n")], 3);
}

#[test]
fn output_paths_that_leave_the_folder() {
    for (name, path) in [
        ("path_parent", "../out.txt"),
        ("path_absolute", "/tmp/out.txt"),
        ("path_device", "aux.txt"),
        ("path_empty", ""),
        ("path_backslash", "a\\\\..\\\\b.txt"),
        ("path_control", "a\\u0007b\\u202e.txt"),
    ] {
        check_template(name, &format!("+++\nto = \"{path}\"\n+++\nx\n"));
    }
}

#[test]
fn a_path_that_comes_from_the_model() {
    check(
        "path_of_model",
        &[
            (
                "model/evil.ttl",
                "<http://example.org/..%2f..%2fetc> a <http://www.w3.org/2002/07/owl#Class> ; <http://www.w3.org/2000/01/rdf-schema#label> \"../../etc/passwd\" .\n",
            ),
            (
                "templates/class.txt.j2",
                "+++\nfor_each = \"SELECT ?class ?label WHERE { ?class a owl:Class ; rdfs:label ?label }\"\nto = \"{{ label }}\"\n+++\nx\n",
            ),
        ],
        3,
    );
}

#[test]
fn a_symbolic_link_in_the_output_folder() {
    let folder = Folder::project();
    folder.file("elsewhere/keep", "");
    fs::create_dir(folder.path().join("gen")).unwrap();
    symlink(folder.path().join("elsewhere"), folder.path().join("gen/sub")).unwrap();
    folder.replace("templates/class.txt.j2", "to = \"", "to = \"sub/");
    let said = folder.say("run");
    assert_said!("symlink", said);
    assert_eq!(fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 1);
}

#[test]
fn a_folder_that_can_not_be_written_to() {
    let folder = Folder::project();
    folder.done("run");
    folder.replace("model/shop.ttl", "Somebody", "A person");
    let output = folder.path().join("gen");
    let writable = fs::metadata(&output).unwrap().permissions();
    fs::set_permissions(&output, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(output.join("probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let said = folder.say("run");
    fs::set_permissions(&output, writable).unwrap();
    assert_eq!(said.code, Some(4), "{said}");
    assert!(said.err.contains("gen"), "the folder is named: {said}");
    assert!(folder.read("gen/customer.txt").contains("Somebody"), "the old tree stands");
    folder.done("run");
}

#[test]
fn a_project_that_is_in_use() {
    let folder = Folder::project();
    let state = folder.path().join(".evergen");
    let lock = evergen_artifact::WriterLock::acquire(&state, None).unwrap();
    let said = folder.say("run --wait 0");
    assert_eq!(said.code, Some(4), "{said}");
    assert!(said.err.contains(&format!("process {}", std::process::id())), "{said}");
    let said = folder.say("run --wait 0 --json");
    assert_eq!(said.json()["error"]["kind"], "locked");
    drop(lock);
    folder.done("run --wait 0");
}

#[test]
fn configurations() {
    let valid = "[model]\nsources = [\"model/**/*\"]\n";
    let cases: &[(&str, &str)] = &[
        ("config_syntax", "[model]\nsources = [\"model\n[regeneration]\noutput_dir = gen\n"),
        (
            "config_unknown_key",
            "[model]\nsources = [\"model/**/*\"]\n[regeneration]\noutput-dir = \"gen\"\nworkers = 2\n[modle]\n",
        ),
        (
            "config_values",
            "[model]\nsources = []\nbase = 7\n[regeneration]\nparallel_workers = 4000\non_edit = \"merg\"\n[completeness]\nrequired_files = 90\n",
        ),
        ("config_language", &format!("{valid}[regeneration]\ntarget_languages = [\"rast\"]\n")),
        ("config_no_sources", "[regeneration]\noutput_dir = \"gen\"\n"),
        ("config_no_templates", &format!("{valid}[regeneration]\ntemplate_dirs = [\"tpl\"]\n")),
        (
            "config_module",
            &format!(
                "{valid}[[modules]]\nname = \"m\"\n[[modules]]\nname = \"m\"\nrequired = [\"[\"]\n"
            ),
        ),
    ];
    for (name, text) in cases {
        check(name, &[("evergen.toml", text)], 2);
    }
}

#[test]
fn a_model_that_is_not_there() {
    check("no_source", &[("evergen.toml", "[model]\nsources = [\"model/shop.tll\"]\n")], 3);
    check("no_match", &[("evergen.toml", "[model]\nsources = [\"modell/*.ttl\"]\n")], 3);
}

#[test]
fn nothing_to_work_on() {
    let folder = Folder::new();
    assert_said!("no_project", folder.say("run"));
    folder.file("shop.ttl", MODEL);
    assert_said!("no_generators", folder.say("run shop.ttl"));
    assert_said!("no_such_file", folder.say("run shap.ttl --lang rust"));
    assert_said!("no_such_root", folder.say("run --root nowhere"));
    assert_said!("unknown_verb", folder.say("rnu"));
    assert_said!("unknown_flag", folder.say("run --outt gen"));
}

#[test]
fn many_errors_at_once() {
    check(
        "all_at_once",
        &[
            ("model/a.ttl", "<a> <b> .\n"),
            ("model/b.jsonld", "{"),
            ("templates/c.j2", "+++\nto = \"c.txt\"\nfrom = 1\n+++\n{{ x \n"),
            ("templates/d.j2", "+++\nfor_each = \"SELECT\"\nto = \"d.txt\"\n+++\n"),
        ],
        3,
    );
}

#[test]
fn errors_for_programs() {
    let folder = Folder::project();
    folder.file("model/shop.ttl", "ex:a ex:b .\n");
    let said = folder.say("run --json");
    assert_eq!(said.code, Some(3));
    assert_said!("json_error", said);
    let said = folder.say("run --events");
    assert_eq!(said.code, Some(3));
    let last = said.out.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (last["event"].as_str(), last["error"]["exit_code"].as_u64()),
        (Some("error"), Some(3))
    );
}

#[test]
fn limits() {
    check(
        "fuel",
        &[
            ("evergen.toml", "[model]\nsources = [\"model/**/*\"]\n[limits]\nfuel = 1000\n"),
            (
                "templates/class.txt.j2",
                "+++\nto = \"a.txt\"\n+++\n{% for x in range(10000) %}{{ x }}{% endfor %}\n",
            ),
        ],
        3,
    );
    check(
        "too_large",
        &[
            (
                "evergen.toml",
                "[model]\nsources = [\"model/**/*\"]\n[limits]\nmax_artifact_bytes = 100\n",
            ),
            (
                "templates/class.txt.j2",
                "+++\nto = \"a.txt\"\n+++\n{% for x in range(1000) %}{{ x }}{% endfor %}\n",
            ),
        ],
        3,
    );
}

#[test]
fn an_edited_file_is_kept_and_named() {
    let folder = Folder::project();
    folder.done("run");
    folder.file("gen/order.txt", "mine\n").replace("model/shop.ttl", "What is bought", "A wish");
    folder.replace("model/shop.ttl", "Somebody", "A person");
    let said = folder.say("run");
    assert_eq!(said.code, Some(1), "{said}");
    assert_eq!(folder.read("gen/order.txt"), "mine\n");
    assert!(folder.read("gen/customer.txt").contains("A person"));
    assert_said!("edited", said);
    assert_said!("edited_check", folder.say("check"));
}

#[test]
fn damaged_state_is_replaced_with_a_notice() {
    let folder = Folder::project();
    folder.done("run");
    for entry in fs::read_dir(folder.path().join(".evergen")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "lock" && entry.path().is_file() {
            fs::write(entry.path(), "garbage").unwrap();
        }
    }
    assert_said!("damaged_state", folder.done("run"));
}
