//! One function for each verb.

mod check;
mod config;
mod deploy;
mod diff;
mod doctor;
mod events;
mod explain;
mod gates;
mod graph;
mod heal;
mod history;
mod init;
mod pack;
mod plan;
mod profile;
mod run;
mod shell;
mod status;
mod verify;
mod watch;

pub(crate) use self::config::ConfigReport;
pub(crate) use self::diff::DiffReport;
pub(crate) use self::doctor::DoctorReport;
pub(crate) use self::events::{ActReport, DeadReport, EventsReport};
pub(crate) use self::gates::{GatesHistoryReport, GatesListReport, wait};
pub(crate) use self::heal::HealedReport;
pub(crate) use self::history::HistoryReport;
pub(crate) use self::init::InitReport;
pub(crate) use self::pack::PackReport;
pub(crate) use self::profile::ProfileReport;
pub(crate) use self::run::Event;
pub(crate) use self::status::StatusReport;
pub(crate) use self::watch::WatchEvent;

use self::deploy::Wish;
use crate::arguments::Verb;
use crate::console::Console;
use crate::failure::{Failure, Verdict};

/// Does what the verb says and prints its answer.
pub(crate) fn perform(verb: Verb, console: &mut Console) -> Result<Verdict, Failure> {
    match verb {
        Verb::Run(arguments) => run::run(&arguments, console),
        Verb::Watch(arguments) => watch::watch(&arguments, console),
        Verb::Plan(asked) => plan::plan(&asked, console),
        Verb::Check(arguments) => check::check(&arguments, console),
        Verb::Diff(asked) => diff::diff(&asked, console),
        Verb::Explain(arguments) => explain::explain(&arguments, console),
        Verb::Verify(asked) => verify::verify(&asked, console),
        Verb::Graph(arguments) => graph::graph(&arguments, console),
        Verb::Status(selection) => status::status(&selection, console),
        Verb::History(arguments) => history::history(&arguments, console),
        Verb::Events(part) => events::events(&part, console),
        Verb::Profile(arguments) => profile::profile(&arguments, console),
        Verb::Gates(arguments) => gates::gates(&arguments, console),
        Verb::Heal(arguments) => heal::heal(&arguments, console),
        Verb::Deploy(arguments) => deploy::deploy(&arguments, console),
        Verb::Rollback(arguments) => deploy::rollback(&arguments, console),
        Verb::Promote(arguments) => deploy::promote(&arguments, console),
        Verb::Abort(asked) => deploy::wish(Wish::Abort, &asked, console),
        Verb::Pause(asked) => deploy::wish(Wish::Pause, &asked, console),
        Verb::Resume(asked) => deploy::wish(Wish::Resume, &asked, console),
        Verb::Drift(asked) => deploy::drift(&asked, console),
        Verb::Analytics(arguments) => deploy::analytics(&arguments, console),
        Verb::Router(arguments) => deploy::router(&arguments, console),
        Verb::Init(arguments) => init::init(&arguments, console),
        Verb::Pack(part) => pack::pack(&part, console),
        Verb::Doctor(asked) => Ok(doctor::doctor(&asked, console)),
        Verb::Config(part) => config::config(&part, console),
        Verb::GuardTools { owner } => gates::guard(&owner),
        Verb::Completions(arguments) => Ok(shell::completions(&arguments, console)),
        Verb::Man(arguments) => shell::man(&arguments, console),
    }
}
