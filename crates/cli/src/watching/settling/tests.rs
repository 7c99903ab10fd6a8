use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{FileKind, WatchTiming};
use super::{Settling, Sign};

const QUIET: u64 = 50;
const LONGEST: u64 = 400;

fn settling(most_files: usize) -> Settling {
    let timing = WatchTiming { quiet: ms(QUIET), longest: ms(LONGEST), ..WatchTiming::default() };
    Settling::new(&timing, most_files, true)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Signs as `time file sign`, and the bursts they make as `time: files`.
fn check(signs: &str, expected: &str) {
    let mut settling = settling(100);
    let mut bursts = Vec::new();
    let mut take = |settling: &mut Settling, until: Duration| {
        while let Some(due) = settling.due().filter(|due| *due <= until) {
            let burst = settling.take(due).expect("a burst that is due is given");
            let files: Vec<_> = burst.files.keys().map(|path| path.display().to_string()).collect();
            bursts.push(format!("{}: {}", due.as_millis(), files.join(" ")));
        }
    };
    for sign in signs.split(", ") {
        let words: Vec<&str> = sign.split(' ').collect();
        let now = ms(words[0].parse().unwrap());
        take(&mut settling, now);
        let sign = match words[2] {
            "created" => Sign::Created,
            "opened" => Sign::Opened,
            "written" => Sign::Written,
            "closed" => Sign::Closed,
            "placed" => Sign::Placed,
            "gone" => Sign::Gone,
            other => panic!("no sign is called {other}"),
        };
        settling.see(PathBuf::from(words[1]), FileKind::Source, sign, now);
    }
    take(&mut settling, ms(1_000_000));
    assert_eq!(bursts.join(", "), expected);
}

#[test]
fn a_burst_ends_when_it_is_quiet() {
    check("0 a placed, 40 b placed, 80 a placed", "130: a b");
    check("0 a placed, 100 b placed", "50: a, 150: b");
}

#[test]
fn a_file_that_is_being_written_holds_its_burst_back() {
    check("0 a written, 200 a written, 300 a closed", "350: a");
    check("0 a written, 10 b placed, 200 a closed", "250: a b");
}

#[test]
fn a_new_file_is_waited_for_from_its_opening_on() {
    check("0 a created, 0 a opened, 200 a written, 210 a closed", "260: a");
    check("0 a created, 60 b gone", "50: a, 110: b");
}

#[test]
fn a_file_that_is_gone_is_not_waited_for() {
    check("0 a written, 10 a gone", "60: a");
}

#[test]
fn no_burst_waits_for_ever() {
    check("0 a written, 500 a written, 510 a closed", "400: a, 560: a");
    let busy: Vec<String> = (0..30).map(|step| format!("{} a placed", step * 30)).collect();
    check(&busy.join(", "), "400: a, 820: a, 920: a");
}

#[test]
fn writers_of_whom_nothing_more_may_be_heard_are_forgotten() {
    let mut settling = settling(100);
    settling.see(PathBuf::from("a"), FileKind::Source, Sign::Written, ms(0));
    assert_eq!(settling.due(), Some(ms(LONGEST)));
    settling.forget_writers();
    assert_eq!(settling.due(), Some(ms(QUIET)));
    settling.see(PathBuf::from("a"), FileKind::Source, Sign::Written, ms(10));
    settling.see(PathBuf::from("a"), FileKind::Source, Sign::Closed, ms(20));
    assert_eq!(settling.take(ms(20 + QUIET)).map(|burst| burst.files.len()), Some(1));
}

#[test]
fn opening_and_closing_alone_are_nothing() {
    check("0 a opened, 10 a closed", "");
}

#[test]
fn too_many_files_are_one_flood() {
    let mut settling = settling(3);
    for number in 0..10 {
        settling.see(
            PathBuf::from(number.to_string()),
            FileKind::Source,
            Sign::Written,
            ms(number),
        );
    }
    // A flood has forgotten who writes.
    let burst = settling.take(ms(9 + QUIET)).unwrap();
    assert!(burst.flooded && burst.files.is_empty());
    assert_eq!(burst.first, ms(0));
    assert_eq!(settling.due(), None);
    settling.see(PathBuf::from("a"), FileKind::Source, Sign::Placed, ms(100));
    assert!(!settling.take(ms(150)).unwrap().flooded);
}

const SIGNS: [Sign; 9] = [
    Sign::Created,
    Sign::Opened,
    Sign::Written,
    Sign::Closed,
    Sign::Placed,
    Sign::Gone,
    Sign::Touched,
    Sign::Differs,
    Sign::Unheard,
];

/// The same in the plainest way: what was seen since the last burst, and when.
#[derive(Default)]
struct Plain {
    seen: Vec<(u8, Sign, Duration)>,
}

impl Plain {
    fn see(&mut self, file: u8, sign: Sign, now: Duration) {
        let known = self.seen.iter().any(|(other, _, _)| *other == file);
        if known || !matches!(sign, Sign::Opened | Sign::Closed) {
            self.seen.push((file, sign, now));
        }
    }

    fn files(&self) -> BTreeSet<PathBuf> {
        self.seen.iter().map(|(file, _, _)| PathBuf::from(file.to_string())).collect()
    }

    fn is_open(&self) -> bool {
        let mut last: BTreeMap<u8, Sign> = BTreeMap::new();
        let mut open: BTreeMap<u8, bool> = BTreeMap::new();
        for (file, sign, _) in &self.seen {
            let is_new = last.get(file) == Some(&Sign::Created);
            let is_open = open.entry(*file).or_default();
            *is_open = match sign {
                Sign::Written => true,
                Sign::Opened => *is_open || is_new,
                Sign::Created | Sign::Closed | Sign::Placed | Sign::Gone => false,
                Sign::Touched | Sign::Differs | Sign::Unheard => *is_open,
            };
            // The others don't make a new file an old one.
            if !matches!(sign, Sign::Touched | Sign::Differs | Sign::Unheard | Sign::Opened) {
                last.insert(*file, *sign);
            }
        }
        open.values().any(|open| *open)
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_held_too_long_or_given_too_early(
        steps in prop::collection::vec((0_u64..120, 0_u8..4, 0_usize..9), 1..80),
        late in 0_u64..30,
    ) {
        let mut settling = settling(100);
        let mut plain = Plain::default();
        let mut now = ms(0);
        let take = |settling: &mut Settling, plain: &mut Plain, now: Duration| {
            let burst = settling.take(now);
            prop_assert_eq!(burst.is_some(), settling_is_due(plain, now));
            if let Some(burst) = burst {
                let files: BTreeSet<PathBuf> = burst.files.into_keys().collect();
                prop_assert_eq!(files, plain.files());
                prop_assert_eq!(Some(burst.first), plain.seen.first().map(|seen| seen.2));
                plain.seen.clear();
                prop_assert_eq!(settling.due(), None);
            }
            Ok(())
        };
        for (pause, file, sign) in steps {
            let next = now + ms(pause);
            while let Some(due) = settling.due().filter(|due| *due <= next) {
                // A driver is never early, and may be late.
                prop_assert!(due >= now || settling.take(now).is_none());
                take(&mut settling, &mut plain, due.saturating_sub(ms(1)).max(now))?;
                let Some(due) = settling.due() else { continue };
                take(&mut settling, &mut plain, (due + ms(late)).min(next).max(due))?;
            }
            now = next;
            plain.see(file, SIGNS[sign], now);
            let due = settling.see(PathBuf::from(file.to_string()), FileKind::Source, SIGNS[sign], now);
            prop_assert_eq!(due.is_some(), !plain.seen.is_empty());
        }
        if let Some(due) = settling.due() {
            take(&mut settling, &mut plain, due)?;
        }
        prop_assert!(plain.seen.is_empty());
    }
}

fn settling_is_due(plain: &Plain, now: Duration) -> bool {
    let (Some(first), Some(last)) = (plain.seen.first(), plain.seen.last()) else { return false };
    let longest = now >= first.2 + ms(LONGEST);
    longest || !plain.is_open() && now >= last.2 + ms(QUIET)
}
