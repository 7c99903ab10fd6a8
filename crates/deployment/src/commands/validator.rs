use futures::future::{BoxFuture, FutureExt as _};

use super::line::{CommandLine, SettingError};
use super::run::{CommandError, Invocation};
use crate::{Candidate, Judgement, ReleaseValidator, Remark, RemarkLevel, ValidationError};

/// A command of the user's as a [`ReleaseValidator`].
///
/// It runs in a folder with the files of the release, and is told about the step as
/// [hooks](crate::CommandHook) are. Status 0 passes; 75 (as in `sysexits.h`: try again) is no
/// judgement; with any other status each line that it printed last is a remark, and one that
/// begins with `path:line:` has a place.
#[derive(Clone, Debug)]
pub struct CommandValidator {
    name: String,
    command: CommandLine,
}

impl CommandValidator {
    /// A validator that runs `command`.
    ///
    /// # Errors
    /// The command can't be run as it is set up.
    pub fn new(name: impl Into<String>, command: CommandLine) -> Result<Self, SettingError> {
        command.validate()?;
        Ok(Self { name: name.into(), command })
    }

    async fn judge(&self, candidate: &Candidate) -> Result<Judgement, ValidationError> {
        let validator = self.name.clone();
        match self.command.run(&Invocation::of_step(&candidate.context)).await {
            Ok(_) => Ok(Judgement::pass()),
            Err(CommandError::Failed { status, output, .. }) if status != "exit status 75" => {
                Ok(refusal(&status, &output))
            }
            Err(CommandError::TimedOut { deadline, .. }) => {
                Err(ValidationError::TimedOut { validator, deadline })
            }
            Err(error) => Err(ValidationError::NotJudged { validator, source: error.into() }),
        }
    }
}

impl ReleaseValidator for CommandValidator {
    fn name(&self) -> &str {
        &self.name
    }

    fn validate<'a>(
        &'a self,
        candidate: &'a Candidate,
    ) -> BoxFuture<'a, Result<Judgement, ValidationError>> {
        self.judge(candidate).boxed()
    }
}

/// What a command has printed, as remarks; at least one is an error.
fn refusal(status: &str, output: &str) -> Judgement {
    let lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut remarks: Vec<Remark> = lines.map(remark).collect();
    if remarks.iter().all(|remark| remark.level != RemarkLevel::Error) {
        remarks.push(Remark::error(format!("the command ended with {status}")));
    }
    Judgement::new(remarks)
}

/// `path:line:`, perhaps a column, perhaps a level, and a text.
fn remark(line: &str) -> Remark {
    let placed = line.split_once(':').and_then(|(path, rest)| {
        let (number, text) = rest.split_once(':')?;
        let number = number.parse::<u32>().ok()?;
        (!path.is_empty() && !path.contains(char::is_whitespace)).then_some((path, number, text))
    });
    let Some((path, number, text)) = placed else { return levelled(line) };
    let text = match text.split_once(':') {
        Some((column, text)) if column.parse::<u32>().is_ok() => text,
        _ => text,
    };
    levelled(text.trim()).at(path, Some(number))
}

fn levelled(text: &str) -> Remark {
    let levels = [
        ("error:", RemarkLevel::Error),
        ("warning:", RemarkLevel::Warning),
        ("note:", RemarkLevel::Note),
    ];
    for (word, level) in levels {
        if let Some(text) = text.strip_prefix(word) {
            return Remark::new(level, text.trim());
        }
    }
    Remark::error(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expected: &str) {
        let judgement = refusal("exit status 1", output);
        assert!(!judgement.passes(), "a command that failed refuses");
        assert_eq!(judgement.to_string(), expected);
    }

    #[test]
    fn lines_become_remarks() {
        check("a.rs:3: no such field", "a.rs:3: no such field");
        check("sub/a.rs:3:17: error: no such field", "sub/a.rs:3: no such field");
        check("note: it is old\n\n b.rs:1: bad", "b.rs:1: bad; note: it is old");
        check("what: is this", "what: is this");
        check("", "the command ended with exit status 1");
        check("warning: odd", "the command ended with exit status 1; warning: odd");
        check("1\n2\n3\n4\n5", "1; 2; 3; and 2 more");
    }

    #[test]
    fn remarks_are_bounded() {
        let judgement = refusal("exit status 1", &"x".repeat(9000));
        assert!(judgement.remarks[0].text.chars().count() < 600);
        let many = refusal("exit status 1", &"bad\n".repeat(900));
        assert_eq!((many.remarks.len(), many.left_out), (Judgement::KEPT, 850));
    }
}
