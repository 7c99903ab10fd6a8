//! The laws of the smaller ports, for what is in memory and for what runs.

use std::time::Duration;

use evergen_artifact::Digest;
use evergen_deployment::conformance::{
    check_backup, check_hook, check_migrator, check_notifier, check_probe,
};
use evergen_deployment::{
    CommandHook, CommandLine, CommandNotifier, CommandProbe, FilesBackup, MemoryBackup, MemoryHook,
    MemoryMigrator, MemoryNotifier, MemoryProbe, Notice, NoticeKind, ProbeTarget, Provenance,
    ReleaseId, Slot, StagedRelease, StepContext, Version,
};
use jiff::Timestamp;

use crate::world::{World, block_on};

fn context(world: &World, name: &str) -> StepContext {
    let root = world.source(name, 5);
    let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "a test");
    let id = ReleaseId::new(Digest::of(name.as_bytes()));
    let release = StagedRelease::new(id, Version::parse(name).unwrap(), root, provenance);
    StepContext::new("staging", 1, Slot::Blue, release).with_deadline(Duration::from_secs(10))
}

fn shell(script: &str) -> CommandLine {
    CommandLine::new(["sh", "-c", script])
}

const NOT_TWO: &str = "echo $EVERGEN_VERSION; test $EVERGEN_VERSION != 2.0";

#[test]
fn probes() {
    let world = World::new();
    let [well, ill] = ["1.0", "2.0"].map(|name| ProbeTarget::new(context(&world, name), vec![]));
    let memory = MemoryProbe::new("memory");
    memory.let_fail(ill.context.release.id, "it was told to");
    let command = CommandProbe::new("command", shell(NOT_TWO)).unwrap();
    block_on(async {
        check_probe(&memory, &well, &ill).await;
        check_probe(&command, &well, &ill).await;
    });
}

#[test]
fn backups() {
    let world = World::new();
    let context = context(&world, "1.0");
    let memory = MemoryBackup::new("memory");
    memory.set("first");
    block_on(check_backup(&memory, &context, || memory.text(), || memory.set("second")));
    let data = world.folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("a"), "first").unwrap();
    let files = FilesBackup::new("files", &data, world.folder.path().join("backups"));
    let shown = || std::fs::read_to_string(data.join("a")).unwrap();
    let change = || std::fs::write(data.join("a"), "second").unwrap();
    block_on(check_backup(&files, &context, shown, change));
}

#[test]
fn migrators() {
    let world = World::new();
    block_on(check_migrator(&MemoryMigrator::new("schema"), &context(&world, "1.0")));
}

#[test]
fn hooks() {
    let world = World::new();
    let [good, bad] = ["1.0", "2.0"].map(|name| context(&world, name));
    let memory = MemoryHook::new("memory");
    memory.refuse(bad.release.id);
    let command = CommandHook::new("command", shell(NOT_TWO)).unwrap();
    block_on(async {
        check_hook(&memory, &good, &bad).await;
        check_hook(&command, &good, &bad).await;
    });
    assert_eq!(memory.ran().len(), 5);
}

#[test]
fn notifiers() {
    let version = Version::parse("1.0").unwrap();
    let notice = Notice::new("staging", 1, version, NoticeKind::Started, Timestamp::UNIX_EPOCH);
    let memory = MemoryNotifier::new("memory");
    let command = CommandNotifier::new("command", shell("cat > /dev/null")).unwrap();
    block_on(async {
        check_notifier(&memory, &notice).await;
        check_notifier(&command, &notice).await;
    });
    assert_eq!(memory.told(), [notice], "what comes twice is kept once");
}
