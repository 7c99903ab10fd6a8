//! Kills the whole loop at random instants: what was acknowledged has its effect, once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use evergen_tests::random::Random;

/// How often the loop is killed.
const KILLS: usize = 200;
/// How many subjects the program has.
const SUBJECTS: u64 = 5;

const TEMPLATE: &str = "+++
for_each = 'SELECT ?class WHERE { ?class a owl:Class }'
to = '{{ class | local_name }}.txt'
+++
{{ class.out('rdfs:label') | join(' and ') }}";

/// What was said before the end: the last change that was tried, and the last one that was
/// acknowledged.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    tried: Option<u64>,
    acknowledged: Option<u64>,
}

fn program(folder: &Path, what: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_loop-under-test"))
        .arg(folder)
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets the program publish from a number on, and kills it at some instant after its first
/// acknowledgement, or before.
fn killed(folder: &Path, from: u64, random: &mut Random) -> Said {
    let mut child = program(folder, &from.to_string());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut said = Said::default();
        for line in lines.map_while(Result::ok) {
            let (word, number) = line.split_once(' ').unwrap();
            let Ok(number) = number.parse() else { continue };
            match word {
                "try" => said.tried = Some(number),
                _ => said.acknowledged = Some(number),
            }
        }
        said
    });
    let life = Duration::from_micros(random.below(60_000) as u64 + 5_000);
    let until = Instant::now() + life;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_micros(500));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_acknowledged_has_its_effect_exactly_once_however_often_the_loop_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("templates/class.txt.j2"), TEMPLATE).unwrap();
    let seed = std::env::var("EVERGEN_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("EVERGEN_SEED={seed}");
    let mut random = Random::new(seed);

    // A change that was tried and not acknowledged is there or not; what follows takes it for
    // not there, and publishes it once more, which must make no difference.
    let (mut next, mut last_tried, mut kills, mut acknowledged) = (0, None, 0, 0_u64);
    while kills < KILLS {
        let said = killed(folder.path(), next, &mut random);
        kills += 1;
        last_tried = said.tried.max(last_tried);
        if let Some(number) = said.acknowledged {
            acknowledged += number + 1 - next;
            next = number + 1;
        }
    }
    assert!(acknowledged > 100, "the loop was always killed too soon: {acknowledged} acknowledged");
    let drained = program(folder.path(), "drain").wait().unwrap();
    assert!(drained.success(), "what was left was not done");

    let expected = expected(next, last_tried);
    let texts = texts(&folder.path().join("gen"));
    for (subject, choices) in &expected {
        let text = texts.get(subject).map(String::as_str);
        assert!(
            text.is_some_and(|text| choices.contains(&text.to_owned())),
            "{subject}: {text:?}, not one of {choices:?}"
        );
    }
    assert_eq!(texts.len(), expected.len());
    println!("{kills} kills, {acknowledged} changes acknowledged");
}

/// What each subject may say: its last acknowledged change, or one that was tried after it.
fn expected(next: u64, tried: Option<u64>) -> BTreeMap<String, Vec<String>> {
    let subjects = (0..SUBJECTS).filter_map(|subject| {
        let of_subject = |number: &u64| number % SUBJECTS == subject;
        let acknowledged = (0..next).rev().find(of_subject);
        let later = tried.filter(|number| *number >= next).filter(of_subject);
        let choices: Vec<String> =
            acknowledged.into_iter().chain(later).map(|number| number.to_string()).collect();
        (acknowledged.is_some()).then(|| (format!("S{subject}.txt"), choices))
    });
    subjects.collect()
}

fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}
