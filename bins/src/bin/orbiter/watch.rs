//! What is known of the rounds so far, for metrics and health.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use orbos::Watched;
use orbos_infra::{Orb, OrbChange, OrbObserved, Ready};
use orbos_state::{Error, Listener, Outcome, Plan, Report, Result, Watcher};

/// After so much silence ORBITER is not healthy any more, as in the original.
const SILENCE: Duration = Duration::from_secs(600);

/// What is known of the rounds so far.
#[derive(Default)]
pub(crate) struct Watch {
    facts: Mutex<Facts>,
    stopping: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    rounds: u64,
    failed_rounds: u64,
    changes: u64,
    failed_changes: u64,
    waiting: usize,
    planned: usize,
    machines: usize,
    unseen: usize,
    members: usize,
    ready: usize,
    repository_away: bool,
    /// Whether the repository did not answer in the round under way.
    misses_repository: bool,
    took: Duration,
    last: Option<(Instant, bool)>,
}

impl Watch {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched for Watch {
    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// The newest round worked and is not too long ago.
    fn healthy(&self) -> bool {
        self.facts().last.is_none_or(|(at, worked)| worked && at.elapsed() < SILENCE)
    }

    fn ready(&self) -> bool {
        self.facts().last.is_some_and(|(_, worked)| worked)
    }

    fn metrics(&self) -> String {
        let facts = self.facts().clone();
        let metric = |name: &str, kind: &str, help: &str, value: String| {
            format!("# HELP orbiter_{name} {help}\n# TYPE orbiter_{name} {kind}\norbiter_{name} {value}\n")
        };
        [
            metric("rounds_total", "counter", "Rounds that have ended.", facts.rounds.to_string()),
            metric(
                "rounds_failed_total",
                "counter",
                "Rounds that got to no plan.",
                facts.failed_rounds.to_string(),
            ),
            metric("changes_total", "counter", "Changes that were carried out.", facts.changes.to_string()),
            metric(
                "changes_failed_total",
                "counter",
                "Changes that failed.",
                facts.failed_changes.to_string(),
            ),
            metric("plan_changes", "gauge", "Changes in the newest plan.", facts.planned.to_string()),
            metric("plan_waiting", "gauge", "What waits in the newest plan.", facts.waiting.to_string()),
            metric("machines", "gauge", "Machines in use.", facts.machines.to_string()),
            metric("unseen", "gauge", "Who did not answer.", facts.unseen.to_string()),
            metric("members", "gauge", "Members of clusters.", facts.members.to_string()),
            metric("members_ready", "gauge", "Members that work.", facts.ready.to_string()),
            metric(
                "repository_away",
                "gauge",
                "1 if the repository does not answer.",
                u8::from(facts.repository_away).to_string(),
            ),
            metric(
                "round_seconds",
                "gauge",
                "How long the newest round took.",
                facts.took.as_secs_f64().to_string(),
            ),
        ]
        .concat()
    }
}

impl Listener<Orb> for Watch {
    fn planned(&self, observed: &OrbObserved, plan: &Plan<OrbChange>) {
        let mut facts = self.facts();
        facts.planned = plan.changes().count();
        facts.waiting = plan.waiting().len();
        facts.machines = observed.machines().count();
        facts.unseen = observed.unseen.len();
        let members = || observed.clusters.values().flat_map(|it| it.members.values());
        facts.members = members().count();
        facts.ready = members().filter(|it| it.ready == Ready::Yes).count();
    }

    fn finished(&self, _: &OrbChange, result: &Result<()>, _: Duration) {
        let mut facts = self.facts();
        match result {
            Ok(()) => facts.changes += 1,
            Err(_) => facts.failed_changes += 1,
        }
    }

    fn stop(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl Watcher<Orb> for Watch {
    fn ended(&self, report: Result<&Report<Orb>, &Error>, took: Duration) {
        let mut facts = self.facts();
        facts.rounds += 1;
        facts.took = took;
        let worked = match report {
            Ok(report) => !matches!(Outcome::of(&report.round), Outcome::Failed(_)),
            Err(error) => {
                facts.failed_rounds += 1;
                tracing::error!(error = error.chain(), "round failed");
                false
            }
        };
        facts.repository_away = std::mem::take(&mut facts.misses_repository);
        facts.last = Some((Instant::now(), worked));
    }

    fn repository_away(&self, error: &Error) {
        tracing::warn!(error = error.chain(), "repository away; going on with what it said last");
        self.facts().misses_repository = true;
    }
}
