use super::*;

fn check(text: &str, expected: Option<PathFault>) {
    let fault = ArtifactPath::parse(text).err().map(|error| error.fault());
    assert_eq!(fault, expected, "{text:?}");
}

fn collide(left: &str, right: &str, expected: bool) {
    let keys = [left, right].map(|text| ArtifactPath::parse(text).unwrap().collision_key());
    assert_eq!(keys[0] == keys[1], expected, "{left:?} {right:?} {keys:?}");
}

#[test]
fn plain_paths_are_accepted() {
    for text in [
        "a",
        "src/lib.rs",
        ".gitignore",
        "a b/c",
        "x..y",
        "...x",
        "Größe.py",
        "заказ/日本.ts",
        "com/a",
        "console",
        "com10",
    ] {
        check(text, None);
    }
    check(&"a".repeat(255), None);
    check(&format!("{}b", "a/".repeat(2047)), None);
}

#[test]
fn each_trick_has_its_fault() {
    check("", Some(PathFault::Empty));
    check("/etc/passwd", Some(PathFault::Absolute));
    check("a//b", Some(PathFault::EmptyComponent));
    check("a/", Some(PathFault::EmptyComponent));
    check("./a", Some(PathFault::CurrentFolder));
    check("a/../../b", Some(PathFault::ParentFolder));
    check("a\\..\\b", Some(PathFault::Backslash));
    check("c:/a", Some(PathFault::Colon));
    check("a\0", Some(PathFault::Control));
    check("a\nb", Some(PathFault::Control));
    check("a\u{85}b", Some(PathFault::Control));
    check("a\u{2028}b", Some(PathFault::Control));
    check("a\u{202e}sr.b", Some(PathFault::Bidirectional));
    check("a\u{200b}", Some(PathFault::Invisible));
    check("\u{feff}a", Some(PathFault::Invisible));
    check("e\u{301}.rs", Some(PathFault::NotNormalised));
    check("a./b", Some(PathFault::TrailingDotOrSpace));
    check("a ", Some(PathFault::TrailingDotOrSpace));
    check(".. /b", Some(PathFault::TrailingDotOrSpace));
    check(&"a".repeat(256), Some(PathFault::LongComponent));
    check(&format!("{}b", "a/".repeat(2048)), Some(PathFault::LongPath));
}

#[test]
fn devices_and_reserved_names_are_refused_in_every_disguise() {
    for text in ["con", "src/NUL.rs", "com1.tar.gz", "LPT9", "com¹", "Aux .txt", "ＣＯＮ", "conin$"]
    {
        check(text, Some(PathFault::Device));
    }
    for text in [
        ".git/config",
        ".GIT",
        "GIT~1/config",
        ".evergen",
        "a/.Evergen-stage",
        ".ｅvergen",
        ".\u{1d33}it",
    ] {
        check(text, Some(PathFault::Reserved));
    }
}

#[test]
fn look_alikes_of_separators_and_dots_are_refused() {
    for text in ["‥/b", "．．/b", "a／b", "a∕b", "a⁄b", "a＼b", "c：b", "a․", "x…", "℀", "a．"]
    {
        check(text, Some(PathFault::LookAlike));
    }
}

#[test]
fn keys_are_equal_where_a_file_system_may_see_one_file() {
    collide("src/Order.rs", "SRC/order.RS", true);
    collide("straße", "STRASSE", true);
    collide("ς", "Σ", true);
    collide("ﬁle", "FILE", true);
    collide("K", "k", true);
    collide("Ａ", "a", true);
    collide("\u{1f80}", "\u{1f88}", true);
    collide("a", "b", false);
    collide("с", "c", false);
}

#[test]
fn a_message_prints_the_path_and_stays_short() {
    let message = ArtifactPath::parse("a\u{202e}b").unwrap_err().to_string();
    assert_eq!(
        message,
        r#"the path "a\u{202e}b" has a control character for the direction of text"#
    );
    assert!(ArtifactPath::parse(&"ä/".repeat(1 << 16)).unwrap_err().path().len() <= MAXIMAL_PATH);
}

#[test]
fn serde_goes_through_the_same_check() {
    let path: ArtifactPath = serde_json::from_str(r#""a/b""#).unwrap();
    assert_eq!(serde_json::to_string(&path).unwrap(), r#""a/b""#);
    assert!(serde_json::from_str::<ArtifactPath>(r#""../b""#).is_err());
}

#[test]
fn a_name_has_no_folder() {
    assert_eq!(FileName::parse("evergen.lock").unwrap().as_str(), "evergen.lock");
    assert_eq!(FileName::parse("a/b").unwrap_err().fault(), PathFault::Folder);
    assert_eq!(FileName::parse("..").unwrap_err().fault(), PathFault::ParentFolder);
}
