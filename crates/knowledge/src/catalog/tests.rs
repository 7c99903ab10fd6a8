use std::fs;
use std::path::{Path, PathBuf};

use super::{Catalog, discover};

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<catalog prefer="public" xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
    <uri id="User Entered" name="http://example.org/a#" uri="a%20b.ttl"/>
    <uri name="http://example.org/a#" uri="later.ttl"/>
    <uri name="http://example.org/web" uri="http://example.org/web.ttl"/>
    <uri name="http://example.org/file" uri="file:///srv/model.owl"/>
    <rewriteURI uriStartString="http://example.org/lib/" rewritePrefix="lib/"/>
    <group xml:base="vendor/"><uri name="http://example.org/v" uri="v.rdf"/></group>
    <uri name="http://example.org/w?x=1&amp;y=2" uri="w.rdf"/>
</catalog>"#;

#[test]
fn an_xml_catalog_leads_to_local_files() {
    let catalog = Catalog::from_xml(XML, Path::new("/m")).unwrap();
    for (iri, path) in [
        ("http://example.org/a#", Some("/m/a b.ttl")),
        ("http://example.org/a", Some("/m/a b.ttl")),
        ("http://example.org/web", None),
        ("http://example.org/file", Some("/srv/model.owl")),
        ("http://example.org/lib/x/y.ttl", Some("/m/lib/x/y.ttl")),
        ("http://example.org/v", Some("/m/vendor/v.rdf")),
        ("http://example.org/v#", Some("/m/vendor/v.rdf")),
        ("http://example.org/w?x=1&y=2", Some("/m/w.rdf")),
        ("http://example.org/other", None),
    ] {
        assert_eq!(catalog.resolve(iri), path.map(PathBuf::from), "{iri}");
    }
}

#[test]
fn what_is_no_catalog_is_refused() {
    let check = |text| Catalog::from_xml(text, Path::new("/")).unwrap_err().to_string();
    insta::assert_snapshot!(check("<rdf:RDF/>"), @"the file is not an OASIS XML catalog, as it has no <catalog> element");
    insta::assert_snapshot!(check("<catalog><uri</catalog>"), @"the catalog is not well-formed XML at byte 23");
    insta::assert_snapshot!(check(""), @"the file is not an OASIS XML catalog, as it has no <catalog> element");
}

#[test]
fn the_first_catalog_wins() {
    let mut catalog = Catalog::from_map(Path::new("/m"), [("http://example.org/a", "mine.ttl")]);
    catalog.extend(Catalog::from_map(
        Path::new("/n"),
        [("http://example.org/a", "theirs.ttl"), ("http://example.org/b", "/abs/b.ttl")],
    ));
    assert_eq!(catalog.resolve("http://example.org/a"), Some("/m/mine.ttl".into()));
    assert_eq!(catalog.resolve("http://example.org/b"), Some("/abs/b.ttl".into()));
    assert_eq!(catalog.entries().count(), 2);
}

#[test]
fn contexts_are_read_ahead() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.jsonld"), "{}").unwrap();
    let catalog =
        Catalog::from_map(folder.path(), [("http://c/", "c.jsonld"), ("http://t/", "t.ttl")]);
    let documents = catalog.load_documents().unwrap();
    assert_eq!(documents.get("http://c/"), Some(&b"{}"[..]));
    assert_eq!(documents.get("http://t/"), None);
    let missing = Catalog::from_map(folder.path(), [("http://c/", "missing.json")]);
    let error = missing.load_documents().unwrap_err().to_string();
    assert!(error.starts_with("the copy of <http://c/> at "), "{error}");
}

/// A folder with one of everything.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in [
        "a.ttl",
        "notes.txt",
        "model/b.nt",
        "model/deep/c.OWL",
        "model/deep/readme.md",
        "model/.hidden/d.ttl",
        ".evergen/e.ttl",
        "model/.f.ttl",
        "[odd]/g.ttl",
        "empty/x.txt",
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    std::os::unix::fs::symlink("..", root.join("model/up")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("model/broken")).unwrap();
    std::os::unix::fs::symlink("deep", root.join("model/another")).unwrap();
    folder
}

fn check(patterns: &[&str]) -> String {
    let folder = project();
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    match discover(folder.path(), &patterns) {
        Ok(files) => files
            .iter()
            .map(|file| {
                assert_eq!(file.path, folder.path().join(&file.relative));
                format!("{} ({})", file.relative, file.format)
            })
            .collect::<Vec<_>>()
            .join(", "),
        Err(errors) => errors
            .iter()
            .map(|error| error.to_string().replace(folder.path().to_str().unwrap(), "ROOT"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[test]
fn files_folders_and_globs_are_found_once() {
    insta::assert_snapshot!(check(&["a.ttl", "./a.ttl"]), @"a.ttl (Turtle)");
    insta::assert_snapshot!(check(&["model/deep"]), @"model/deep/c.OWL (RDF/XML)");
    insta::assert_snapshot!(check(&["model/"]), @"model/b.nt (N-Triples), model/deep/c.OWL (RDF/XML), model/up/[odd]/g.ttl (Turtle), model/up/a.ttl (Turtle)");
    insta::assert_snapshot!(check(&["."]), @"[odd]/g.ttl (Turtle), a.ttl (Turtle), model/b.nt (N-Triples), model/deep/c.OWL (RDF/XML)");
    insta::assert_snapshot!(check(&["*.ttl", "a.*"]), @"a.ttl (Turtle)");
    insta::assert_snapshot!(check(&["model/**/*.{nt,OWL}"]), @"model/b.nt (N-Triples), model/deep/c.OWL (RDF/XML)");
    insta::assert_snapshot!(check(&["model/.hidden/*.ttl"]), @"model/.hidden/d.ttl (Turtle)");
    insta::assert_snapshot!(check(&["[odd]/g.ttl"]), @"[odd]/g.ttl (Turtle)");
}

#[test]
fn patterns_that_lead_nowhere_are_errors() {
    insta::assert_snapshot!(check(&["missing.ttl", "*.trig", "empty"]), @r#"nothing matches "missing.ttl", nothing matches "*.trig", nothing matches "empty""#);
    insta::assert_snapshot!(check(&["notes.txt"]), @r#""notes.txt" has no extension of a known notation (ttl, trig, nt, nq, rdf, owl, jsonld)"#);
    insta::assert_snapshot!(check(&["{a"]), @r#""{a" is no pattern of paths"#);
    insta::assert_snapshot!(check(&["a.ttl/b.ttl"]), @"ROOT/a.ttl/b.ttl can't be read");
}
