//! What has helped against such errors.

use crate::event::ErrorKind;

/// Words in a message, in lower case, and what helps then.
const BY_WORDS: [(&[&str], &str); 12] = [
    (
        &["no space left", "disk quota"],
        "free space on the volume of the output folder, or move the state folder to another one",
    ),
    (
        &["permission denied", "access is denied", "read-only file system"],
        "give the user who runs the loop the right to write there, or choose another output folder",
    ),
    (
        &["too many open files"],
        "raise the limit of open files (`ulimit -n`), or lower the number of workers",
    ),
    (&["connection refused"], "see whether the service runs and listens at the configured address"),
    (
        &["connection reset", "broken pipe"],
        "see whether a proxy or the service closes idle connections; retries should get over it",
    ),
    (&["dns", "name or service not known", "no such host"], "check the host name and the resolver"),
    (
        &["certificate", "tls"],
        "check the certificate's name, chain and date, and the clock of this machine",
    ),
    (
        &["429", "rate limit", "too many requests", "quota"],
        "lower the rate of calls, or raise the quota with the provider",
    ),
    (
        &["out of memory", "cannot allocate"],
        "lower the number of workers, or give the process more memory",
    ),
    (
        &["undefined"],
        "the template names something that its query does not select: add it to the query, or give it a default",
    ),
    (
        &["locked by", "lock is held", "already running"],
        "another process works in the same folder: end it, or give each its own output and state folders",
    ),
    (&["prefix"], "declare the prefix in the file or in the settings"),
];

/// The known remedies for a kind of error with this message, the most specific first.
pub(super) fn of(kind: ErrorKind, pattern: &str) -> Vec<&'static str> {
    let message = pattern.to_lowercase();
    let by_words =
        BY_WORDS.iter().filter(|(words, _)| words.iter().any(|word| message.contains(word)));
    by_words.map(|(_, remedy)| *remedy).chain(by_kind(kind)).collect()
}

fn by_kind(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Parse => Some(
            "mend the source at the place that the message names; the last good output stays until then",
        ),
        ErrorKind::Query => {
            Some("run the query by itself with a limit, and see which pattern yields too much")
        }
        ErrorKind::Render => Some(
            "render this template alone for the artifact named, and look at the rows that it gets",
        ),
        ErrorKind::Gate => {
            Some("read what the gate says of the change set, and mend the template or the model")
        }
        ErrorKind::Deployment => {
            Some("look at the health of the new release; the old one is still in use")
        }
        ErrorKind::Timeout => Some(
            "raise the time limit if the work is that long, or find what makes it slow in the profile",
        ),
        ErrorKind::Overload => {
            Some("add workers, lengthen the debounce, or lower the rate of changes")
        }
        ErrorKind::Unavailable => Some(
            "see whether what is needed can be reached; the breaker closes by itself when it can",
        ),
        ErrorKind::Configuration => Some("correct the setting that the message names"),
        _ => None,
    }
}
