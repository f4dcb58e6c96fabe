//! Dashboards, as typed values.

mod argocd;
mod board;
mod certificates;
mod compute;
mod control_plane;
mod gateway;
mod kubelet;
mod logs;
mod node;
mod operators;
mod overview;
mod panel;
mod prometheus;
mod unit;
mod volumes;
mod workload;

use std::sync::{Arc, LazyLock};

/// A dashboard of Grafana.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// How links call it; also the name of its ConfigMap: `grafana-dashboard-UID`.
    pub uid: &'static str,
    /// What people see.
    pub title: &'static str,
    /// The tool that declares it, by its key in `boom.yml`.
    pub tool: &'static str,
    /// Switches below `metricsPersisting.metrics` that all have to be on for it to show something.
    pub needs: &'static [&'static str],
    /// The whole dashboard as Grafana's classic JSON; as text, which takes a tenth of the memory.
    pub json: Arc<str>,
}

/// All dashboards of all tools, the one to begin with first.
pub fn dashboards() -> Vec<Dashboard> {
    let boards = [
        overview::board(),
        node::board(),
        compute::board(),
        workload::board(),
        volumes::board(),
        control_plane::board(),
        kubelet::board(),
        gateway::board(),
        certificates::board(),
        logs::collection(),
        logs::loki(),
        prometheus::board(),
        argocd::board(),
        operators::board(),
    ];
    boards.into_iter().map(board::Board::finish).collect()
}

/// The dashboards that come with a tool, by its key in `boom.yml`.
///
/// ```
/// use orbos_platform::dashboards;
///
/// let uids: Vec<_> = dashboards::of("nodeMetricsExporter").iter().map(|it| it.uid).collect();
/// assert_eq!(uids, ["orbos-nodes"]);
/// ```
pub fn of(tool: &str) -> Vec<Dashboard> {
    // They are the same in every round, and long.
    static ALL: LazyLock<Vec<Dashboard>> = LazyLock::new(dashboards);
    ALL.iter().filter(|it| it.tool == tool).cloned().collect()
}
