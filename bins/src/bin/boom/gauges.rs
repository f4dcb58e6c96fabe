//! What BOOM tells of a platform.

use orbos::{Gauges, Metrics, Tally};
use orbos_platform::{Platform, PlatformObserved};

/// How many objects there should be, and which tools do what they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tools {
    objects: usize,
    ready: Vec<(&'static str, bool)>,
}

impl Gauges for Tools {
    type Reconciler = Platform;
    const OPERATOR: &'static str = "boom";
    const ILL_WHEN_FAILED: bool = false;

    fn of(observed: &PlatformObserved) -> Self {
        let tools = observed.tools().into_iter();
        Self {
            objects: observed.desired.goal.manifests.len(),
            ready: tools.map(|(name, it)| (name, it.state == "ready")).collect(),
        }
    }

    fn write(&self, rounds: &Tally, metrics: &mut Metrics) {
        metrics.flag("leads", "1 if this one works and others wait.", !rounds.standby);
        metrics.gauge("objects", "Objects that should be there.", self.objects);
        // The original's traffic lights: 1 is good, 0 is bad.
        let worked = rounds.last.is_none_or(|it| it.1);
        metrics.flag("gyr", "1 if the newest round worked.", worked);
        metrics.flag("git_gyr", "1 if the repository answers.", !rounds.repository_away);
        metrics.flag("reconciling_gyr", "1 if every change of the newest round worked.", worked);
        metrics.flag("current_state_write_gyr", "1 if the current file was written.", rounds.recorded);
        let ready = self.ready.iter().copied();
        metrics.flags("tool_ready", "1 if the tool does what it is for.", "tool", ready);
    }
}

#[cfg(test)]
mod tests {
    use orbos::{Rounds, Watched};
    use orbos_platform::metrics;

    use super::*;

    #[test]
    fn what_dashboards_and_alerts_ask_for_is_told() {
        let text = Rounds::<Tools>::default().metrics();
        let names: Vec<_> = metrics::all().map(|it| it.name).filter(|it| it.starts_with("boom_")).collect();
        let missing: Vec<_> = names.iter().filter(|it| !text.contains(&format!("\n{it} "))).collect();
        assert!(!names.is_empty() && missing.is_empty(), "{missing:?} in\n{text}");
    }
}
