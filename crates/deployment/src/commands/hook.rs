use futures::future::{BoxFuture, FutureExt as _};

use super::line::{CommandLine, SettingError};
use super::run::{CommandError, Invocation};
use crate::{Hook, HookError, HookReport, StepContext};

/// A command of the user's as a [`Hook`]; status 0 is success.
#[derive(Clone, Debug)]
pub struct CommandHook {
    name: String,
    command: CommandLine,
}

impl CommandHook {
    /// A hook that runs `command`.
    ///
    /// # Errors
    /// The command can't be run as it is set up.
    pub fn new(name: impl Into<String>, command: CommandLine) -> Result<Self, SettingError> {
        command.validate()?;
        Ok(Self { name: name.into(), command })
    }
}

impl Hook for CommandHook {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<HookReport, HookError>> {
        async move {
            let hook = self.name.clone();
            match self.command.run(&Invocation::of_step(context)).await {
                Ok(finished) => Ok(HookReport::new(finished.took, finished.output)),
                Err(CommandError::Failed { status, output, .. }) => {
                    Err(HookError::Failed { hook, status, output })
                }
                Err(CommandError::TimedOut { deadline, output, .. }) => {
                    Err(HookError::TimedOut { hook, deadline, output })
                }
                Err(other) => Err(HookError::NotRun { hook, source: other.into() }),
            }
        }
        .boxed()
    }
}
