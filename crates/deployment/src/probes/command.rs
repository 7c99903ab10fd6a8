use futures::future::{BoxFuture, FutureExt as _};

use crate::{
    CommandError, CommandLine, HealthProbe, Invocation, ProbeTarget, SettingError, Verdict,
};

/// Asks a command: status 0 passes, 75 (as in `sysexits.h`: try again) is no data, and any
/// other fails. A program that is not there can't be asked. It is told the endpoints by
/// `EVERGEN_ENDPOINT` (the first one) and `EVERGEN_ENDPOINTS`, and the step as
/// [hooks](crate::CommandHook) are.
#[derive(Clone, Debug)]
pub struct CommandProbe {
    name: String,
    command: CommandLine,
}

impl CommandProbe {
    /// A probe by a command.
    ///
    /// # Errors
    /// The command can't be run as it is set up.
    pub fn new(name: impl Into<String>, command: CommandLine) -> Result<Self, SettingError> {
        command.validate()?;
        Ok(Self { name: name.into(), command })
    }
}

impl HealthProbe for CommandProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        async move {
            let endpoints: Vec<String> = target.endpoints.iter().map(ToString::to_string).collect();
            let mut invocation = Invocation::of_step(&target.context)
                .with_variable("EVERGEN_ENDPOINTS", endpoints.join(" "));
            if let Some(first) = endpoints.into_iter().next() {
                invocation = invocation.with_variable("EVERGEN_ENDPOINT", first);
            }
            match self.command.run(&invocation).await {
                Ok(_) => Verdict::Pass,
                Err(CommandError::Failed { status, output, .. }) if status == "exit status 75" => {
                    Verdict::no_data(output)
                }
                Err(error @ CommandError::NotStarted { .. }) if lasts(&error) => {
                    Verdict::impossible(chain(&error))
                }
                Err(error @ CommandError::NotStarted { .. }) => Verdict::no_data(chain(&error)),
                Err(error) => Verdict::fail(error.to_string()),
            }
        }
        .boxed()
    }
}

/// Whether a command won't start later either: it is not there, or is no program.
fn lasts(error: &dyn std::error::Error) -> bool {
    use std::io::ErrorKind::{NotFound, PermissionDenied};
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| matches!(error.kind(), NotFound | PermissionDenied))
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
