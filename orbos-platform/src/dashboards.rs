//! Dashboards, as typed values.

/// A dashboard of Grafana.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// How links call it; also the name of its ConfigMap: `grafana-dashboard-UID`.
    pub uid: &'static str,
    /// What people see.
    pub title: &'static str,
    /// Switches below `metricsPersisting.metrics` that all have to be on for it to show something.
    pub needs: &'static [&'static str],
    /// The whole dashboard as Grafana's classic JSON.
    pub json: serde_json::Value,
}
