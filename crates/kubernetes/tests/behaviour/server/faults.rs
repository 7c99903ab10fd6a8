use std::time::Duration;

/// What is wrong with the answers to some calls.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    verb: &'static str,
    plural: &'static str,
    trouble: Trouble,
    skipped: u32,
    times: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// A status, and when to come again.
    Status(u16, Option<u64>),
    /// The connection breaks before anything is done.
    Reset,
    /// What was asked for is done, and then the connection breaks.
    ResetAfterwards,
    /// The connection breaks in the middle of the answer.
    Cut,
    /// No answer for so long.
    Hang(Duration),
    /// What was asked for is done, and then there is no answer for so long.
    HangAfterwards(Duration),
    /// No answer; what was asked for is done after so long, whatever has become of who asked.
    Late(Duration),
    /// An answer that is none.
    Nonsense(&'static str),
    /// Somebody else changes the object before.
    Race,
}

impl Fault {
    /// Trouble with the next call of this verb on these objects.
    pub(crate) fn once(verb: &'static str, plural: &'static str, trouble: Trouble) -> Self {
        Self { verb, plural, trouble, skipped: 0, times: 1 }
    }

    /// Not with the first so many.
    pub(crate) fn after(self, skipped: u32) -> Self {
        Self { skipped, ..self }
    }

    pub(crate) fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

/// Takes the trouble that a call has, if any.
pub(super) fn take(faults: &mut Vec<Fault>, verb: &str, plural: &str) -> Option<Trouble> {
    let fault = faults.iter_mut().find(|fault| fault.verb == verb && fault.plural == plural)?;
    if fault.skipped > 0 {
        fault.skipped -= 1;
        return None;
    }
    let trouble = fault.trouble.clone();
    fault.times -= 1;
    faults.retain(|fault| fault.times > 0);
    Some(trouble)
}
