//! What the cluster has, and what its namespaces take of it.

use super::{
    board::Board,
    panel::{Panel, gauge, series, stat, table},
    unit::Unit::{Bytes, Cores, Count, Share},
};
use crate::alerts::limits;

/// What is asked for a resource, as a share of what nodes have of it.
fn committed(title: &'static str, of: &str, resource: &str) -> Panel {
    let expr = format!(
        "sum({of}{{resource=\"{resource}\"}}) / sum(kube_node_status_allocatable{{resource=\"{resource}\"}})"
    );
    gauge(title, Share, expr).limit(limits::COMMITTED)
}

/// What a namespace uses, as a share of what its pods request.
fn of_requests(usage: &str, resource: &str) -> String {
    format!("{usage} / sum by (namespace) (orbos:pod_requests:sum{{resource=\"{resource}\"}})")
}

pub(super) fn board() -> Board {
    let limit = "kube_pod_container_resource_limits";
    let glance = vec![
        gauge(
            "Processors used",
            Share,
            "sum(orbos:namespace_cpu:usage) / sum(kube_node_status_allocatable{resource=\"cpu\"})",
        )
        .limit(limits::CPU_BUSY),
        committed("Processors requested", "orbos:pod_requests:sum", "cpu"),
        gauge(
            "Memory used",
            Share,
            "sum(orbos:namespace_memory:usage) / sum(kube_node_status_allocatable{resource=\"memory\"})",
        )
        .limit(limits::MEMORY_USED),
        committed("Memory requested", "orbos:pod_requests:sum", "memory"),
        committed("Memory that may be taken", limit, "memory").about("The limits of all containers."),
        stat(
            "Out of memory within a day",
            Count,
            "sum(increase(container_oom_events_total{container!=\"\"}[1d])) or vector(0)",
        )
        .limit(limits::NONE),
    ];
    let below = vec![
        series("Processors by namespace", Cores)
            .query("{{namespace}}", "orbos:namespace_cpu:usage{namespace=~\"$namespace\"}")
            .stacked()
            .wide(12),
        series("Memory by namespace", Bytes)
            .query("{{namespace}}", "orbos:namespace_memory:usage{namespace=~\"$namespace\"}")
            .stacked()
            .wide(12),
        table("Namespaces", &[("namespace", "Namespace")])
            .query("Pods", "count by (namespace) (kube_pod_info{namespace=~\"$namespace\"})")
            .query("Processors", "orbos:namespace_cpu:usage{namespace=~\"$namespace\"}")
            .in_unit(Cores)
            .query("of requests", of_requests("orbos:namespace_cpu:usage{namespace=~\"$namespace\"}", "cpu"))
            .in_unit(Share)
            .query("Memory", "orbos:namespace_memory:usage{namespace=~\"$namespace\"}")
            .in_unit(Bytes)
            .query(
                "of its requests",
                of_requests("orbos:namespace_memory:usage{namespace=~\"$namespace\"}", "memory"),
            )
            .in_unit(Share)
            .wide(24),
        series("Containers that are held back", Share)
            .query(
                "{{namespace}}",
                "sum by (namespace) (rate(container_cpu_cfs_throttled_periods_total{namespace=~\"$namespace\"}[$__rate_interval])) \
                 / sum by (namespace) (rate(container_cpu_cfs_periods_total{namespace=~\"$namespace\"}[$__rate_interval]))",
            )
            .limit(limits::THROTTLED)
            .about("The share of periods in which containers had used up their limit.")
            .wide(12),
        table("Containers that ran out of memory", &[("namespace", "Namespace"), ("pod", "Pod"), ("container", "Container")])
            .query(
                "Last end",
                "max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason{reason=\"OOMKilled\", namespace=~\"$namespace\"}) == 1",
            ),
    ];
    Board {
        uid: "orbos-compute",
        title: "Compute",
        about: "Processors and memory of the cluster by namespace.",
        tool: "kubeMetricsExporter",
        needs: &["kube-state-metrics", "api-server"],
        variables: vec![super::board::NAMESPACE],
        related: &[("Workloads", "orbos-workload"), ("Nodes", "orbos-nodes")],
        rows: vec![("", glance), ("By namespace", below)],
    }
}
