use futures::future::{BoxFuture, FutureExt as _};

use crate::{CommandLine, Invocation, Notice, Notifier, NotifyError, SettingError};

/// Gives each [`Notice`] as JSON to a command, on its standard input.
#[derive(Clone, Debug)]
pub struct CommandNotifier {
    name: String,
    command: CommandLine,
}

impl CommandNotifier {
    /// A notifier by a command.
    ///
    /// # Errors
    /// The command can't be run as it is set up.
    pub fn new(name: impl Into<String>, command: CommandLine) -> Result<Self, SettingError> {
        command.validate()?;
        Ok(Self { name: name.into(), command })
    }
}

impl Notifier for CommandNotifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>> {
        async move {
            let told = async {
                let input = serde_json::to_vec(notice)?;
                self.command.run(&Invocation::default().with_input(input)).await?;
                Ok(())
            };
            told.await.map_err(|source| NotifyError { notifier: self.name.clone(), source })
        }
        .boxed()
    }
}
