//! `evergen watch`.

mod changes;
mod observed;
mod plain;
mod session;
mod view;

use std::io::IsTerminal as _;

use crate::arguments::Watch;
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;

pub(crate) use self::plain::WatchEvent;
pub(super) use self::plain::causes;
pub(super) use self::session::{consumer, open_logs, unusable};

use self::plain::Plain;
use self::session::Session;
use self::view::Live;

/// Somebody who is shown how the loop goes on.
pub(super) trait Audience {
    /// A cycle has ended, or something about the loop is new.
    fn show(&mut self, news: News<'_>);

    /// What the watcher has asked for since the last call.
    fn wishes(&mut self) -> Vec<Wish>;
}

/// What is new.
pub(super) enum News<'a> {
    /// The loop runs; these are its first words.
    Begun,
    /// A cycle has ended.
    Cycle(&'a crate::diary::CycleRecord),
    /// How the loop is; comes all the time.
    Status(&'a crate::diary::LoopStatus),
    /// A release came into use.
    Deployed(&'a crate::environments::Deployed),
    /// Something that a person may want to know.
    Remark(&'a str),
    /// The loop ends.
    Ending,
}

/// What a watcher may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// End, in good order.
    Quit,
    /// Begin nothing new, or go on.
    PauseOrResume,
    /// Look at everything now.
    Look,
}

pub(super) fn watch(arguments: &Watch, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find(&arguments.asked, console)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("evergen-loop")
        .enable_all()
        .build()
        .map_err(|error| Failure::storage("starting the loop", &error))?;
    let session = {
        let _inside = runtime.enter();
        Session::open(arguments, &chosen)?
    };
    let is_live = !arguments.plain
        && !console.is_json()
        && !console.is_quiet()
        && !console.is_verbose()
        && std::io::stdout().is_terminal()
        && std::io::stdin().is_terminal();
    if is_live {
        let mut live =
            Live::open().map_err(|error| Failure::storage("drawing on the terminal", &error))?;
        runtime.block_on(session.run(&mut live))
    } else {
        runtime.block_on(session.run(&mut Plain::new(console, &chosen)))
    }
}
