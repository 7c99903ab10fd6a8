//! A survey finds the sources that the engine finds.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use evergen_knowledge::discover;

use super::super::FileKind;
use super::super::survey::Survey;
use super::harness::{put, scope, sources};

#[test]
fn sources_are_those_of_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for file in [
        "a.ttl",
        "b.nt",
        "c.txt",
        ".hidden.ttl",
        "model/a.ttl",
        "model/a.TTL",
        "model/sub/b.owl",
        "model/sub/deep/c.jsonld",
        "model/sub/deep/d.ttl",
        "model/.hidden/e.ttl",
        "model/[odd].ttl",
        "other/f.trig",
        "other/sub/g.ttl",
        "folder.ttl/h.ttl",
    ] {
        put(&root.join(file), "");
    }
    symlink("../other/sub", root.join("model/linked")).unwrap();
    symlink("../other", root.join("other/loop")).unwrap();
    symlink("../a.ttl", root.join("model/link.ttl")).unwrap();
    let absolute = root.join("model/*/*.owl");
    for pattern in [
        ".",
        "./model/",
        "model//sub/*.owl",
        "*.ttl",
        "*.{ttl,nt}",
        "**/*.ttl",
        "model/*",
        "model/**",
        "model/*/*.owl",
        "*/sub/*",
        "{model/sub,other}/*",
        "m?del/[a-s]*/deep/*.ttl",
        "model/**/deep/*.ttl",
        "model/.hidden/*.ttl",
        "model/.*/*.ttl",
        ".hidden.ttl",
        "model/[odd].ttl",
        "other/sub/../f.trig",
        "other/sub/../sub/*.ttl",
        "folder.ttl",
        "other",
        absolute.to_str().unwrap(),
    ] {
        let settings = sources(&[pattern]);
        let expected = discover(root, &settings.model.sources).unwrap();
        let expected: BTreeSet<PathBuf> = expected.into_iter().map(|file| file.path).collect();
        let found = Survey::of(&scope(root, &settings)).files.into_iter();
        let found = found.filter(|(_, (kind, _))| *kind == FileKind::Source);
        let found: BTreeSet<PathBuf> = found.map(|(path, _)| path).collect();
        assert_eq!(found, expected, "{pattern}");
    }
}
