//! `evergen deploy` and what belongs to it.

use std::time::Duration;

use evergen_deployment::{
    Action, DeployOptions, DeploymentAnalytics, DeploymentAutomation, EnvironmentStatus, LockError,
    OperationError, Outcome, Plan, Progress, Record, StepNote, Summary, Version,
};
use evergen_traffic::{RouterSettings, run_router};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::arguments::{
    Analytics, Deploy, InEnvironment, LookFirst, Promote, Rollback, RouterArguments,
};
use crate::console::{Console, Ink};
use crate::environments::Environments;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::signals::Signals;
use crate::words;

/// How often the router looks whether the live release runs.
const LOOKS: Duration = Duration::from_secs(1);

/// What happens to a deployment in progress.
#[derive(Clone, Copy)]
pub(super) enum Wish {
    Abort,
    Pause,
    Resume,
}

pub(super) fn deploy(arguments: &Deploy, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], &arguments.asked.selection, console)?;
    let environments = Environments::need(chosen.project().root())?;
    let version = Version::parse(&arguments.version).map_err(|error| {
        Failure::usage(error.to_string(), "versions look like 1.2.3 or 2026-01-31.1")
    })?;
    let source = match &arguments.from {
        Some(folder) => folder.clone(),
        None => chosen.project().output_dir(),
    };
    let environment = &arguments.asked.environment;
    let options = options(&arguments.look)?;
    work(async {
        let automation = &environments.automation;
        if arguments.look.dry_run {
            let plan = automation.plan(environment, &source, &version).await.map_err(refused)?;
            return Ok(show_plan(&plan, console));
        }
        let listening = automation.subscribe();
        let deployed = automation.deploy(environment, &source, &version, options);
        Box::pin(told(automation, environment, deployed, listening, console)).await
    })
}

pub(super) fn rollback(arguments: &Rollback, console: &mut Console) -> Result<Verdict, Failure> {
    let environments = environments(&arguments.asked, console)?;
    let to = arguments.to.as_deref().map(Version::parse).transpose();
    let to = to.map_err(|error| Failure::usage(error.to_string(), "name a version as deployed"))?;
    work(async {
        let automation = &environments.automation;
        let listening = automation.subscribe();
        let back = automation.rollback(&arguments.asked.environment, to.as_ref());
        Box::pin(told(automation, &arguments.asked.environment, back, listening, console)).await
    })
}

pub(super) fn promote(arguments: &Promote, console: &mut Console) -> Result<Verdict, Failure> {
    let environments = environments(&arguments.asked, console)?;
    let options = options(&arguments.look)?;
    let environment = &arguments.asked.environment;
    work(async {
        let automation = &environments.automation;
        if arguments.look.dry_run {
            let plan = automation.plan_promotion(environment).await.map_err(refused)?;
            return Ok(show_plan(&plan, console));
        }
        let listening = automation.subscribe();
        let promoted = automation.promote(environment, options);
        Box::pin(told(automation, environment, promoted, listening, console)).await
    })
}

pub(super) fn wish(
    wish: Wish,
    arguments: &InEnvironment,
    console: &mut Console,
) -> Result<Verdict, Failure> {
    let environments = environments(arguments, console)?;
    let by = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    let environment = &arguments.environment;
    work(async {
        let automation = &environments.automation;
        let before = automation.history(environment).await.map_err(refused)?.len();
        let (done, word) = match wish {
            Wish::Abort => (automation.abort(environment, &by).await, "will be taken back"),
            Wish::Pause => (automation.pause(environment, &by).await, "waits before its next step"),
            Wish::Resume => (automation.resume(environment, &by).await, "goes on"),
        };
        done.map_err(refused)?;
        if console.is_json() {
            console.object(&automation.status(environment).await.map_err(refused)?);
            return Ok(Verdict::Yes);
        }
        let ended = automation.history(environment).await.map_err(refused)?;
        match ended.get(before..).and_then(<[_]>::last) {
            // Nobody else was at it, so that it has ended by now.
            Some(last) => console.line(in_words(last, console)),
            None => console.line(format!("the deployment in `{environment}` {word}")),
        }
        Ok(Verdict::Yes)
    })
}

pub(super) fn drift(arguments: &InEnvironment, console: &mut Console) -> Result<Verdict, Failure> {
    let environments = environments(arguments, console)?;
    work(async {
        let found = environments.automation.drift(&arguments.environment).await.map_err(refused)?;
        if console.is_json() {
            console.object(&found);
        } else {
            if found.differences.is_empty() {
                console.line("what runs is what the ledger says");
            }
            found.differences.iter().for_each(|difference| console.line(difference));
        }
        Ok(Verdict::of(found.differences.is_empty()))
    })
}

pub(super) fn analytics(arguments: &Analytics, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], &arguments.selection, console)?;
    let environments = Environments::need(chosen.project().root())?;
    let since = arguments
        .days
        .map(|days| Timestamp::now() - SignedDuration::from_hours(24 * i64::from(days)));
    work(async {
        let environment = arguments.environment.as_deref();
        let figures = environments.automation.analytics(environment, since, None).await;
        let figures = figures.map_err(refused)?;
        if console.is_json() {
            console.object(&figures);
        } else if arguments.prometheus {
            console.write(&DeploymentAnalytics::to_prometheus(&figures));
        } else {
            for one in &figures {
                console.line(one.to_string());
            }
        }
        Ok(Verdict::Yes)
    })
}

pub(super) fn router(
    arguments: &RouterArguments,
    console: &mut Console,
) -> Result<Verdict, Failure> {
    let environments = environments(&arguments.asked, console)?;
    let (listen, folder) = environments.router(&arguments.asked.environment)?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::storage(format!("making `{}`", folder.display()), &error))?;
    let settings =
        RouterSettings::new(listen, folder.join("router.sock"), folder.join("router.json"));
    work(async {
        let listening = |address| {
            console.line(format!("takes requests at {address}; SIGTERM or Ctrl-C ends it"));
            console.flush();
        };
        // Whoever stands before the processes sees first that they are gone.
        let automation = &environments.automation;
        let kept = automation.keep_alive(&arguments.asked.environment, LOOKS);
        let end = tokio::select! {
            end = run_router(settings, listening) => end,
            lost = kept => match lost.map_err(refused)? {},
        };
        let end = end.map_err(|error| Failure::storage("running the router", &error))?;
        if end.cut_off > 0 {
            let cut_off = words::count(end.cut_off as u64, "request");
            console.remark(format!("{cut_off} cut off at the end"));
        }
        Ok(Verdict::Yes)
    })
}

/// The state of all environments, for `status`; none where there are none.
pub(super) fn statuses(chosen: &Chosen) -> Result<Vec<EnvironmentStatus>, Failure> {
    let Some(environments) = Environments::find(chosen.project().root())? else {
        return Ok(Vec::new());
    };
    work(async {
        let mut all = Vec::new();
        for name in environments.automation.environments() {
            all.push(environments.automation.status(name).await.map_err(refused)?);
        }
        Ok(all)
    })
}

/// Says what is live in an environment, and what a person has to do.
pub(super) fn show_status(status: &EnvironmentStatus, console: &mut Console) {
    let live = match &status.state.live {
        Some(live) => format!("{} is live, slot {}", live.version, live.slot),
        None => "nothing is live".to_owned(),
    };
    console.line(format!("{}: {live}", status.environment));
    if let Some(open) = &status.state.open {
        let word = console.ink(Ink::Yellow, "in progress:");
        console.line(format!("  {word} {}, {}", open.plan.version, open.phase().name()));
    }
    let lists =
        [(&status.drift.differences, "differs:", Ink::Yellow), (&status.to_do, "to do:", Ink::Red)];
    for (texts, word, ink) in lists {
        for text in texts {
            console.line(format!("  {} {text}", console.ink(ink, word)));
        }
    }
    let revivals = &status.state.revivals;
    if revivals.succeeded > 0 {
        let times = words::count(revivals.succeeded, "time");
        console.line(format!("  the live release had ended and was started again {times}"));
    }
    for warning in &status.warnings {
        console.remark(warning);
    }
}

/// What became of the deployments of an environment.
pub(super) fn history(
    chosen: &Chosen,
    environment: &str,
    limit: usize,
    console: &mut Console,
) -> Result<Verdict, Failure> {
    let environments = Environments::need(chosen.project().root())?;
    let all = work(async { environments.automation.history(environment).await.map_err(refused) })?;
    let last = &all[all.len().saturating_sub(limit)..];
    if console.is_json() {
        console.object(&last);
        return Ok(Verdict::Yes);
    }
    if last.is_empty() {
        console.line("no deployments");
    }
    for summary in last {
        console.line(in_words(summary, console));
    }
    Ok(Verdict::Yes)
}

fn environments(asked: &InEnvironment, console: &mut Console) -> Result<Environments, Failure> {
    let chosen = Chosen::with_any_settings(&[], &asked.selection, console)?;
    Environments::need(chosen.project().root())
}

fn options(look: &LookFirst) -> Result<DeployOptions, Failure> {
    let mut options = DeployOptions::default();
    if let Some(digest) = &look.expect {
        let digest = digest.parse().map_err(|_| {
            Failure::usage(format!("`{digest}` is no digest of a plan"), "--dry-run prints it")
        })?;
        options = options.expecting(digest);
    }
    let Some(who) = look.approve.as_deref().map(str::trim) else { return Ok(options) };
    if who.is_empty() {
        return Err(Failure::usage("the approval names nobody", "give the name of who approves"));
    }
    Ok(options.approved_by(who))
}

fn work<T>(doing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::storage("starting the runtime", &error))?;
    let answer = runtime.block_on(doing);
    // What still runs on a thread, as a helper that gives credentials, must not hold the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    answer
}

fn show_plan(plan: &Plan, console: &mut Console) -> Verdict {
    if console.is_json() {
        console.object(&serde_json::json!({ "digest": plan.digest().to_string(), "plan": plan }));
    } else {
        console.line(plan.to_string());
    }
    Verdict::Yes
}

/// Shows each step while a verb goes on, and how it ended. Whoever interrupts it aborts it; a
/// second time ends the process, whose work the next verb takes back.
async fn told(
    automation: &DeploymentAutomation,
    environment: &str,
    doing: impl Future<Output = Result<Summary, OperationError>>,
    mut listening: broadcast::Receiver<Progress>,
    console: &mut Console,
) -> Result<Verdict, Failure> {
    let mut live = Live::default();
    let signals = Signals::new();
    let mut signals =
        Some(signals.map_err(|error| Failure::storage("waiting for signals", &error))?);
    tokio::pin!(doing);
    let done = loop {
        let interrupted = async {
            match &mut signals {
                Some(signals) => signals.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = interrupted => {
                signals = None;
                if automation.abort(environment, "whoever interrupted it").await.is_err() {
                    // Nothing has begun that could be taken back.
                    return Err(Failure::interrupted());
                }
                console.remark("interrupted: it is taken back; once more ends the process");
            }
            step = listening.recv() => match step {
                Ok(progress) => live.show(&progress, console),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break doing.await,
            },
            done = &mut doing => break done,
        }
    };
    while let Ok(progress) = listening.try_recv() {
        live.show(&progress, console);
    }
    let summary = done.map_err(refused)?;
    if console.is_json() {
        console.object(&summary);
    } else {
        console.line(in_words(&summary, console));
    }
    for warning in &summary.warnings {
        console.remark(warning);
    }
    Ok(Verdict::of(matches!(summary.outcome, Outcome::Succeeded | Outcome::Unchanged)))
}

/// The steps of a deployment as they happen.
#[derive(Default)]
struct Live {
    actions: Vec<Action>,
    entered: Option<Timestamp>,
}

impl Live {
    fn show(&mut self, progress: &Progress, console: &mut Console) {
        if console.is_json() || console.is_quiet() {
            return;
        }
        let at = progress.entry.at;
        match &progress.entry.record {
            Record::Began { plan, .. } => {
                self.actions = plan.steps.iter().map(|step| step.action.clone()).collect();
                console.line(format!("{} {}", plan.kind.verb(), plan.version));
            }
            Record::Entered { .. } => self.entered = Some(at),
            Record::Finished { step, note } => {
                let took = self.entered.take().map_or(0.0, |from| (at - from).as_secs_f64() * 1e3);
                let action = self.actions.get(*step).map(ToString::to_string).unwrap_or_default();
                console
                    .line(format!("  {action}  {}", console.ink(Ink::Dim, words::duration(took))));
                if let Some(note) = note.as_ref().filter(|note| tells(note)) {
                    console.line(format!("    {note}"));
                }
            }
            Record::Reviving { slot } => {
                console.line(format!(
                    "the live release in slot {slot} has ended; it is started again"
                ));
            }
            Record::Revived { .. } => console.line("  it runs again"),
            Record::NotRevived { why } => {
                console.line(format!("  {} {why}", console.ink(Ink::Red, "it does not start:")));
            }
            Record::Warned { why, .. } => {
                console.line(format!("  {} {why}", console.ink(Ink::Yellow, "warning:")));
            }
            Record::Held { cause, .. } | Record::Turned { cause } => {
                console.line(format!("  {} {cause}", console.ink(Ink::Red, "stops:")));
                if matches!(progress.entry.record, Record::Held { .. }) {
                    let name = &progress.environment;
                    console.line(format!(
                        "  waits for `evergen resume {name}` or `evergen abort {name}`"
                    ));
                }
            }
            Record::Undone { undo } => console.line(format!("  taken back: {undo}")),
            Record::Stuck { why, left } => {
                console.line(format!("  {} {why}", console.ink(Ink::Red, "stuck:")));
                for one in left {
                    console.line(format!("    left to do: {one}"));
                }
            }
            Record::Committed => console.line("  committed"),
            Record::Paused { by } => console.line(format!("  paused by {by}")),
            Record::Resumed { by } => console.line(format!("  goes on, by {by}")),
            _ => {}
        }
        console.flush();
    }
}

/// Whether people want to read what is remembered of a step.
fn tells(note: &StepNote) -> bool {
    match note {
        StepNote::Compared { .. } | StepNote::Discarded { .. } => true,
        StepNote::Judged { judgement } => !judgement.remarks.is_empty(),
        _ => false,
    }
}

fn in_words(summary: &Summary, console: &Console) -> String {
    let (ink, word) = match summary.outcome {
        Outcome::Succeeded => (Ink::Green, "succeeded"),
        Outcome::Unchanged => (Ink::Green, "is live already, by its content, looked at"),
        Outcome::RolledBack => (Ink::Red, "was rolled back"),
        _ => (Ink::Red, "failed"),
    };
    let took = (summary.ended_at - summary.began_at).as_secs_f64() * 1e3;
    let cause = summary.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    format!(
        "{}  #{} {} {} {} in {}{cause}",
        console.ink(Ink::Dim, summary.began_at),
        summary.number,
        summary.kind.verb(),
        summary.version,
        console.ink(ink, word),
        words::duration(took)
    )
}

/// An operation that was not begun, or could not be ended.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn refused(error: OperationError) -> Failure {
    let help = match &error {
        OperationError::UnknownEnvironment { .. } | OperationError::MissingPart { .. } => {
            "environments are described in evergen.deploy.toml, .yaml, or files in evergen.deploy/"
        }
        OperationError::Lock(LockError::Held { .. }) => {
            "wait until it is done, or `evergen abort` it"
        }
        OperationError::Lock(_) => {
            "`target_dir` wants a folder that can be written to, new or an environment's own"
        }
        OperationError::PlanChanged { .. } | OperationError::NeedsApproval { .. } => {
            "look at the plan with --dry-run, and give its digest with --expect (and --approve)"
        }
        OperationError::NotRevived { .. } => "`evergen rollback` brings back what was live before",
        OperationError::Incident { .. } => "do what is left, then `evergen resume`",
        OperationError::Read(_) => "nothing was changed; compare the ledger with a copy of it",
        _ => return failure(&error),
    };
    failure(&error).with_help(help)
}

fn failure(error: &OperationError) -> Failure {
    let is_setting = matches!(
        error,
        OperationError::UnknownEnvironment { .. }
            | OperationError::MissingPart { .. }
            | OperationError::Disabled
            | OperationError::Stage(_)
            | OperationError::NothingBefore { .. }
            | OperationError::NothingToPromote { .. }
            | OperationError::NotPromoted { .. }
            | OperationError::NotInProgress { .. }
            | OperationError::PlanChanged { .. }
            | OperationError::NeedsApproval { .. }
            | OperationError::PastContract { .. }
            | OperationError::NoValidator { .. }
    );
    if is_setting {
        let causes =
            std::iter::successors(std::error::Error::source(error), |error| error.source());
        let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        return Failure::usage(text, "nothing was changed");
    }
    Failure::storage("deploying", error)
}
