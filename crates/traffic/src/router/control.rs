//! What a router can be told, and what it answers: one JSON text a line.

use evergen_deployment::{Endpoint, RouterState, Slot, Split, TrafficCounts};
use serde::{Deserialize, Serialize};

/// The longest line, in bytes.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// What a router is told to do.
///
/// On its socket it is a line as `{"do":"set","green":100}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RouterCommand {
    /// Say what you do.
    Read {},
    /// From now on slot `slot` answers there.
    Point {
        /// The slot.
        slot: Slot,
        /// Where.
        endpoints: Vec<Endpoint>,
    },
    /// Share the traffic like this.
    Set {
        /// The share of green in thousandths.
        green: Split,
    },
    /// Wait until nothing of a slot is in flight.
    Drain {
        /// The slot.
        slot: Slot,
        /// How long at most, in milliseconds.
        deadline_ms: u64,
    },
    /// Say what you have counted.
    Stats {},
}

/// What a router answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RouterAnswer {
    /// It is done, and in effect.
    Done,
    /// This is what is done.
    State(RouterState),
    /// The wait is over.
    Drained {
        /// What was in flight when it ended.
        left: u64,
    },
    /// This was counted.
    Stats(RouterStats),
    /// It would be wrong, and was not done.
    Refused {
        /// Why, and what to do.
        why: String,
    },
    /// It can't be done; what was in effect is.
    Failed {
        /// Why.
        why: String,
    },
}

/// What a router has counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RouterStats {
    /// Differs after each start: counts of two starts can't be compared.
    pub started: u64,
    /// Its process.
    pub process: u32,
    /// The slot called blue.
    pub blue: SlotStats,
    /// The slot called green.
    pub green: SlotStats,
}

impl RouterStats {
    /// One of the two slots.
    pub fn of(&self, slot: Slot) -> &SlotStats {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }
}

/// What a router has counted of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SlotStats {
    /// What was answered.
    pub counts: TrafficCounts,
    /// Requests that clients gave up before they were answered.
    pub abandoned: u64,
    /// What is in flight, upgraded connections included.
    pub active: u64,
    /// Upgraded connections.
    pub tunnels: u64,
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It is not what commands look like.
    #[error("not a command: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// It has no end.
    #[error("a command is at most {LONGEST_LINE} bytes long")]
    TooLong,
}

impl RouterCommand {
    /// Reads a command from the bytes of a line. Any bytes give an answer.
    ///
    /// ```
    /// use evergen_deployment::{Slot, Split};
    /// use evergen_traffic::RouterCommand;
    ///
    /// let command = RouterCommand::parse(br#"{"do":"set","green":1000}"#)?;
    /// assert_eq!(command, RouterCommand::Set { green: Split::all(Slot::Green) });
    /// assert!(RouterCommand::parse(br#"{"do":"set","green":1001}"#).is_err());
    /// # Ok::<(), evergen_traffic::CommandError>(())
    /// ```
    ///
    /// # Errors
    /// It is too long, not JSON, or not one of the commands.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        if line.len() > LONGEST_LINE {
            return Err(CommandError::TooLong);
        }
        serde_json::from_slice(line)
            .map_err(|error| CommandError::Malformed { why: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str) -> String {
        match RouterCommand::parse(line.as_bytes()) {
            Ok(command) => format!("{command:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_no_command_is_told_so() {
        let lines = [
            r#"{"do":"read"}"#,
            r#"{"do":"set","green":250}"#,
            r#"{"do":"set","green":-1}"#,
            r#"{"do":"set"}"#,
            r#"{"do":"fly"}"#,
            r#"{"do":"read","green":1}"#,
            r#"{"do":"point","slot":"red","endpoints":[]}"#,
            r#"{"do":"point","slot":"blue","endpoints":["http://a b:1"]}"#,
            r#"{"do":"drain","slot":"green","deadline_ms":1e3}"#,
            "[1",
            "",
        ];
        insta::assert_snapshot!(lines.map(check).join("\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(line in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = RouterCommand::parse(&line);
        }

        #[test]
        fn any_bent_command_is_answered(
            at in 0_usize..60,
            bent in any::<u8>(),
            cut in 0_usize..60,
        ) {
            for line in [
                r#"{"do":"point","slot":"green","endpoints":["http://[::1]:80","tcp://a:1"]}"#,
                r#"{"do":"drain","slot":"green","deadline_ms":18446744073709551615}"#,
            ] {
                let mut bytes = line.as_bytes().to_vec();
                bytes[at] = bent;
                bytes.truncate(bytes.len() - cut);
                if let Ok(command) = RouterCommand::parse(&bytes) {
                    let text = serde_json::to_vec(&command).unwrap();
                    prop_assert_eq!(RouterCommand::parse(&text).unwrap(), command);
                }
            }
        }

        #[test]
        fn nesting_is_no_stack(depth in 1_usize..30_000, open in "[\\[{\"]") {
            prop_assert!(RouterCommand::parse(open.repeat(depth).as_bytes()).is_err());
        }
    }
}
