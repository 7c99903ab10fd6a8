//! Watching what both slots answer: what is worse is taken back, and what is not comes.

use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{
    CauseKind, CompareSetting, Compared, ComparisonSettings, DeployOptions, DeploymentAutomation,
    DeploymentConfig, DeploymentEnvironment, EnvironmentParts, MemoryRouter, MemorySlots, Outcome,
    Record, Slot, StepNote, Summary, TrafficCounts, TrafficRouter as _, Verdict, Version,
};

use crate::world::{World, block_on};

/// Requests in a thousand that fail.
type Errors = u64;

struct Stage {
    world: World,
    router: Arc<MemoryRouter>,
    automation: DeploymentAutomation,
}

impl Stage {
    fn new(comparison: CompareSetting) -> Self {
        let world = World::new();
        let (slots, router) = (Arc::new(MemorySlots::new()), Arc::new(MemoryRouter::new()));
        let environment = DeploymentEnvironment::new("staging", world.target())
            .with_traffic_steps(vec![10, 100], Duration::from_millis(500))
            .with_comparison(comparison);
        let config = DeploymentConfig::new(vec![environment]).unwrap();
        let automation = DeploymentAutomation::with_parts(&config, |settings| {
            EnvironmentParts::slots(settings, slots.clone(), router.clone())
        })
        .unwrap();
        Self { world, router, automation }
    }

    /// Deploys a first release and then another, while so many requests come in a millisecond
    /// and so many fail in each slot; gives what became of the other and what was compared.
    async fn deploy(&self, rate: u64, errors: [Errors; 2]) -> (Summary, Vec<Compared>) {
        let ship = async |version: &str| {
            let source = self.world.source(version, 5);
            let version = Version::parse(version).unwrap();
            let options = DeployOptions::default();
            self.automation.deploy("staging", &source, &version, options).await.unwrap()
        };
        ship("1.0").await;
        let mut progress = self.automation.subscribe();
        let load = load(&self.router, rate, errors);
        let summary = tokio::select! {
            summary = ship("2.0") => summary,
            () = load => unreachable!(),
        };
        let mut compared = Vec::new();
        while let Ok(step) = progress.try_recv() {
            if let Record::Finished { note: Some(StepNote::Compared { comparison }), .. } =
                step.entry.record
            {
                compared.push(comparison);
            }
        }
        (summary, compared)
    }
}

/// Counts requests as the router shares them, for ever.
async fn load(router: &MemoryRouter, rate: u64, errors: [Errors; 2]) {
    let mut counts = [(0_u64, 0_u64); 2];
    let start = tokio::time::Instant::now();
    let mut counted = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let due = u64::try_from(start.elapsed().as_millis()).unwrap();
        let split = router.read().await.unwrap().split.unwrap();
        for (place, slot) in Slot::BOTH.into_iter().enumerate() {
            let share = u64::from(split.of(slot));
            counts[place].0 += (due - counted) * rate * share / 1000;
            counts[place].1 = counts[place].0 * errors[place] / 1000;
            router.record(slot, TrafficCounts::new(counts[place].0, counts[place].1));
        }
        counted = due;
    }
}

#[test]
fn a_release_that_fails_more_often_is_taken_back_at_its_first_share() {
    block_on(async {
        let stage = Stage::new(CompareSetting::default());
        let (summary, compared) = stage.deploy(100, [2, 100]).await;
        let cause = summary.cause.unwrap();
        assert_eq!((summary.outcome, cause.kind), (Outcome::RolledBack, CauseKind::Worse));
        assert!(cause.why.contains("requests to the new slot failed"), "{cause}");
        assert_eq!(compared, []);
        let shares: Vec<u16> =
            stage.router.splits().into_iter().map(|split| split.of(Slot::Green)).collect();
        assert_eq!(shares, [0, 100, 0]);
    });
}

#[test]
fn a_release_that_does_as_well_comes_and_the_ledger_tells_what_was_compared() {
    block_on(async {
        let stage = Stage::new(CompareSetting::default());
        let (summary, compared) = stage.deploy(100, [20, 20]).await;
        assert_eq!(summary.outcome, Outcome::Succeeded, "{summary:?}");
        assert_eq!(compared.len(), 2, "one for each share: {compared:?}");
        for one in &compared {
            assert!(one.verdict.passes() && one.windows >= 4, "{one}");
            assert!(one.old.requests > one.new.requests / 2, "{one}");
        }
        assert!(compared[0].to_string().starts_with("no worse in "), "{}", compared[0]);
    });
}

#[test]
fn too_few_requests_are_told_and_hold_nobody_up_unless_they_are_required() {
    let test = ComparisonSettings::default().with_least_requests(1_000_000);
    block_on(async {
        let stage = Stage::new(CompareSetting::default().with_test(test));
        let (summary, compared) = stage.deploy(1, [0, 0]).await;
        assert_eq!(summary.outcome, Outcome::Succeeded);
        assert!(compared.iter().all(|one| matches!(one.verdict, Verdict::NoData { .. })));
        assert!(compared[0].to_string().starts_with("not compared: "), "{}", compared[0]);
    });
    block_on(async {
        let enough = ComparisonSettings::default().with_least_requests(1500);
        let stage = Stage::new(CompareSetting::default().with_required(true).with_test(enough));
        let began = std::time::Instant::now();
        let (summary, compared) = stage.deploy(20, [1, 1]).await;
        assert_eq!(summary.outcome, Outcome::Succeeded);
        assert!(compared[0].new.requests >= 1500, "{}", compared[0]);
        assert!(began.elapsed() > Duration::from_millis(700), "it waited for them");
    });
}

#[test]
fn what_is_switched_off_is_not_compared_and_the_plan_says_what_is() {
    block_on(async {
        let stage = Stage::new(CompareSetting::off());
        let (summary, compared) = stage.deploy(100, [0, 500]).await;
        assert_eq!((summary.outcome, compared), (Outcome::Succeeded, Vec::new()));
    });
    block_on(async {
        let stage = Stage::new(CompareSetting::default());
        stage.deploy(0, [0, 0]).await;
        let source = stage.world.source("3.0", 5);
        let version = Version::parse("3.0").unwrap();
        let plan = stage
            .automation
            .plan("staging", &source, &version, &DeployOptions::default())
            .await
            .unwrap();
        assert!(plan.to_string().contains("watch for 500 ms by the old slot"), "{plan}");
    });
}
