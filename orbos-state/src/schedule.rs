//! When the next round is due; pure.

use std::time::Duration;

use crate::{Advice, Error, Reconciler, Round};

/// How a round ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to do and nothing waits.
    Settled,
    /// Nothing to do now, but something waits.
    Waiting,
    /// Something was changed, or is still to be: the round was stopped before it.
    Moved,
    /// Something failed; what helps.
    Failed(Advice),
}

impl Outcome {
    /// How this round ended.
    pub fn of<R: Reconciler + ?Sized>(round: &Round<R>) -> Self {
        if let Some(advice) = round.failures().map(|(_, error)| error.advice()).max() {
            Self::Failed(advice)
        } else if !round.applied.is_empty() || !round.plan.is_empty() {
            Self::Moved
        } else if round.plan.waiting().is_empty() {
            Self::Settled
        } else {
            Self::Waiting
        }
    }

    /// How a round ended that did not get to a plan.
    pub fn of_error(error: &Error) -> Self {
        Self::Failed(error.advice())
    }
}

/// When rounds are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long to wait when nothing is to be done; 30 s by default, as in the original.
    pub interval: Duration,
    /// How long to wait when something waits for the world to move, and the least wait before a look that begins because the
    /// world told of a change; 2 s by default.
    pub waiting: Duration,
    /// The first wait after a failure that may pass; 1 s by default. It doubles with every failure in a row.
    pub back_off: Duration,
    /// The longest wait after failures; 5 min by default.
    pub longest: Duration,
    /// How often the repository is asked whether there is something new; 10 s by default.
    pub poll: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            waiting: Duration::from_secs(2),
            back_off: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            poll: Duration::from_secs(10),
        }
    }
}

impl Schedule {
    /// How long to wait before the next round, after `failures` failed ones in a row (this one included).
    ///
    /// A new revision of the repository ends the wait earlier, whatever it is; so does a settled world that tells of a change
    /// by itself, see [`Operator::world_changed`](crate::Operator::world_changed).
    pub fn wait(&self, outcome: Outcome, failures: u32) -> Duration {
        match outcome {
            Outcome::Moved => Duration::ZERO,
            Outcome::Settled => self.interval,
            Outcome::Waiting => self.waiting,
            Outcome::Failed(Advice::PlanAgain) if failures <= 3 => Duration::ZERO,
            Outcome::Failed(Advice::PlanAgain | Advice::RetryLater) => {
                let factor = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
                self.back_off.saturating_mul(factor).min(self.longest)
            }
            // A human has to change something; looking again costs little and finds out that they did.
            Outcome::Failed(Advice::AskHuman) => self.longest,
        }
    }

    /// The least wait before a look that begins because the world told of a change, after `early` such looks in a row:
    /// each doubles it, up to the [interval](Self::interval), so that a world that never rests costs no more than one that
    /// tells nothing. `None` if nobody listens to the world: what moves or waits is looked at soon anyway, and failures back
    /// off.
    pub fn pause(&self, outcome: Outcome, early: u32) -> Option<Duration> {
        let pause = || self.waiting.saturating_mul(2u32.saturating_pow(early.min(16))).min(self.interval);
        (outcome == Outcome::Settled).then(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_may_pass_back_off() {
        let schedule = Schedule::default();
        let waits: Vec<u64> =
            (1..=10).map(|it| schedule.wait(Outcome::Failed(Advice::RetryLater), it).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    #[test]
    fn a_world_that_never_rests_is_looked_at_less_and_less_often() {
        let schedule = Schedule::default();
        let pause = |it| schedule.pause(Outcome::Settled, it).map(|it| it.as_secs());
        assert_eq!([0, 1, 2, 3, 4, u32::MAX].map(pause), [2, 4, 8, 16, 30, 30].map(Some));
        for outcome in [Outcome::Moved, Outcome::Waiting, Outcome::Failed(Advice::RetryLater)] {
            assert_eq!(schedule.pause(outcome, 0), None);
        }
    }

    #[test]
    fn what_moves_goes_on_at_once() {
        let schedule = Schedule::default();
        assert_eq!(schedule.wait(Outcome::Moved, 0), Duration::ZERO);
        assert_eq!(schedule.wait(Outcome::Failed(Advice::PlanAgain), 1), Duration::ZERO);
        assert!(schedule.wait(Outcome::Failed(Advice::PlanAgain), 4) > Duration::ZERO, "not for ever");
    }

    #[test]
    fn what_a_human_has_to_change_is_not_tried_often() {
        let schedule = Schedule::default();
        assert_eq!(schedule.wait(Outcome::Failed(Advice::AskHuman), 1), schedule.longest);
    }
}
