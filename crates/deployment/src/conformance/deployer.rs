//! The laws of [`Deployer`], as tests for any implementation.

use std::sync::Arc;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use futures::executor::block_on;
use uuid::Uuid;

use crate::{DeployError, Deployer, DeploymentRequest, Effect};

/// Tests a deployer. `make` gives a new one each time, with the environment `environment`,
/// in which nothing is live.
///
/// # Panics
/// A law does not hold.
pub fn check(make: &mut dyn FnMut() -> Box<dyn Deployer>, environment: &str) {
    a_deployment_is_done_once(&*make(), environment);
    content_decides_what_a_release_is(&*make(), environment);
    an_unknown_environment_is_named(&*make());
}

fn changes(text: &str) -> Arc<ProposedChanges> {
    let path = ArtifactPath::parse("a.txt").unwrap_or_else(|error| panic!("{error}"));
    Arc::new(ProposedChanges::new(vec![ProposedChange::write(path, "g", text.as_bytes(), false)]))
}

fn a_deployment_is_done_once(deployer: &dyn Deployer, environment: &str) {
    let id = Uuid::now_v7();
    let request = DeploymentRequest::new(environment, id, changes("1"));
    let first = block_on(deployer.deploy(request.clone()));
    let other = DeploymentRequest::new(environment, Uuid::now_v7(), changes("2"));
    let between = block_on(deployer.deploy(other));
    assert!(matches!(&between, Ok(done) if done.effect == Effect::Published), "{between:?}");
    assert_eq!(block_on(deployer.deploy(request)), first, "a request that comes again");
}

fn content_decides_what_a_release_is(deployer: &dyn Deployer, environment: &str) {
    let deploy = |text| {
        block_on(deployer.deploy(DeploymentRequest::new(
            environment,
            Uuid::now_v7(),
            changes(text),
        )))
    };
    let [one, same, two] = ["1", "1", "2"].map(deploy);
    let release = |done: &Result<crate::Deployment, DeployError>| {
        done.as_ref().ok().map(|done| done.release.clone())
    };
    assert!(release(&one).is_some(), "{one:?}");
    assert_eq!(release(&one), release(&same));
    assert_ne!(release(&one), release(&two));
    assert!(matches!(same, Ok(done) if done.effect == Effect::Unchanged && done.number == 2));
}

fn an_unknown_environment_is_named(deployer: &dyn Deployer) {
    let request = DeploymentRequest::new("nowhere at all", Uuid::now_v7(), changes("1"));
    let answer = block_on(deployer.deploy(request));
    let Err(error @ DeployError::UnknownEnvironment { .. }) = answer else {
        panic!("an unknown environment was taken: {answer:?}")
    };
    assert!(!error.is_transient());
}
