//! `evergen deploy` and what belongs to it.

mod live;

use std::time::Duration;

use evergen_deployment::{
    DeployOptions, DeploymentAnalytics, DeploymentAutomation, EnvironmentStatus, LockError,
    OperationError, Outcome, Plan, Progress, Summary, Version,
};
use evergen_regeneration::Access;
use evergen_traffic::{RouterSettings, run_router};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use self::live::{Live, in_words};
use crate::arguments::{
    Analytics, Deploy, InEnvironment, LookFirst, Promote, Rollback, RouterArguments,
};
use crate::console::{Console, Ink};
use crate::environments::{Environments, Router};
use crate::excerpt;
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
    let environments = Environments::need(&chosen)?;
    let version = Version::parse(&arguments.version).map_err(|error| {
        Failure::usage(error.to_string(), "versions look like 1.2.3 or 2026-01-31.1")
    })?;
    let source = if let Some(folder) = &arguments.from {
        folder.clone()
    } else {
        tell_of_drift(&chosen, console);
        chosen.output()
    };
    let environment = &arguments.asked.environment;
    environments.fit(Some(environment), Some(&source))?;
    let options = options(&arguments.look)?.again(arguments.again);
    work(async {
        let automation = &environments.automation;
        if arguments.look.dry_run {
            let plan = automation.plan(environment, &source, &version, &options).await;
            return Ok(show_plan(&plan.map_err(refused)?, console));
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
    let options = options(&arguments.look)?.again(arguments.again);
    let environment = &arguments.asked.environment;
    environments.fit(Some(environment), None)?;
    work(async {
        let automation = &environments.automation;
        if arguments.look.dry_run {
            let plan = automation.plan_promotion(environment, &options).await;
            return Ok(show_plan(&plan.map_err(refused)?, console));
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
        let was_open = automation.state(environment).await.map_err(refused)?.open.is_some();
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
            Some(last) => {
                console.line(in_words(last, console));
                let good = matches!(last.outcome, Outcome::Succeeded | Outcome::Unchanged);
                return Ok(Verdict::of(good || matches!(wish, Wish::Abort)));
            }
            None if was_open => console.line(format!("the deployment in `{environment}` {word}")),
            None => console.line(format!("the live release of `{environment}` runs again")),
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
    let environments = Environments::need(&chosen)?;
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
    let (listen, folder) = match environments.router(&arguments.asked.environment)? {
        Router::Small { listen, folder } => (listen, folder),
        Router::Haproxy { haproxy, file } => {
            let ready = work(async {
                let prepared = haproxy.prepare().await;
                prepared.map_err(|error| Failure::storage("writing the file for HAProxy", &error))
            });
            ready?;
            console.line(format!(
                "`{}` has the backend; start HAProxy with it beside a file of yours with a frontend: \
                 `haproxy -W -f YOURS -f {0}`",
                file.display()
            ));
            return Ok(Verdict::Yes);
        }
    };
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

/// The state of all environments, for `status`; none where there are none. And why, where one of
/// them could not be told of.
pub(super) fn statuses(chosen: &Chosen) -> (Vec<EnvironmentStatus>, Option<Failure>) {
    let environments = match Environments::find(chosen) {
        Ok(Some(environments)) => environments,
        Ok(None) => return (Vec::new(), None),
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    let (mut all, mut untold) = (Vec::new(), None);
    let looked = work(async {
        for name in environments.automation.environments() {
            match environments.automation.status(name).await {
                Ok(status) => all.push(status),
                Err(error) => untold = untold.take().or(Some(refused(error))),
            }
        }
        Ok(())
    });
    (all, looked.err().or(untold))
}

/// Says what is live in an environment, and what a person has to do.
pub(super) fn show_status(status: &EnvironmentStatus, console: &mut Console) {
    let decided = status.state.open.as_ref().filter(|open| open.is_committed());
    let live = match (decided, &status.state.live) {
        // From its commit on the new release is live, whatever is still to be done.
        (Some(open), _) => format!("{} is live, slot {}", open.plan.version, open.plan.slot),
        (None, Some(live)) => format!("{} is live, slot {}", live.version, live.slot),
        (None, None) => "nothing is live".to_owned(),
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
    let environments = Environments::need(chosen)?;
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
    Environments::need(&chosen)
}

/// Says where the files that are about to be deployed are not what the model asks for: that is
/// not refused, but nobody should have to find it out later.
fn tell_of_drift(chosen: &Chosen, console: &mut Console) {
    if chosen.need_model().is_err() || !chosen.place.root.join("evergen.lock").exists() {
        return;
    }
    let checked = chosen.open(Access::Read).and_then(|mut engine| Ok(engine.check()?));
    let Ok(report) = checked else {
        let what = "note: nobody can tell whether these files are what the model asks for";
        return console.remark(format!("{what}; see `evergen check`"));
    };
    let Some(first) = report.drift.first() else { return };
    let many = words::count(report.drift.len() as u64, "file");
    let (word, _) = words::drift(first.kind);
    let file = excerpt::shown(&chosen.shown(&first.path));
    console.remark(format!(
        "note: {many} not as the model asks, as {file} ({word}); deployed as they are, and `evergen \
         check` lists them"
    ));
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
        if plan.steps.is_empty() {
            console.line("it is live already, and nothing is to be done");
        }
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
    let state = automation.state(environment).await.map_err(refused)?;
    let mut live = Live::of(&state);
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
    for warning in summary.warnings.iter().filter(|warning| !live.has_told(warning)) {
        console.remark(warning);
    }
    Ok(Verdict::of(matches!(summary.outcome, Outcome::Succeeded | Outcome::Unchanged)))
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
        OperationError::Lock(LockError::Ledger(_)) | OperationError::Read(_) => {
            "nothing was changed; compare the ledger with a copy of it"
        }
        OperationError::Lock(_) => {
            "`target_dir` wants a folder that can be written to, new or an environment's own"
        }
        OperationError::PlanChanged { .. } | OperationError::NeedsApproval { .. } => {
            "look at the plan with --dry-run, and give its digest with --expect (and --approve)"
        }
        OperationError::Router { environment, .. } => {
            let help = format!(
                "mend that, and do this again; nothing was begun (`evergen router {environment}` starts \
                 the small router)"
            );
            return failure(&error).with_help(help);
        }
        OperationError::NotRevived { .. } => "`evergen rollback` brings back what was live before",
        OperationError::Incident { .. } => {
            "mend what is wrong, then `evergen resume`: it does by itself what is left"
        }
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
