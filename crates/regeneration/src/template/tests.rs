use super::front_matter::{locate, parse, split};
use super::library::TemplateFile;
use super::node::local_name;

#[test]
fn a_file_without_fences_is_a_partial() {
    for text in ["", "text\n", " +++\n+++\n", "++\n"] {
        assert_eq!(split(text).unwrap().front, None, "{text:?}");
    }
}

#[test]
fn the_body_begins_behind_the_second_fence() {
    for text in [
        "+++\nto = \"x\"\n+++\nbody\n",
        "+++\r\nto = \"x\"\r\n+++\r\nbody\n",
        "\u{feff}+++\nto = \"x\"\n+++\nbody\n",
    ] {
        let split = split(text).unwrap();
        assert_eq!(&text[split.body..], "body\n");
        assert_eq!(parse(text, split.front.unwrap()).unwrap().to.unwrap().get_ref(), "x");
    }
}

#[test]
fn spans_are_those_of_the_file() {
    let text = "+++\nto = \"x.txt\"\nwhen = \"a > b\"\n+++\n";
    let front = parse(text, split(text).unwrap().front.unwrap()).unwrap();
    let span = front.when.unwrap().span();
    assert_eq!(&text[span.clone()], "\"a > b\"");
    assert_eq!(&text[locate(text, &span, "a > b", 2)..][..1], ">");
}

#[test]
fn what_is_wrong_with_a_front_matter_is_told_with_its_place() {
    let check = |text: &str| {
        let problem = TemplateFile::parse("x.j2", "templates/x.j2", text).unwrap_err();
        format!("{}:{}: {}", problem.line.unwrap(), problem.column.unwrap(), problem.message)
    };
    assert_eq!(check("+++\nto = \"x\"\n"), "1:1: the front matter has no closing `+++` line");
    insta::assert_snapshot!(check("+++\nto = \"x\"\nfor_eahc = 1\n+++\n"));
    insta::assert_snapshot!(check("+++\nto = [\n+++\n"));
}

#[test]
fn a_local_name_is_what_stands_last() {
    let cases = [
        ("http://example.org/a#b", "b"),
        ("http://example.org/a/b", "b"),
        ("http://example.org/a/", "a"),
        ("http://example.org/a#", "a"),
        ("urn:x:y", "y"),
        ("plain", "plain"),
        ("", ""),
    ];
    for (iri, name) in cases {
        assert_eq!(local_name(iri), name, "{iri}");
    }
}
