//! Kills a process with SIGKILL while it works through the steps of an operation, over and over, and
//! looks whether any step that was finished runs again.
//!
//! The work is done by this program itself, started anew to run nothing but [`work`].
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use evergen_resilience::Checkpoints;

const VARIABLE: &str = "EVERGEN_CRASH_FOLDER";
const STEPS: usize = 600;
const KILLS: usize = 100;

/// Each step notes in a ledger that it runs, and after it was recorded that it is finished. The
/// ledger is no part of what is tested: each line is appended by one call, which a killed process
/// has made or not.
#[test]
fn work() {
    let Ok(folder) = std::env::var(VARIABLE) else { return };
    let folder = Path::new(&folder);
    let mut ledger =
        OpenOptions::new().append(true).create(true).open(folder.join("ledger")).unwrap();
    let journal = Checkpoints::open(&folder.join("journal"), "count").unwrap();
    for number in 0..STEPS {
        let name = format!("step-{number}");
        let result = journal.step_blocking(&name, || {
            ledger.write_all(format!("run {number}\n").as_bytes())?;
            Ok::<_, std::io::Error>(number * 2)
        });
        assert_eq!(result.unwrap(), number * 2, "a result is given back as it was");
        ledger.write_all(format!("finished {number}\n").as_bytes()).unwrap();
        println!("at {number}");
    }
    ledger.write_all(b"done\n").unwrap();
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "work", "--nocapture"])
        .env(VARIABLE, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills it after it has told of so many steps, and so at an instant that has nothing to do with
/// what it is at.
fn kill_after(child: &mut Child, lines: usize) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let told = output.lines().filter(|line| line.as_ref().is_ok_and(|line| line.contains("at ")));
    let _ = told.take(lines).count();
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn no_finished_step_runs_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let rng = fastrand_seed();
    let mut seen = 0;
    for round in 0..KILLS {
        let mut child = start(folder.path());
        // It goes quickly through what is finished, which is told as well.
        seen += 1 + (rng.wrapping_mul(round as u64 + 1) >> 60) as usize / 2;
        kill_after(&mut child, seen.min(STEPS - 1));
    }
    assert!(start(folder.path()).wait_with_output().unwrap().status.success());
    let ledger = fs::read_to_string(folder.path().join("ledger")).unwrap();
    let mut finished = vec![false; STEPS];
    let mut runs = 0;
    for line in ledger.lines() {
        let (verb, number) = line.split_once(' ').unwrap_or((line, "0"));
        let number: usize = number.parse().unwrap();
        match verb {
            "run" => {
                runs += 1;
                assert!(!finished[number], "step {number} ran again after it was finished");
            }
            "finished" => finished[number] = true,
            _ => assert_eq!(verb, "done"),
        }
    }
    assert!(finished.iter().all(|&finished| finished));
    assert!(runs <= STEPS + KILLS, "a kill costs the step it hits, and no other: {runs} runs");
}

/// A seed that is told, so that a failure can be played again.
fn fastrand_seed() -> u64 {
    let seed = fastrand::u64(..) | 1;
    println!("seed {seed}");
    seed
}
