//! What API servers, schedulers, controller managers and etcd say.

use super::{ARGOCD, KUBERNETES, Metric, counter, gauge, histogram};

const REQUEST: &[&str] =
    &["verb", "code", "group", "version", "resource", "subresource", "scope", "component", "dry_run"];

pub(super) const METRICS: &[Metric] = &[
    counter(KUBERNETES, "apiserver_request_total", REQUEST),
    histogram(KUBERNETES, "apiserver_request_sli_duration_seconds", REQUEST),
    gauge(KUBERNETES, "apiserver_current_inflight_requests", &["request_kind"]),
    histogram(KUBERNETES, "apiserver_client_certificate_expiration_seconds", &[]),
    gauge(KUBERNETES, "aggregator_unavailable_apiservice", &["name"]),
    gauge(KUBERNETES, "kubernetes_build_info", &["git_version", "major", "minor", "node"]),
    gauge(KUBERNETES, "workqueue_depth", &["name"]),
    gauge(ARGOCD, "workqueue_depth", &["name"]),
    gauge(KUBERNETES, "scheduler_pending_pods", &["queue"]),
    gauge(KUBERNETES, "etcd_server_has_leader", &[]),
    counter(KUBERNETES, "etcd_server_leader_changes_seen_total", &[]),
    counter(KUBERNETES, "etcd_server_proposals_failed_total", &[]),
    gauge(KUBERNETES, "etcd_server_quota_backend_bytes", &[]),
    gauge(KUBERNETES, "etcd_mvcc_db_total_size_in_bytes", &[]),
    histogram(KUBERNETES, "etcd_disk_wal_fsync_duration_seconds", &[]),
    histogram(KUBERNETES, "etcd_disk_backend_commit_duration_seconds", &[]),
];
