//! Observe, plan, apply: the part of the sentence that every operator says alike.

use std::{fmt::Debug, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, stream};

use crate::{Change, Error, Plan, Result};

/// How many changes of one stage are carried out at the same time unless a caller says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 64;

/// Something that can be looked at, thought about, and changed.
///
/// `plan` has no `self`: whatever client an implementor holds, its planner cannot reach it.
#[async_trait]
pub trait Reconciler: Send + Sync {
    /// What should be true.
    type Goal: Debug + Send + Sync;
    /// What was seen.
    type Observed: Debug + Send + Sync;
    /// One step from one to the other.
    type Change: Change;

    /// Looks at the world; changes nothing.
    ///
    /// # Errors
    ///
    /// If nothing can be said about the world at all. What did not answer in part is noted inside
    /// the observed value as *not seen*, which is not the same as *not there*.
    async fn observe(&self, goal: &Self::Goal) -> Result<Self::Observed>;

    /// Decides what to do next, from values alone.
    fn plan(goal: &Self::Goal, observed: &Self::Observed) -> Plan<Self::Change>;

    /// Carries out one change. Twice is the same as once.
    ///
    /// # Errors
    ///
    /// If the change did not happen or it is not known whether it did; the next round looks again.
    async fn apply(&self, observed: &Self::Observed, change: &Self::Change) -> Result<()>;

    /// Looks, decides and acts once, as suits this reconciler; what an [`Operator`](crate::Operator) calls.
    ///
    /// By default it is [`round`]. One that may go on after failures uses [`round_with`] here.
    ///
    /// # Errors
    ///
    /// What [`observe`](Self::observe) reports. A failed change is no error here, see [`Round::failures`].
    async fn pass(&self, goal: &Self::Goal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        round(self, goal, listener).await
    }
}

/// What keeps a change from being tried, in words: asked with what was seen, the changes that failed or were not tried in the
/// stages before, and the next change. `None`: nothing does.
pub type Blocked<R> = dyn Fn(
        &<R as Reconciler>::Observed,
        &[&<R as Reconciler>::Change],
        &<R as Reconciler>::Change,
    ) -> Option<String>
    + Send
    + Sync;

/// What happened to one change of a round.
#[derive(Debug)]
pub struct Applied<C> {
    /// The change.
    pub change: C,
    /// How it ended.
    pub result: Result<()>,
}

/// One pass: what was seen, what was decided, what came of it.
#[derive(Debug)]
pub struct Round<R: Reconciler + ?Sized> {
    /// What was seen before anything was done.
    pub observed: R::Observed,
    /// What was decided.
    pub plan: Plan<R::Change>,
    /// What was carried out, in the order of the plan; shorter than the plan if the round ended early.
    pub applied: Vec<Applied<R::Change>>,
}

impl<R: Reconciler + ?Sized> Round<R> {
    /// Whether there was nothing to do and nothing waits.
    pub fn is_settled(&self) -> bool {
        self.plan.is_settled()
    }

    /// The changes that failed, with their errors.
    pub fn failures(&self) -> impl Iterator<Item = (&R::Change, &Error)> {
        self.applied.iter().filter_map(|it| it.result.as_ref().err().map(|error| (&it.change, error)))
    }
}

/// Hears of a round while it happens; for progress and logs. Every method has an empty default.
pub trait Listener<R: Reconciler + ?Sized>: Send + Sync {
    /// The world was seen and a plan was made.
    fn planned(&self, observed: &R::Observed, plan: &Plan<R::Change>) {
        let _ = (observed, plan);
    }
    /// A change begins.
    fn started(&self, change: &R::Change) {
        let _ = change;
    }
    /// A change has ended.
    fn finished(&self, change: &R::Change, result: &Result<()>, took: std::time::Duration) {
        let _ = (change, result, took);
    }
    /// Asked before every stage; `true` ends the round after what is under way.
    fn stop(&self) -> bool {
        false
    }
}

impl<R: Reconciler + ?Sized> Listener<R> for () {}

impl<R: Reconciler + ?Sized, L: Listener<R> + ?Sized> Listener<R> for Arc<L> {
    fn planned(&self, observed: &R::Observed, plan: &Plan<R::Change>) {
        (**self).planned(observed, plan);
    }
    fn started(&self, change: &R::Change) {
        (**self).started(change);
    }
    fn finished(&self, change: &R::Change, result: &Result<()>, took: std::time::Duration) {
        (**self).finished(change, result, took);
    }
    fn stop(&self) -> bool {
        (**self).stop()
    }
}

/// Looks and decides; changes nothing.
///
/// # Errors
///
/// What [`Reconciler::observe`] reports.
pub async fn preview<R: Reconciler + ?Sized>(
    reconciler: &R,
    goal: &R::Goal,
) -> Result<(R::Observed, Plan<R::Change>)> {
    let observed = reconciler.observe(goal).await?;
    let plan = R::plan(goal, &observed);
    Ok((observed, plan))
}

/// Looks, decides and acts once.
///
/// Stages follow each other; after a stage with a failure the round ends, because what comes next
/// was decided for a world in which that stage had worked.
///
/// # Errors
///
/// What [`Reconciler::observe`] reports. A failed change is no error here, see [`Round::failures`].
pub async fn round<R: Reconciler + ?Sized>(
    reconciler: &R,
    goal: &R::Goal,
    listener: &dyn Listener<R>,
) -> Result<Round<R>> {
    let (observed, plan) = preview(reconciler, goal).await?;
    listener.planned(&observed, &plan);
    let mut applied = Vec::new();
    for stage in plan.stages() {
        if listener.stop() {
            break;
        }
        let steps: Vec<_> =
            stage.iter().map(|change| apply_one(reconciler, &observed, change, listener)).collect();
        let ended: Vec<_> = stream::iter(steps).buffered(DEFAULT_CONCURRENCY).collect().await;
        let failed = ended.iter().any(|it| it.result.is_err());
        applied.extend(ended);
        if failed {
            break;
        }
    }
    Ok(Round { observed, plan, applied })
}

/// Looks, decides and acts once, like [`round`], but goes on after failures with what they do not block.
///
/// A blocked change is recorded as failed (`not tried, since … failed`) and counts as a failure for the stages behind it; the
/// listener hears of it neither as started nor as finished.
///
/// # Errors
///
/// What [`Reconciler::observe`] reports. A failed change is no error here, see [`Round::failures`].
pub async fn round_with<R: Reconciler + ?Sized>(
    reconciler: &R,
    goal: &R::Goal,
    listener: &dyn Listener<R>,
    blocked: &Blocked<R>,
) -> Result<Round<R>> {
    let (observed, plan) = preview(reconciler, goal).await?;
    listener.planned(&observed, &plan);
    let mut applied: Vec<Applied<R::Change>> = Vec::new();
    for stage in plan.stages() {
        if listener.stop() {
            break;
        }
        let failed: Vec<_> = applied.iter().filter(|it| it.result.is_err()).map(|it| &it.change).collect();
        let (observed, failed) = (&observed, failed.as_slice());
        let step = |change| {
            let by = blocked(observed, failed, change);
            async move {
                match by {
                    Some(by) => not_tried(change, &by),
                    None => apply_one(reconciler, observed, change, listener).await,
                }
            }
        };
        let steps: Vec<_> = stage.iter().map(step).collect();
        let ended: Vec<_> = stream::iter(steps).buffered(DEFAULT_CONCURRENCY).collect().await;
        applied.extend(ended);
    }
    Ok(Round { observed, plan, applied })
}

fn not_tried<C: Change>(change: &C, by: &str) -> Applied<C> {
    let subject = change.to_string().lines().next().unwrap_or_default().to_owned();
    let error = Error::failed(subject, format!("not tried, since {by} failed"));
    Applied { change: change.clone(), result: Err(error) }
}

async fn apply_one<R: Reconciler + ?Sized>(
    reconciler: &R,
    observed: &R::Observed,
    change: &R::Change,
    listener: &dyn Listener<R>,
) -> Applied<R::Change> {
    let begin = Instant::now();
    listener.started(change);
    tracing::info!(effect = %change.effect(), %change, "applying");
    let result = reconciler.apply(observed, change).await;
    if let Err(error) = &result {
        tracing::warn!(%change, error = error.chain(), "not applied");
    }
    listener.finished(change, &result, begin.elapsed());
    Applied { change: change.clone(), result }
}

#[cfg(test)]
mod tests;
