use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

use super::{Lifecycle, Stage};

/// In every order in which they can meet, one of two starts wins.
#[test]
fn one_of_two_starts_wins() {
    shuttle::check_dfs(
        || {
            let lifecycle = Arc::new(Lifecycle::<usize>::new());
            let start = |id: usize| {
                let lifecycle = Arc::clone(&lifecycle);
                thread::spawn(move || {
                    let won = lifecycle.begin().is_ok();
                    if won {
                        thread::yield_now();
                        lifecycle.started(id);
                    }
                    won
                })
            };
            let (one, other) = (start(1), start(2));
            let (one, other) = (one.join().unwrap(), other.join().unwrap());
            assert!(one != other, "{one} {other}");
            assert_eq!(lifecycle.running(), Some(if one { 1 } else { 2 }));
        },
        None,
    );
}

/// Starts, failing starts and stops at random: never two loops, and no stop is told of a loop
/// that is not there.
#[test]
fn starts_and_stops_at_random_keep_one_loop_at_most() {
    shuttle::check_random(
        || {
            let lifecycle = Arc::new(Lifecycle::<usize>::new());
            let alive = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..3_usize)
                .map(|id| {
                    let (lifecycle, alive) = (Arc::clone(&lifecycle), Arc::clone(&alive));
                    thread::spawn(move || {
                        match lifecycle.begin() {
                            Ok(()) if id == 0 => lifecycle.undo(),
                            Ok(()) => {
                                assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0);
                                lifecycle.started(id);
                            }
                            Err(stage) => assert_ne!(stage, Stage::Idle),
                        }
                        if let Some((_, false)) = lifecycle.stop() {
                            // The first to stop waits for the end of the loop.
                            assert_eq!(alive.fetch_sub(1, Ordering::SeqCst), 1);
                            lifecycle.ended();
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(alive.load(Ordering::SeqCst), 0);
            assert!(!lifecycle.is_alive());
            assert!(lifecycle.begin().is_ok(), "it can start again");
        },
        2_000,
    );
}
