//! Kubelets.

use super::{
    board::Board,
    panel::{series, stat, table},
    unit::Unit::{Count, Days, PerSecond, Seconds},
};
use crate::alerts::limits;

pub(super) fn board() -> Board {
    let p99 = |by: &str, metric: &str| {
        format!(
            "histogram_quantile(0.99, sum by ({by}, le) (rate({metric}_bucket{{node=~\"$node\"}}[$__rate_interval])))"
        )
    };
    let rate = |metric: &str| {
        format!("sum by (operation_type) (rate({metric}{{node=~\"$node\"}}[$__rate_interval]))")
    };
    let glance = vec![
        stat("Kubelets", Count, "count(kubelet_running_pods{node=~\"$node\"})"),
        stat("Kubelets that do not answer", Count, "count(up{job=\"kubelet\"} == 0) or vector(0)")
            .limit(limits::NONE),
        stat("Pods", Count, "sum(kubelet_running_pods{node=~\"$node\"})"),
        stat(
            "Containers",
            Count,
            "sum(kubelet_running_containers{node=~\"$node\", container_state=\"running\"})",
        ),
        stat(
            "Evictions within a day",
            Count,
            "sum(increase(kubelet_evictions{node=~\"$node\"}[1d])) or vector(0)",
        )
        .limit(limits::NONE),
        stat(
            "Next certificate expires",
            Days,
            "min(kubelet_certificate_manager_client_ttl_seconds{node=~\"$node\"}) / 86400",
        )
        .limit(limits::CERTIFICATE_DAYS),
    ];
    let below = vec![
        series("Operations", PerSecond).query("{{operation_type}}", rate("kubelet_runtime_operations_total")),
        series("Operations that failed", PerSecond)
            .query("{{operation_type}}", rate("kubelet_runtime_operations_errors_total")),
        series("Latency of 99 of 100 operations", Seconds).query(
            "{{operation_type}}",
            p99("operation_type", "kubelet_runtime_operations_duration_seconds"),
        ),
        series("Looking at all containers", Seconds)
            .query("{{node}}", p99("node", "kubelet_pleg_relist_duration_seconds"))
            .limit(limits::PLEG),
        series("Starting pods", Seconds)
            .query("{{node}}", p99("node", "kubelet_pod_start_sli_duration_seconds")),
        table("Versions", &[("node", "Node"), ("git_version", "Version")])
            .query("", "max by (node, git_version) (kubernetes_build_info{job=\"kubelet\", node=~\"$node\"})")
            .wide(8),
    ];
    Board {
        uid: "orbos-kubelet",
        title: "Kubelets",
        about: "What runs pods on nodes.",
        tool: "metricsPersisting",
        needs: &["api-server"],
        variables: vec![("node", "Node", "label_values(kubelet_running_pods, node)")],
        related: &[("Nodes", "orbos-nodes"), ("Control plane", "orbos-controlplane")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
