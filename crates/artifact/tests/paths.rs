//! What holds for every text and every accepted path.

use std::path::{Component, Path};

use evergen_artifact::{ArtifactPath, FileName};
use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Texts made of what attackers and accidents make paths of.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "/", "..", ".", "\\", "c:", "con", "NUL", "com1", ".git", ".evergen", "~", " ", "\0",
            "\n", "‥", "．", "／", "∕", "＼", "ａ", "a", "B", "ß", "İ", "ı", "é", "e\u{301}",
            "\u{338}", "\u{202e}", "\u{200d}", "\u{feff}", "ﬁ", "ſ", "K", "㏂", "℀", "ⅷ", "git~1",
            "日", "Ω", "\u{1f80}",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn an_accepted_path_stays_below_its_root(text in nasty()) {
        let Ok(path) = ArtifactPath::parse(&text) else { return Ok(()) };
        prop_assert_eq!(path.as_str(), &text);
        prop_assert!(is_nfc(&text));
        // Not only as it is, but also in every form that a file system might make of it.
        let forms = [text.clone(), text.nfkc().collect(), text.nfd().collect(), text.to_lowercase(), path.collision_key()];
        for form in forms {
            prop_assert!(!form.contains(['\\', ':', '\0']), "{:?}", form);
            let components: Vec<_> = Path::new(&form).components().collect();
            prop_assert_eq!(components.len(), text.split('/').count());
            for component in components {
                prop_assert!(matches!(component, Component::Normal(_)), "{:?}", form);
            }
        }
    }

    #[test]
    fn a_key_is_its_own_key(text in nasty()) {
        let Ok(path) = ArtifactPath::parse(&text) else { return Ok(()) };
        let key = path.collision_key();
        if let Ok(again) = ArtifactPath::parse(&key) {
            prop_assert_eq!(again.collision_key(), key);
        }
    }

    #[test]
    fn case_and_form_do_not_change_the_key(text in nasty()) {
        let Ok(path) = ArtifactPath::parse(&text) else { return Ok(()) };
        for form in [text.to_uppercase(), text.nfkc().collect::<String>()] {
            if let Ok(other) = ArtifactPath::parse(&form) {
                prop_assert_eq!(other.collision_key(), path.collision_key());
            }
        }
    }

    #[test]
    fn a_name_is_a_path_of_one_component(text in nasty()) {
        let path = ArtifactPath::parse(&text);
        prop_assert_eq!(FileName::parse(&text).is_ok(), path.is_ok() && !text.contains('/'));
    }

    #[test]
    fn folder_and_name_are_the_path(text in "[a-c]{1,2}(/[a-c]{1,2}){0,3}") {
        let path = ArtifactPath::parse(&text).unwrap();
        let joined = if path.folder().is_empty() {
            path.file_name().to_owned()
        } else {
            format!("{}/{}", path.folder(), path.file_name())
        };
        prop_assert_eq!(joined, text);
        prop_assert!(path.folder().is_empty() || path.is_below(path.folder()));
        prop_assert!(!path.is_below(path.as_str()));
    }
}
