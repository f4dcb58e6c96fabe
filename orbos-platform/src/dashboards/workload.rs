//! Pods of a namespace, and what they say.

use super::{
    board::Board,
    panel::{logs, series, stat, table},
    unit::Unit::{Bytes, BytesPerSecond, Cores, Count},
};
use crate::alerts::limits;

const CHOSEN: &str = "namespace=~\"$namespace\", pod=~\"$pod\"";

pub(super) fn board() -> Board {
    let limit = |resource: &str| {
        format!("sum(kube_pod_container_resource_limits{{{CHOSEN}, resource=\"{resource}\"}})")
    };
    let requested =
        |resource: &str| format!("sum(orbos:pod_requests:sum{{{CHOSEN}, resource=\"{resource}\"}})");
    let network = |way: &str| {
        format!("sum by (pod) (rate(container_network_{way}_bytes_total{{{CHOSEN}}}[$__rate_interval]))")
    };
    let restarts =
        |window: &str| format!("increase(kube_pod_container_status_restarts_total{{{CHOSEN}}}[{window}])");
    let glance = vec![
        stat("Pods", Count, format!("count(kube_pod_info{{{CHOSEN}}})")),
        stat("Not ready", Count, format!(
            "sum(kube_pod_status_ready{{{CHOSEN}, condition=\"false\"}} and on (namespace, pod) kube_pod_status_phase{{phase=~\"Pending|Running\"}} == 1) or vector(0)"
        ))
        .limit(limits::NONE),
        stat("Restarts within an hour", Count, format!("sum({})", restarts("1h"))).limit(limits::NONE),
        stat("Processors", Cores, format!("sum(orbos:pod_cpu:usage{{{CHOSEN}}})")),
        stat("Memory", Bytes, format!("sum(orbos:pod_memory:usage{{{CHOSEN}}})")),
        stat("Memory requested", Bytes, requested("memory")),
    ];
    let below = vec![
        series("Processors", Cores)
            .query("{{pod}}", format!("orbos:pod_cpu:usage{{{CHOSEN}}}"))
            .query("requested", requested("cpu"))
            .query("limit", limit("cpu")),
        series("Memory", Bytes)
            .query("{{pod}}", format!("orbos:pod_memory:usage{{{CHOSEN}}}"))
            .query("requested", requested("memory"))
            .query("limit", limit("memory")),
        series("Network", BytesPerSecond)
            .query("{{pod}} receives", network("receive"))
            .query("{{pod}} sends", network("transmit")),
        table("Pods", &[("namespace", "Namespace"), ("pod", "Pod"), ("node", "Node"), ("created_by_name", "Made by")])
            .query("", format!("max by (namespace, pod, node, created_by_name) (kube_pod_info{{{CHOSEN}}})")),
        table("Containers that wait", &[("namespace", "Namespace"), ("pod", "Pod"), ("container", "Container"), ("reason", "Why")])
            .query(
                "",
                format!("max by (namespace, pod, container, reason) (kube_pod_container_status_waiting_reason{{{CHOSEN}}}) == 1"),
            ),
        logs("Logs", "{namespace=~\"$namespace\"} |~ \"$pod\""),
    ];
    Board {
        uid: "orbos-workload",
        title: "Workloads",
        about: "Pods of a namespace: what they use and what they say.",
        tool: "kubeMetricsExporter",
        needs: &["kube-state-metrics", "api-server"],
        variables: vec![
            super::board::NAMESPACE,
            ("pod", "Pod", "label_values(kube_pod_info{namespace=~\"$namespace\"}, pod)"),
        ],
        related: &[("Compute", "orbos-compute"), ("Volumes", "orbos-volumes")],
        rows: vec![("", glance), ("Pods", below)],
    }
}
