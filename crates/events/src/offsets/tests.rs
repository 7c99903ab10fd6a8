use std::collections::BTreeSet;
use std::ops::Range;

use proptest::prelude::*;

use crate::{Acknowledged, OffsetSet};

proptest! {
    #[test]
    fn a_set_of_ranges_is_a_set(
        steps in proptest::collection::vec((any::<bool>(), 0_u64..40, 0_u64..12), 0..30),
    ) {
        let (mut ranges, mut plain) = (OffsetSet::new(), BTreeSet::new());
        for (adds, start, length) in steps {
            let range = start..start + length;
            if adds {
                ranges.insert_range(range.clone());
                plain.extend(range);
            } else {
                ranges.remove_range(range.clone());
                plain.retain(|offset| !range.contains(offset));
            }
            let listed: Vec<u64> = ranges.ranges().flatten().collect();
            prop_assert_eq!(&listed, &plain.iter().copied().collect::<Vec<_>>());
            prop_assert!((0..60).all(|offset| ranges.contains(offset) == plain.contains(&offset)));
            prop_assert_eq!(ranges.len(), plain.len() as u64);
            prop_assert_eq!(ranges.is_empty(), plain.is_empty());
            prop_assert_eq!(ranges.end(), plain.last().map(|last| last + 1));
            let gaps = ranges.ranges().collect::<Vec<_>>();
            prop_assert!(gaps.windows(2).all(|pair| pair[0].end < pair[1].start), "no two touch");
            prop_assert_eq!(ranges.range_count(), gaps.len());
            let json = serde_json::to_string(&ranges).unwrap();
            prop_assert_eq!(serde_json::from_str::<OffsetSet>(&json).unwrap(), ranges.clone());
        }
    }

    #[test]
    fn what_is_acknowledged_does_not_depend_on_the_order(
        start in 0_u64..10,
        mut offsets in proptest::collection::vec(0_u64..40, 0..40),
    ) {
        let mut at_once = Acknowledged::below(start);
        at_once.add(&offsets.iter().copied().collect());
        let mut one_by_one = Acknowledged::below(start);
        for offset in offsets.iter().rev() {
            one_by_one.add(&OffsetSet::from_iter([*offset]));
        }
        prop_assert_eq!(&at_once, &one_by_one);
        offsets.retain(|offset| *offset >= start);
        for offset in 0..50 {
            prop_assert_eq!(at_once.contains(offset), offset < start || offsets.contains(&offset));
        }
        prop_assert!(!at_once.contains(at_once.low()));
        let missing = (5..45).filter(|offset| !at_once.contains(*offset)).count();
        prop_assert_eq!(at_once.missing(5..45), missing as u64);
    }
}

#[test]
fn the_ends_of_the_numbers_are_offsets_too() {
    let mut set = OffsetSet::from(u64::MAX - 2..u64::MAX);
    set.insert(0);
    let backwards = Range { start: 9, end: 3 };
    set.insert_range(backwards.clone());
    set.remove_range(backwards);
    assert_eq!(set.len(), 3);
    assert!(serde_json::from_str::<OffsetSet>("[[5,2],[7,9],[8,12]]").unwrap().len() == 5);
}
