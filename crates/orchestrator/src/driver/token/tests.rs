use shuttle::sync::Arc;
use shuttle::thread;

use super::CommitToken;

/// In every order in which the two can meet, exactly one of them gets the right.
#[test]
fn a_commit_and_a_revocation_never_both_win() {
    shuttle::check_dfs(
        || {
            let token = Arc::new(CommitToken::new());
            let (task, watchdog) = (Arc::clone(&token), Arc::clone(&token));
            let committed = thread::spawn(move || task.begin_commit());
            let revoked = thread::spawn(move || watchdog.revoke());
            let (committed, revoked) = (committed.join().unwrap(), revoked.join().unwrap());
            assert!(committed != revoked, "committed: {committed}, revoked: {revoked}");
            assert!(!token.begin_commit() && !token.revoke(), "the decision stands");
        },
        None,
    );
}
