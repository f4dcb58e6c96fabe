//! What is known of an operator's rounds so far, for metrics and health.

use std::{
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use orbos_state::{Error, Listener, Outcome, Plan, Reconciler, Report, Result, Watcher};

use crate::Watched;

/// After so much silence an operator is not healthy any more, as in the original.
const SILENCE: Duration = Duration::from_secs(600);

/// What an operator tells beyond what every one does.
pub trait Gauges: Clone + Default + Send + 'static {
    /// What does the rounds.
    type Reconciler: Reconciler;
    /// Before the name of every metric.
    const OPERATOR: &'static str;
    /// Whether a newest round that failed is a reason to start it anew.
    const ILL_WHEN_FAILED: bool;

    /// Reads them off what a round saw.
    fn of(observed: &<Self::Reconciler as Reconciler>::Observed) -> Self;
    /// Writes them, and what else this operator tells of its rounds.
    fn write(&self, rounds: &Tally, metrics: &mut Metrics);
}

/// What is known of the rounds so far.
#[derive(Debug, Default)]
pub struct Rounds<G> {
    known: Mutex<(Tally, G)>,
    stopping: AtomicBool,
}

/// What is known of every operator's rounds.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Whether another one works and this one waits.
    pub standby: bool,
    /// Whether the repository did not answer in the newest round.
    pub repository_away: bool,
    /// Whether the newest round's current file is in the repository.
    pub recorded: bool,
    /// When the newest round ended, and whether every change of it worked; `None`: there was none yet, or none since this one
    /// works.
    pub last: Option<(Instant, bool)>,
    ended: u64,
    ended_failed: u64,
    changes: u64,
    changes_failed: u64,
    planned: usize,
    waiting: usize,
    took: Duration,
    /// Whether the repository did not answer in the round under way.
    misses_repository: bool,
}

impl<G: Gauges> Rounds<G> {
    fn known(&self) -> MutexGuard<'_, (Tally, G)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another one works and this one waits; what it did before is nothing to be healthy by.
    pub fn stand_by(&self, standby: bool) {
        let tally = &mut self.known().0;
        tally.standby = standby;
        tally.last = None;
    }
}

impl<G: Gauges> Watched for Rounds<G> {
    fn metrics(&self) -> String {
        let (tally, gauges) = self.known().clone();
        let mut metrics = Metrics { operator: G::OPERATOR, text: String::new() };
        metrics.counter("rounds_total", "Rounds that have ended.", tally.ended);
        metrics.counter("rounds_failed_total", "Rounds that got to no plan.", tally.ended_failed);
        metrics.counter("changes_total", "Changes that were carried out.", tally.changes);
        metrics.counter("changes_failed_total", "Changes that failed.", tally.changes_failed);
        metrics.gauge("plan_changes", "Changes in the newest plan.", tally.planned);
        metrics.gauge("plan_waiting", "What waits in the newest plan.", tally.waiting);
        metrics.gauge("round_seconds", "How long the newest round took.", tally.took.as_secs_f64());
        metrics.flag("repository_away", "1 if the repository does not answer.", tally.repository_away);
        gauges.write(&tally, &mut metrics);
        metrics.text
    }

    fn healthy(&self) -> bool {
        let well = |(at, worked): (Instant, bool)| at.elapsed() < SILENCE && (worked || !G::ILL_WHEN_FAILED);
        self.known().0.last.is_none_or(well)
    }

    fn ready(&self) -> bool {
        let tally = &self.known().0;
        tally.standby || tally.last.is_some_and(|(_, worked)| worked)
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }
}

impl<G: Gauges> Listener<G::Reconciler> for Rounds<G> {
    fn planned(
        &self,
        observed: &<G::Reconciler as Reconciler>::Observed,
        plan: &Plan<<G::Reconciler as Reconciler>::Change>,
    ) {
        let mut known = self.known();
        known.0.planned = plan.changes().count();
        known.0.waiting = plan.waiting().len();
        known.1 = G::of(observed);
    }

    fn finished(&self, _: &<G::Reconciler as Reconciler>::Change, result: &Result<()>, _: Duration) {
        let tally = &mut self.known().0;
        match result {
            Ok(()) => tally.changes += 1,
            Err(_) => tally.changes_failed += 1,
        }
    }

    fn stop(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl<G: Gauges> Watcher<G::Reconciler> for Rounds<G> {
    fn ended(&self, report: Result<&Report<G::Reconciler>, &Error>, took: Duration) {
        let tally = &mut self.known().0;
        tally.ended += 1;
        tally.took = took;
        let worked = match report {
            Ok(report) => {
                tally.recorded = report.recorded.is_ok();
                !matches!(Outcome::of(&report.round), Outcome::Failed(_))
            }
            Err(error) => {
                tally.ended_failed += 1;
                tracing::error!(error = error.chain(), "round failed");
                false
            }
        };
        tally.repository_away = std::mem::take(&mut tally.misses_repository);
        tally.last = Some((Instant::now(), worked));
    }

    fn repository_away(&self, error: &Error) {
        tracing::warn!(error = error.chain(), "repository away; going on with what it said last");
        self.known().0.misses_repository = true;
    }
}

/// Metrics in the text format of Prometheus, version 0.0.4.
#[derive(Debug)]
pub struct Metrics {
    operator: &'static str,
    text: String,
}

impl Metrics {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.sample(name, "", value);
    }

    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl ToString) {
        self.head(name, "gauge", help);
        self.sample(name, "", value);
    }

    /// 1 or 0.
    pub fn flag(&mut self, name: &str, help: &str, value: bool) {
        self.gauge(name, help, u8::from(value));
    }

    /// 1 or 0 for each value of a label; nothing if there is none.
    pub fn flags<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, bool)>,
    ) {
        for (number, (value, flag)) in values.into_iter().enumerate() {
            if number == 0 {
                self.head(name, "gauge", help);
            }
            self.sample(name, &format!("{{{label}=\"{value}\"}}"), u8::from(flag));
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let name = format_args!("{}_{name}", self.operator);
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl ToString) {
        let _ = writeln!(self.text, "{}_{name}{labels} {}", self.operator, value.to_string());
    }
}
