use proptest::prelude::*;

use super::*;
use crate::{Coverage, Outcome};

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn kept(lines: u64) -> Kept {
    Kept::File { lines, by: 1 }
}

#[test]
fn what_was_kept_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = Kept::Outcome(Box::new(Outcome::Pass(Coverage::of_files(2))));
    let cache = VerdictCache::open(folder.path()).unwrap();
    cache.put(key("gate"), &[(key("a"), kept(3)), (key("b"), outcome.clone())]);
    for cache in [cache, VerdictCache::open(folder.path()).unwrap()] {
        let found = cache.get(key("gate"), &[key("b"), key("c"), key("a")]);
        assert_eq!(found, [Some(outcome.clone()), None, Some(kept(3))]);
        assert_eq!(cache.get(key("another gate"), &[key("a")]), [None]);
    }
}

#[test]
fn the_number_of_gates_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VerdictCache::open(folder.path()).unwrap();
    for index in 0..PACKS + 9 {
        cache.put(key(&index.to_string()), &[(key("a"), kept(0))]);
    }
    drop(VerdictCache::open(folder.path()).unwrap());
    assert_eq!(std::fs::read_dir(folder.path().join("1")).unwrap().count(), PACKS);
}

#[test]
fn the_number_of_answers_is_bounded_and_what_is_used_stays() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<_> = (0..70_000_u32).map(|index| (key(&index.to_string()), kept(1))).collect();
    VerdictCache::open(folder.path()).unwrap().put(key("gate"), &many);
    let cache = VerdictCache::open(folder.path()).unwrap();
    let all: Vec<Digest> = (0..70_000_u32).map(|index| key(&index.to_string())).collect();
    let known = cache.get(key("gate"), &all).iter().flatten().count();
    assert_eq!(known, 1 << 16);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_damaged_file_is_forgotten(at in 0_usize..200, mask in 1_u8.., cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let cache = VerdictCache::open(folder.path()).unwrap();
        cache.put(key("gate"), &[(key("a"), kept(7)), (key("b"), kept(8))]);
        let file = cache.file(key("gate"));
        let mut bytes = std::fs::read(&file).unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] ^= mask }
        std::fs::write(&file, bytes).unwrap();
        let cache = VerdictCache::open(folder.path()).unwrap();
        prop_assert_eq!(cache.get(key("gate"), &[key("a"), key("b")]), [None, None]);
    }
}
