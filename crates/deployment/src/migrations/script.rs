//! Files of statements, read and made into what runs once.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// A file of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    text: String,
    pub(super) digest: String,
    transaction: bool,
}

/// The table in which is recorded what was done.
pub(super) const TABLE: &str = "
    SET client_min_messages = warning;
    CREATE TABLE IF NOT EXISTS evergen_migrations (
        name text NOT NULL,
        half text NOT NULL,
        step integer NOT NULL,
        digest text NOT NULL,
        done_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (name, half, step)
    );
    RESET client_min_messages;
";

/// Records a step.
pub(super) const RECORD: &str = "INSERT INTO evergen_migrations (name, half, step, digest) VALUES (:'name', :'half', :step, :'digest');";

const OPEN: &str = "-- evergen: no transaction";

impl Script {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("`{shown}` can't be read: {error}"))?;
        Self::parse(text).map_err(|why| format!("`{shown}` {why}"))
    }

    fn parse(text: String) -> Result<Self, String> {
        // The blocks of functions begin with a `BEGIN` that no semicolon follows.
        #[expect(clippy::expect_used, reason = "the patterns are constants that a test compiles")]
        static CONTROL: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?im)^\s*(commit|rollback|abort|end\s+transaction|start\s+transaction|begin\s*(;|work|transaction|isolation))\b*")
                .expect("the pattern is right")
        });
        #[expect(clippy::expect_used, reason = "the patterns are constants that a test compiles")]
        static META: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"(?m)^\s*\\").expect("the pattern is right"));
        let transaction = text.lines().next().is_none_or(|line| line.trim_end() != OPEN);
        if META.is_match(&text) {
            return Err(
                "has a command of psql, which begins with a backslash; only statements run"
                    .to_owned(),
            );
        }
        if let Some(found) = CONTROL.find(&text).filter(|_| transaction) {
            let found = found.as_str().trim();
            return Err(format!(
                "has `{found}`; it runs in a transaction already, unless it begins with `{OPEN}`"
            ));
        }
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        Ok(Self { text, digest, transaction })
    }

    /// What runs it and records it. Whoever runs the same at the same time waits, and then
    /// fails at the record.
    pub(super) fn statements(&self, lock_millis: u128) -> String {
        let text = &self.text;
        if self.transaction {
            return format!(
                "BEGIN;\nSET LOCAL lock_timeout = {lock_millis};\n{RECORD}\n{text}\n;\nCOMMIT;\n"
            );
        }
        format!("SET lock_timeout = {lock_millis};\n{text}\n;\n{RECORD}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::Script;

    fn check(text: &str) -> String {
        Script::parse(text.to_owned())
            .map_or_else(|why| why, |script| script.transaction.to_string())
    }

    #[test]
    fn what_would_end_the_transaction_is_refused() {
        assert_eq!(check("CREATE TABLE a (x int);"), "true");
        assert_eq!(
            check("-- evergen: no transaction\nCREATE INDEX CONCURRENTLY i ON a (x);"),
            "false"
        );
        let function =
            "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1;\nEND;\n$$ LANGUAGE plpgsql;";
        assert_eq!(check(function), "true");
        for bad in ["SELECT 1;\nCOMMIT;", "  begin;\nSELECT 1;", "Start  Transaction;", "ROLLBACK"]
        {
            assert!(
                check(bad).contains("it runs in a transaction already"),
                "{bad}: {}",
                check(bad)
            );
        }
        assert!(check("\\! rm -rf /").contains("a command of psql"));
    }
}
