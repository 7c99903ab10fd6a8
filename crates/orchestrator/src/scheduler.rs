//! What to take, when, and how many at once: the decisions of the loop, without the loop.

mod cycles;
mod errands;
mod gate;
mod lanes;
mod run;
mod slots;
mod state;
mod stop;
mod timers;
mod verdict;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use self::state::{Scheduler, SchedulerView};
pub use self::vocabulary::{
    Arrival, Attempt, Burial, Component, CycleEnd, CycleId, Effect, Ending, ErrandId, Failure,
    FailureKind, Input, Lane, Notice, Outcome, TaskId, Urgency,
};
