//! API servers, etcd, schedulers and controllers.

use super::{
    board::Board,
    panel::{series, stat},
    unit::Unit::{Count, PerSecond, Seconds, Share},
};
use crate::alerts::limits;

pub(super) fn board() -> Board {
    let month = "(sum(increase(apiserver_request_total{code=~\"5..\"}[30d])) or vector(0)) / sum(increase(apiserver_request_total[30d]))";
    let budget = 1.0 - limits::API_AVAILABILITY.warning;
    let p99 = |by: &str, metric: &str, of: &str| {
        format!("histogram_quantile(0.99, sum by ({by}, le) (rate({metric}_bucket{of}[$__rate_interval])))")
    };
    let glance = vec![
        stat("Availability of 30 days", Share, format!("1 - {month}")).limit(limits::API_AVAILABILITY),
        stat("Budget of errors left", Share, format!("1 - {month} / {budget:.4}"))
            .limit(limits::BUDGET_LEFT)
            .about("What is left of the share of requests that may fail within 30 days."),
        stat("etcd without a leader", Count, "count(etcd_server_has_leader == 0) or vector(0)")
            .limit(limits::NONE),
        stat(
            "Database of etcd",
            Share,
            "max(etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes)",
        )
        .limit(limits::ETCD_DATABASE),
        stat("Pods that wait for a node", Count, "sum(scheduler_pending_pods) or vector(0)")
            .limit(limits::NONE),
        stat("APIs of others that are away", Count, "sum(max by (name) (aggregator_unavailable_apiservice))")
            .limit(limits::NONE),
    ];
    let below = vec![
        series("Requests", PerSecond)
            .query(
                "{{verb}}",
                "sum by (verb) (rate(apiserver_request_total{code!~\"5..\"}[$__rate_interval]))",
            )
            .query(
                "errors",
                "sum(rate(apiserver_request_total{code=~\"5..\"}[$__rate_interval])) or vector(0)",
            )
            .stacked(),
        series("Latency of 99 of 100 requests", Seconds)
            .query(
                "{{verb}}",
                p99("verb", "apiserver_request_sli_duration_seconds", "{verb!~\"WATCH|CONNECT\"}"),
            )
            .limit(limits::API_LATENCY),
        series("Requests in flight", Count)
            .query("{{request_kind}}", "sum by (request_kind) (apiserver_current_inflight_requests)"),
        series("etcd writes to its disk", Seconds)
            .query("{{instance}} log", p99("instance", "etcd_disk_wal_fsync_duration_seconds", ""))
            .query("{{instance}} database", p99("instance", "etcd_disk_backend_commit_duration_seconds", ""))
            .limit(limits::ETCD_FSYNC),
        series("etcd changes its mind", Count)
            .query("leader changes", "max(increase(etcd_server_leader_changes_seen_total[1h]))")
            .query("proposals that failed", "sum(increase(etcd_server_proposals_failed_total[1h]))"),
        series("Queues of controllers", Count)
            .query("{{job}} {{name}}", "topk(10, sum by (job, name) (workqueue_depth))"),
    ];
    Board {
        uid: "orbos-controlplane",
        title: "Control plane",
        about: "API servers, etcd, schedulers and controllers.",
        tool: "metricsPersisting",
        needs: &["api-server"],
        variables: Vec::new(),
        related: &[("Kubelets", "orbos-kubelet"), ("Nodes", "orbos-nodes")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
