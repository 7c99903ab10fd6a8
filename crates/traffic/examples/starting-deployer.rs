//! A deployer that starts a service and then has nothing more to do:
//! `starting-deployer FOLDER RELEASE-FOLDER PROGRAM`. The tests kill it.

use std::path::PathBuf;
use std::time::Duration;

use evergen_artifact::Digest;
use evergen_deployment::{
    Provenance, ReleaseId, Slot, SlotRuntime as _, StagedRelease, StepContext, Version,
};
use evergen_traffic::{ProcessSettings, ProcessSlots};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [folder, root, program] = arguments.as_slice() else {
        return Err("say where records, the release and the program are".into());
    };
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "an example");
    let id = ReleaseId::new(Digest::of(b"1.0"));
    let release = StagedRelease::new(id, Version::parse("1.0")?, PathBuf::from(root), provenance);
    let settings = ProcessSettings::new(folder, [program]).with_replicas(3);
    let slots = ProcessSlots::new(settings)?;
    let context = StepContext::new("example", 1, Slot::Blue, release.clone());
    let running = slots.start(Slot::Blue, &release, &context).await?;
    println!("{}", running.instances.len());
    tokio::time::sleep(Duration::from_mins(10)).await;
    Ok(())
}
