//! Handlers of every kind, and what they come to.

use std::time::Duration;

use evergen_orchestrator::{Component, ErrandId, Failure, FailureKind, Input, Outcome, TaskId};

use super::{Commit, Fate, Happening, Order, Stage, Task, World, millis};

impl World {
    pub(super) fn start(&mut self, id: TaskId, key: u32, offsets: Vec<u64>) {
        for (other, task) in &self.tasks {
            let apart = task.key != key || task.stage == Stage::Revoked;
            assert!(apart, "seed {}: {other:?} and {id:?} run for one key", self.seed);
        }
        assert!(offsets.len() <= self.config.max_batch);
        let dice = if self.faults.handlers { self.random.u32(..100) } else { 0 };
        let short = millis(&mut self.random, 0, 20);
        let (over, fate) = match dice {
            0..60 => (Some(short), Fate::Commits),
            60..66 => {
                self.strike("slow");
                let most = self.config.task_timeout_ms + 100;
                (Some(millis(&mut self.random, 0, most)), Fate::Commits)
            }
            66..76 => {
                self.strike("passing failure");
                (Some(short), Fate::Passing)
            }
            76..79 => {
                self.strike("lasting failure");
                (Some(short), Fate::Lasting)
            }
            79..85 => {
                self.strike("panic");
                (Some(short), Fate::Panics)
            }
            85..90 => {
                self.strike("gate failure");
                (Some(short), Fate::GateFails)
            }
            90..95 => {
                self.strike("hang");
                (None, Fate::Commits)
            }
            _ => {
                self.strike("slow");
                (Some(short), Fate::Commits)
            }
        };
        let deaf = dice == 94;
        if deaf {
            self.strike("deaf hang");
        }
        let deaf_for = deaf.then(|| millis(&mut self.random, 100, 20_000));
        let commit = self.plan_commit();
        let task = Task {
            key,
            offsets,
            stage: Stage::Working,
            deploys: false,
            lost: false,
            deaf_for,
            commit,
        };
        self.tasks.insert(id, task);
        if let Some(over) = over {
            self.schedule(self.now + over, Happening::Over(id, fate));
        }
    }

    fn plan_commit(&mut self) -> Commit {
        let dice = if self.faults.handlers { self.random.u32(..100) } else { 0 };
        let mut commit = Commit {
            takes: Some(millis(&mut self.random, 0, 5)),
            fails: false,
            deploy: self.random.u8(..5) == 0,
            refused: false,
        };
        match dice {
            90..94 => {
                self.strike("slow commit");
                let most = self.config.commit_timeout_ms * 3;
                commit.takes = Some(millis(&mut self.random, 0, most));
            }
            94 => {
                self.strike("hanging commit");
                commit.takes = None;
            }
            95..98 => {
                self.strike("failed commit");
                commit.fails = true;
            }
            98.. => {
                self.strike("refusal");
                commit.refused = true;
            }
            _ => {}
        }
        commit
    }

    pub(super) fn deploy(&mut self, id: TaskId, key: u32, offsets: Vec<u64>) {
        let running =
            self.tasks.values().any(|task| task.key == key && task.stage != Stage::Revoked);
        assert!(!running, "seed {}: a deployment beside a task of its key", self.seed);
        for offset in &offsets {
            assert!(
                self.committed.contains(offset),
                "seed {}: {offset} is not committed",
                self.seed
            );
        }
        // Tries of a deployment share an id, and one that was revoked may take effect still.
        let gone = self.tasks.get(&id).is_none_or(|before| before.lost);
        assert!(gone, "seed {}: {id:?} is tried again before its last try is gone", self.seed);
        let dice = if self.faults.handlers { self.random.u32(..100) } else { 0 };
        let deaf_for = (dice >= 96).then(|| {
            self.strike("deaf deployment");
            millis(&mut self.random, 1, 20_000)
        });
        let commit = Commit { takes: None, fails: false, deploy: false, refused: false };
        let task = Task {
            key,
            offsets,
            stage: Stage::Working,
            deploys: true,
            lost: false,
            deaf_for,
            commit,
        };
        self.tasks.insert(id, task);
        let short = millis(&mut self.random, 0, 10);
        match dice {
            0..70 => self.schedule(self.now + short, Happening::Over(id, Fate::Commits)),
            70..90 => {
                self.strike("failed deployment");
                self.schedule(self.now + short, Happening::Over(id, Fate::Passing));
            }
            90..93 => self.schedule(self.now + short, Happening::Over(id, Fate::Lasting)),
            _ => self.strike("hanging deployment"),
        }
    }

    pub(super) fn revoke(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else {
            // It has ended in this very moment; the scheduler is told by that.
            return;
        };
        if task.stage == Stage::Committing {
            self.strike("revocation too late");
            self.inputs.push(Input::Committing { task: id });
            return;
        }
        task.stage = Stage::Revoked;
        let gone = task.deaf_for.unwrap_or(Duration::from_micros(50));
        self.inputs.push(Input::Revoked { task: id });
        self.schedule(self.now + gone, Happening::Gone(id));
    }

    pub(super) fn answer(&mut self, errand: ErrandId, order: Order) {
        let dice = if self.faults.world { self.random.u32(..100) } else { 0 };
        self.errands.insert(errand, order);
        let soon = self.now + millis(&mut self.random, 0, 3);
        match dice {
            0..94 => self.schedule(soon, Happening::Errand(errand, true)),
            94..98 => {
                self.strike("failed errand");
                self.schedule(soon, Happening::Errand(errand, false));
            }
            _ => self.strike("unanswered errand"),
        }
    }

    pub(super) fn happen(&mut self, happening: &Happening) {
        match *happening {
            Happening::Errand(errand, done) => self.errand_done(errand, done),
            Happening::Gone(id) => {
                if self.tasks.get(&id).is_some_and(|task| task.stage == Stage::Revoked) {
                    self.tasks.remove(&id);
                    self.inputs.push(Input::Ended { task: id, outcome: Outcome::Cancelled });
                }
            }
            Happening::Over(id, fate) => self.over(id, fate),
            Happening::Committed(id) => self.commit_ends(id),
        }
    }

    fn errand_done(&mut self, errand: ErrandId, done: bool) {
        let Some(order) = self.errands.get(&errand) else { return };
        if done {
            match order {
                Order::Acknowledge(offsets) => {
                    self.acknowledged.extend(offsets);
                    self.handed.retain(|offset| !offsets.contains(offset));
                }
                Order::Bury(offsets) => self.buried.extend(offsets),
            }
        }
        let result = if done { Ok(()) } else { Err("the disk is full".into()) };
        self.inputs.push(Input::ErrandDone { errand, result });
    }

    fn over(&mut self, id: TaskId, fate: Fate) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.stage == Stage::Revoked {
            // It works on and finds that it may not commit; `Gone` tells when.
            return;
        }
        let failure = |component, kind| {
            Outcome::Failed(Failure { component, kind, error: "it failed".into() })
        };
        let own = if task.deploys { Component::Deployment } else { Component::Regeneration };
        let outcome = match fate {
            Fate::Commits if task.deploys => {
                for offset in &task.offsets {
                    self.unfinished_deployments.remove(offset);
                }
                Outcome::Done { deploy: false }
            }
            Fate::Commits => {
                task.stage = Stage::Committing;
                let takes = task.commit.takes;
                if let Some(takes) = takes {
                    self.schedule(self.now + takes, Happening::Committed(id));
                }
                return;
            }
            Fate::Passing => failure(own, FailureKind::Passing),
            Fate::Lasting => failure(own, FailureKind::Lasting),
            Fate::Panics => failure(own, FailureKind::Panic),
            Fate::GateFails => failure(Component::Gates, FailureKind::Passing),
        };
        self.tasks.remove(&id);
        self.inputs.push(Input::Ended { task: id, outcome });
    }

    /// The commit takes effect, all at once, or fails without any.
    pub(super) fn commit_ends(&mut self, id: TaskId) {
        let Some(task) = self.tasks.remove(&id) else { return };
        let Commit { fails, deploy, refused, .. } = task.commit;
        let failure =
            |kind| Failure { component: Component::Regeneration, kind, error: "it failed".into() };
        let outcome = if fails {
            Outcome::Failed(failure(FailureKind::Passing))
        } else if refused {
            Outcome::Refused(failure(FailureKind::Lasting))
        } else {
            for offset in &task.offsets {
                let first_here = self.committed_in_this_life.insert(*offset);
                assert!(first_here, "seed {}: {offset} took effect twice", self.seed);
                let first_ever = self.committed.insert(*offset);
                assert!(first_ever || self.may_repeat.contains(offset), "seed {}", self.seed);
                if deploy && !task.lost {
                    self.unfinished_deployments.insert(*offset);
                } else {
                    self.unfinished_deployments.remove(offset);
                }
            }
            Outcome::Done { deploy }
        };
        self.inputs.push(Input::Ended { task: id, outcome });
    }
}
