//! The tools that come with BOOM.

mod alertmanager;
mod ambassador;
mod argocd;
mod boom_itself;
mod cert_manager;
mod exposed;
mod grafana;
mod kube_state_metrics;
mod logging_operator;
mod loki;
mod metrics_server;
mod node_exporter;
mod prometheus;
mod prometheus_operator;
mod systemd_exporter;

use crate::{PlatformTool, spec::BoomSpec};

/// The tools that a file wants to be there.
pub fn builtin(spec: &BoomSpec) -> Vec<Box<dyn PlatformTool>> {
    let tools = [
        alertmanager::tool(spec),
        ambassador::tool(spec),
        argocd::tool(spec),
        boom_itself::tool(spec),
        cert_manager::tool(spec),
        grafana::tool(spec),
        kube_state_metrics::tool(spec),
        logging_operator::tool(spec),
        loki::tool(spec),
        metrics_server::tool(spec),
        node_exporter::tool(spec),
        prometheus::tool(spec),
        prometheus_operator::tool(spec),
        systemd_exporter::tool(spec),
    ];
    tools.into_iter().flatten().collect()
}
