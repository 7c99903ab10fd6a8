use proptest::prelude::*;

use super::{
    BadHead, FILE_HEAD, FORMAT_VERSION, FileHead, Kind, Place, RECORD_HEAD, Tail, Window,
    encode_group, head_checksum, payload, scan,
};

const HEAD: FileHead = FileHead { kind: Kind::Events, base: 40, created: 7 };

/// A file of groups, and the position at which each begins and the last ends.
fn file(groups: &[Vec<Vec<u8>>]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = HEAD.encode().to_vec();
    let mut place = Place::first(&HEAD);
    let mut ends = vec![bytes.len()];
    for group in groups {
        place = encode_group(&mut bytes, place, 9, group);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap()
}

/// The payloads that are found, how they end, and where.
fn scanned(bytes: &[u8]) -> (Vec<Vec<u8>>, Tail, usize) {
    let mut window = Window::new(bytes);
    let mut found = Vec::new();
    let end = scan(&mut window, Place::first(&HEAD), |place, record| found.push((*place, *record)));
    let end = end.unwrap();
    let payloads = found
        .into_iter()
        .map(|(place, record)| payload(&mut window, place.position, &record).unwrap().to_vec())
        .collect();
    (payloads, end.tail, index(end.place.position))
}

fn groups() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let payload = proptest::collection::vec(any::<u8>(), 1..40);
    proptest::collection::vec(proptest::collection::vec(payload, 1..5), 1..6)
}

#[test]
fn a_head_is_known_again() {
    assert_eq!(FileHead::decode(&HEAD.encode()), Ok(HEAD));
    assert_eq!(FileHead::decode(&HEAD.encode()[..63]), Err(BadHead::Damaged));
    for index in 0..FILE_HEAD {
        let mut bytes = HEAD.encode();
        bytes[index] ^= 1;
        assert_eq!(FileHead::decode(&bytes), Err(BadHead::Damaged), "{index}");
    }
    for (at, value, expected) in [(8, 2, BadHead::Newer(2)), (16, 9, BadHead::Damaged)] {
        let mut bytes = HEAD.encode();
        bytes[at] = value;
        let checksum = head_checksum(&bytes);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(FileHead::decode(&bytes), Err(expected));
    }
    assert_eq!(FORMAT_VERSION, 1);
}

proptest! {
    #[test]
    fn what_was_written_is_read(groups in groups(), zeros in 0_usize..100) {
        let (mut bytes, ends) = file(&groups);
        bytes.resize(bytes.len() + zeros, 0);
        let (payloads, tail, end) = scanned(&bytes);
        prop_assert_eq!(payloads, groups.concat());
        prop_assert_eq!(tail, Tail::Clean);
        prop_assert_eq!(end, ends[groups.len()]);
    }

    /// Whatever part of the last group has reached the disk: it is torn, and all of it goes.
    #[test]
    fn an_incomplete_group_is_cut_off_as_a_whole(
        groups in groups(),
        cut in any::<proptest::sample::Index>(),
        holes in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let (mut bytes, ends) = file(&groups);
        let [.., start, until] = ends[..] else { unreachable!("there is a group") };
        let kept = start + cut.index(until - start);
        bytes[kept..].fill(0);
        for hole in holes {
            bytes[start + hole.index(until - start)] = 0;
        }
        bytes.resize(until + 50, 0);
        let (payloads, tail, end) = scanned(&bytes);
        let before = groups[..groups.len() - 1].concat();
        // A cut through trailing zeros of the last payload changes nothing.
        if payloads.len() > before.len() {
            prop_assert_eq!(payloads, groups.concat());
            return Ok(());
        }
        prop_assert_eq!(payloads, before);
        prop_assert_eq!(end, start);
        match tail {
            Tail::Clean => prop_assert!(bytes[start..].iter().all(|byte| *byte == 0)),
            Tail::Torn { until } => {
                prop_assert!(bytes[index(until)..].iter().all(|byte| *byte == 0));
            }
            Tail::Damaged { .. } => prop_assert!(false, "nobody was promised the last group"),
        }
    }

    /// One wrong byte before the last group is damage, and is found where it is.
    #[test]
    fn damage_in_the_middle_is_told(
        mut groups in groups(),
        at in any::<proptest::sample::Index>(),
        flip in 1_u8..=255,
    ) {
        groups.push(vec![b"last".to_vec()]);
        let (mut bytes, ends) = file(&groups);
        let last = ends[groups.len() - 1];
        let hit = FILE_HEAD + at.index(last - FILE_HEAD);
        bytes[hit] ^= flip;
        let (payloads, tail, _) = scanned(&bytes);
        let Tail::Damaged { at, next, .. } = tail else { panic!("it was not told: {tail:?}") };
        let all = groups.concat();
        prop_assert!(all.starts_with(&payloads), "nothing wrong is read");
        prop_assert!(index(at.position) <= hit, "and nothing after it");
        prop_assert!(next.is_some_and(|next| next > at.offset));
        // The place that is named is the record with the wrong byte.
        let size = RECORD_HEAD + all[index(at.offset - 40)].len();
        prop_assert!(hit < index(at.position) + size);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        crate::fuzzing::segment(&bytes);
        crate::fuzzing::journals(&bytes);
        let mut with_head = HEAD.encode().to_vec();
        with_head.extend(bytes);
        crate::fuzzing::segment(&with_head);
    }
}

#[test]
fn a_record_of_another_file_is_not_taken() {
    let (bytes, _) = file(&[vec![b"one".to_vec()], vec![b"two".to_vec()]]);
    let other = FileHead { created: 8, ..HEAD };
    let mut mixed = other.encode().to_vec();
    mixed.extend_from_slice(&bytes[FILE_HEAD..]);
    let mut window = Window::new(&mixed[..]);
    let end = scan(&mut window, Place::first(&other), |_, _| {}).unwrap();
    assert!(matches!(end.tail, Tail::Damaged { .. }));
}

#[test]
fn a_long_file_is_read_window_by_window() {
    let group = vec![vec![7; 100_000], vec![8; 300_000], vec![9; 10]];
    let (mut bytes, _) = file(&[group.clone(), group.clone()]);
    bytes.resize(bytes.len() + 600_000, 0);
    let (payloads, tail, _) = scanned(&bytes);
    assert_eq!((payloads, tail), ([group.clone(), group].concat(), Tail::Clean));
}
