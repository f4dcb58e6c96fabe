//! Argo CD.

use super::{
    board::Board,
    panel::{heatmap, series, stat, table},
    unit::Unit::{Count, PerSecond, Seconds},
};
use crate::alerts::limits;

pub(super) fn board() -> Board {
    let count = |of: &str| format!("count(argocd_app_info{{{of}}}) or vector(0)");
    let glance = vec![
        stat("Applications", Count, count("")),
        stat("Healthy", Count, count("health_status=\"Healthy\"")),
        stat("Degraded", Count, count("health_status=~\"Degraded|Missing|Unknown\"")).limit(limits::NONE),
        stat("Out of sync", Count, count("sync_status!=\"Synced\"")).limit(limits::NONE),
        stat(
            "Failed syncs within an hour",
            Count,
            "sum(increase(argocd_app_sync_total{phase=~\"Error|Failed\"}[1h])) or vector(0)",
        )
        .limit(limits::NONE),
        stat("Clusters away", Count, "count(argocd_cluster_connection_status == 0) or vector(0)")
            .limit(limits::NONE),
    ];
    let below = vec![
        table("Applications", &[("name", "Application"), ("project", "Project"), ("health_status", "Health"), ("sync_status", "Sync"), ("repo", "Repository")])
            .query("", "max by (name, project, health_status, sync_status, repo) (argocd_app_info)")
            .wide(24),
        series("Syncs", PerSecond)
            .query("{{phase}}", "sum by (phase) (rate(argocd_app_sync_total[$__rate_interval]))"),
        heatmap("Duration of reconciling", Seconds, "sum by (le) (increase(argocd_app_reconcile_bucket[$__rate_interval]))")
            .wide(16),
        series("Requests to Git", PerSecond)
            .query("{{request_type}}", "sum by (request_type) (rate(argocd_git_request_total[$__rate_interval]))")
            .query("failed", "sum(rate(argocd_git_fetch_fail_total[$__rate_interval])) or vector(0)"),
        series("Latency of 99 of 100 requests to Git", Seconds).query(
            "{{request_type}}",
            "histogram_quantile(0.99, sum by (request_type, le) (rate(argocd_git_request_duration_seconds_bucket[$__rate_interval])))",
        ),
        series("Queues", Count)
            .query("{{name}}", "sum by (name) (workqueue_depth{name=~\"app_.*|project_.*\"})"),
    ];
    Board {
        uid: "orbos-argocd",
        title: "Argo CD",
        about: "Applications that Argo CD keeps like their repositories say.",
        tool: "reconciling",
        needs: &["argocd"],
        variables: Vec::new(),
        related: &[("Workloads", "orbos-workload")],
        rows: vec![("", glance), ("Applications", below)],
    }
}
