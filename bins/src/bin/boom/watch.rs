//! What is known of the rounds so far, for metrics and health.

use std::{
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use orbos::Watched;
use orbos_platform::{Platform, PlatformChange, PlatformObserved};
use orbos_state::{Error, Listener, Outcome, Plan, Report, Result, Watcher};

/// After so much silence BOOM is not healthy any more.
const SILENCE: Duration = Duration::from_secs(600);

/// What is known of the rounds so far.
#[derive(Default)]
pub(crate) struct Watch {
    facts: Mutex<Facts>,
    stopping: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    leads: bool,
    rounds: u64,
    failed_rounds: u64,
    changes: u64,
    failed_changes: u64,
    waiting: usize,
    planned: usize,
    objects: usize,
    tools: Vec<(&'static str, bool)>,
    repository_away: bool,
    /// Whether the repository did not answer in the round under way.
    misses_repository: bool,
    recorded: bool,
    took: Duration,
    last: Option<(Instant, bool)>,
}

impl Watch {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the lease is held.
    pub(crate) fn leads(&self, leads: bool) {
        let mut facts = self.facts();
        facts.leads = leads;
        // Nobody has to hear of rounds that somebody else does now.
        facts.last = None;
    }
}

impl Watched for Watch {
    fn metrics(&self) -> String {
        let facts = self.facts().clone();
        let mut text = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
            let _ =
                write!(text, "# HELP boom_{name} {help}\n# TYPE boom_{name} {kind}\nboom_{name} {value}\n");
        };
        #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52")]
        let count = |it: u64| it as f64;
        let size = |it: usize| count(it as u64);
        let flag = |it: bool| f64::from(u8::from(it));
        let worked = facts.last.is_none_or(|it| it.1);
        metric("leads", "gauge", "1 if this one works and others wait.", flag(facts.leads));
        metric("rounds_total", "counter", "Rounds that have ended.", count(facts.rounds));
        metric("rounds_failed_total", "counter", "Rounds that got to no plan.", count(facts.failed_rounds));
        metric("changes_total", "counter", "Changes that were carried out.", count(facts.changes));
        metric("changes_failed_total", "counter", "Changes that failed.", count(facts.failed_changes));
        metric("plan_changes", "gauge", "Changes in the newest plan.", size(facts.planned));
        metric("plan_waiting", "gauge", "What waits in the newest plan.", size(facts.waiting));
        metric("objects", "gauge", "Objects that should be there.", size(facts.objects));
        metric("round_seconds", "gauge", "How long the newest round took.", facts.took.as_secs_f64());
        metric(
            "repository_away",
            "gauge",
            "1 if the repository does not answer.",
            flag(facts.repository_away),
        );
        // The original's traffic lights: 1 is good, 0 is bad.
        metric("gyr", "gauge", "1 if the newest round worked.", flag(worked));
        metric("git_gyr", "gauge", "1 if the repository answers.", flag(!facts.repository_away));
        metric("reconciling_gyr", "gauge", "1 if every change of the newest round worked.", flag(worked));
        metric(
            "current_state_write_gyr",
            "gauge",
            "1 if the current file was written.",
            flag(facts.recorded),
        );
        if !facts.tools.is_empty() {
            text.push_str(
                "# HELP boom_tool_ready 1 if the tool does what it is for.\n# TYPE boom_tool_ready gauge\n",
            );
            for (tool, ready) in facts.tools {
                let _ = writeln!(text, "boom_tool_ready{{tool=\"{tool}\"}} {}", flag(ready));
            }
        }
        text
    }

    fn healthy(&self) -> bool {
        self.facts().last.is_none_or(|(at, _)| at.elapsed() < SILENCE)
    }

    /// It works, or waits for another one that does.
    fn ready(&self) -> bool {
        let facts = self.facts();
        !facts.leads || facts.last.is_some_and(|(_, worked)| worked)
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }
}

impl Listener<Platform> for Watch {
    fn planned(&self, observed: &PlatformObserved, plan: &Plan<PlatformChange>) {
        let mut facts = self.facts();
        facts.planned = plan.changes().count();
        facts.waiting = plan.waiting().len();
        facts.objects = observed.desired.goal.manifests.len();
        facts.tools = observed.tools().into_iter().map(|(name, it)| (name, it.state == "ready")).collect();
    }

    fn finished(&self, _: &PlatformChange, result: &Result<()>, _: Duration) {
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

impl Watcher<Platform> for Watch {
    fn ended(&self, report: Result<&Report<Platform>, &Error>, took: Duration) {
        let mut facts = self.facts();
        facts.rounds += 1;
        facts.took = took;
        let worked = match report {
            Ok(report) => {
                facts.recorded = report.recorded.is_ok();
                !matches!(Outcome::of(&report.round), Outcome::Failed(_))
            }
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
