//! What ORBITER tells of an orb.

use orbos::{Gauges, Metrics, Tally};
use orbos_infra::{Orb, OrbObserved, Ready};

/// How many machines and members there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    machines: usize,
    unseen: usize,
    members: usize,
    ready: usize,
}

impl Gauges for Sizes {
    type Reconciler = Orb;
    const OPERATOR: &'static str = "orbiter";
    const ILL_WHEN_FAILED: bool = true;

    fn of(observed: &OrbObserved) -> Self {
        let members = || observed.clusters.values().flat_map(|it| it.members.values());
        Self {
            machines: observed.machines().count(),
            unseen: observed.unseen.len(),
            members: members().count(),
            ready: members().filter(|it| it.ready == Ready::Yes).count(),
        }
    }

    fn write(&self, _: &Tally, metrics: &mut Metrics) {
        metrics.gauge("machines", "Machines in use.", self.machines);
        metrics.gauge("unseen", "Who did not answer.", self.unseen);
        metrics.gauge("members", "Members of clusters.", self.members);
        metrics.gauge("members_ready", "Members that work.", self.ready);
    }
}

#[cfg(test)]
mod tests {
    use orbos::{Rounds, Watched};
    use orbos_platform::metrics;

    use super::*;

    #[test]
    fn what_dashboards_and_alerts_ask_for_is_told() {
        let text = Rounds::<Sizes>::default().metrics();
        let names: Vec<_> =
            metrics::all().map(|it| it.name).filter(|it| it.starts_with("orbiter_")).collect();
        let missing: Vec<_> = names.iter().filter(|it| !text.contains(&format!("\n{it} "))).collect();
        assert!(!names.is_empty() && missing.is_empty(), "{missing:?} in\n{text}");
    }
}
