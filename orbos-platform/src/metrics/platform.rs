//! What the tools of the platform say.

use super::{
    AMBASSADOR, ARGOCD, BOOM, CERT_MANAGER, LOGGING, LOKI, Metric, ORBITER, counter, gauge, histogram,
};

const LISTENER: &[&str] = &["envoy_http_conn_manager_prefix"];
const LISTENER_CLASS: &[&str] = &["envoy_http_conn_manager_prefix", "envoy_response_code_class"];
const UPSTREAM: &[&str] = &["envoy_cluster_name"];
const UPSTREAM_CLASS: &[&str] = &["envoy_cluster_name", "envoy_response_code_class"];
const CERTIFICATE: &[&str] = &["name", "issuer_name", "issuer_kind", "issuer_group"];
const CERTIFICATE_READY: &[&str] = &["name", "condition", "issuer_name", "issuer_kind", "issuer_group"];
const PLUGIN: &[&str] = &["name"];
const FLUENTD: &[&str] = &["plugin_id", "type"];

pub(super) const METRICS: &[Metric] = &[
    counter(AMBASSADOR, "envoy_http_downstream_rq_total", LISTENER),
    counter(AMBASSADOR, "envoy_http_downstream_rq_xx", LISTENER_CLASS),
    histogram(AMBASSADOR, "envoy_http_downstream_rq_time", LISTENER),
    gauge(AMBASSADOR, "envoy_http_downstream_cx_active", LISTENER),
    counter(AMBASSADOR, "envoy_http_downstream_cx_rx_bytes_total", LISTENER),
    counter(AMBASSADOR, "envoy_http_downstream_cx_tx_bytes_total", LISTENER),
    counter(AMBASSADOR, "envoy_cluster_upstream_rq_total", UPSTREAM),
    counter(AMBASSADOR, "envoy_cluster_upstream_rq_xx", UPSTREAM_CLASS),
    histogram(AMBASSADOR, "envoy_cluster_upstream_rq_time", UPSTREAM),
    counter(AMBASSADOR, "envoy_cluster_upstream_rq_retry", UPSTREAM),
    counter(AMBASSADOR, "envoy_cluster_upstream_rq_timeout", UPSTREAM),
    counter(AMBASSADOR, "envoy_cluster_upstream_rq_pending_overflow", UPSTREAM),
    gauge(AMBASSADOR, "envoy_cluster_membership_healthy", UPSTREAM),
    gauge(AMBASSADOR, "envoy_cluster_membership_total", UPSTREAM),
    gauge(AMBASSADOR, "envoy_server_days_until_first_cert_expiring", &[]),
    gauge(CERT_MANAGER, "certmanager_certificate_expiration_timestamp_seconds", CERTIFICATE),
    gauge(CERT_MANAGER, "certmanager_certificate_renewal_timestamp_seconds", CERTIFICATE),
    gauge(CERT_MANAGER, "certmanager_certificate_ready_status", CERTIFICATE_READY),
    counter(
        CERT_MANAGER,
        "certmanager_http_acme_client_request_count",
        &["scheme", "host", "path", "method", "status"],
    ),
    counter(CERT_MANAGER, "certmanager_controller_sync_error_count", &["controller"]),
    counter(LOGGING, "fluentbit_input_records_total", PLUGIN),
    counter(LOGGING, "fluentbit_input_bytes_total", PLUGIN),
    counter(LOGGING, "fluentbit_output_proc_records_total", PLUGIN),
    counter(LOGGING, "fluentbit_output_errors_total", PLUGIN),
    counter(LOGGING, "fluentbit_output_retries_failed_total", PLUGIN),
    counter(LOGGING, "fluentbit_output_dropped_records_total", PLUGIN),
    gauge(LOGGING, "fluentd_output_status_emit_records", FLUENTD),
    gauge(LOGGING, "fluentd_output_status_buffer_total_bytes", FLUENTD),
    gauge(LOGGING, "fluentd_output_status_buffer_queue_length", FLUENTD),
    gauge(LOGGING, "fluentd_output_status_buffer_available_space_ratio", FLUENTD),
    gauge(LOGGING, "fluentd_output_status_retry_count", FLUENTD),
    gauge(LOGGING, "fluentd_output_status_num_errors", FLUENTD),
    histogram(LOKI, "loki_request_duration_seconds", &["method", "route", "status_code", "ws"]),
    counter(LOKI, "loki_panic_total", &[]),
    counter(LOKI, "loki_distributor_bytes_received_total", &["tenant"]),
    counter(LOKI, "loki_distributor_lines_received_total", &["tenant"]),
    gauge(LOKI, "loki_ingester_memory_streams", &["tenant"]),
    gauge(LOKI, "loki_ingester_memory_chunks", &[]),
    counter(LOKI, "loki_discarded_samples_total", &["reason", "tenant"]),
    // Called so since it had another store; it is the same with the new one.
    gauge(LOKI, "loki_boltdb_shipper_compactor_running", &[]),
    gauge(
        ARGOCD,
        "argocd_app_info",
        &["name", "project", "health_status", "sync_status", "dest_server", "dest_namespace", "repo"],
    ),
    counter(ARGOCD, "argocd_app_sync_total", &["name", "project", "phase", "dest_server"]),
    histogram(ARGOCD, "argocd_app_reconcile", &["dest_server"]),
    counter(ARGOCD, "argocd_git_request_total", &["repo", "request_type"]),
    histogram(ARGOCD, "argocd_git_request_duration_seconds", &["repo", "request_type"]),
    counter(ARGOCD, "argocd_git_fetch_fail_total", &["repo"]),
    gauge(ARGOCD, "argocd_cluster_connection_status", &["server", "k8s_version"]),
    counter(BOOM, "boom_rounds_total", &[]),
    counter(BOOM, "boom_rounds_failed_total", &[]),
    counter(BOOM, "boom_changes_total", &[]),
    counter(BOOM, "boom_changes_failed_total", &[]),
    gauge(BOOM, "boom_plan_changes", &[]),
    gauge(BOOM, "boom_plan_waiting", &[]),
    gauge(BOOM, "boom_repository_away", &[]),
    gauge(BOOM, "boom_round_seconds", &[]),
    counter(ORBITER, "orbiter_rounds_total", &[]),
    counter(ORBITER, "orbiter_rounds_failed_total", &[]),
    counter(ORBITER, "orbiter_changes_total", &[]),
    counter(ORBITER, "orbiter_changes_failed_total", &[]),
    gauge(ORBITER, "orbiter_plan_changes", &[]),
    gauge(ORBITER, "orbiter_plan_waiting", &[]),
    gauge(ORBITER, "orbiter_machines", &[]),
    gauge(ORBITER, "orbiter_unseen", &[]),
    gauge(ORBITER, "orbiter_members", &[]),
    gauge(ORBITER, "orbiter_members_ready", &[]),
    gauge(ORBITER, "orbiter_repository_away", &[]),
    gauge(ORBITER, "orbiter_round_seconds", &[]),
];
