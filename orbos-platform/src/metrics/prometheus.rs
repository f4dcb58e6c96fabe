//! What Prometheus, its operator and Alertmanager say of themselves, and what Prometheus makes while it collects.

use super::{ALERTMANAGER, COLLECTED, Metric, OPERATOR, PROMETHEUS, counter, gauge, summary};

const REMOTE: &[&str] = &["remote_name", "url"];

pub(super) const METRICS: &[Metric] = &[
    gauge(COLLECTED, "up", &[]),
    gauge(COLLECTED, "scrape_duration_seconds", &[]),
    gauge(COLLECTED, "scrape_samples_scraped", &[]),
    gauge(COLLECTED, "ALERTS", &["alertname", "alertstate", "severity"]),
    gauge(PROMETHEUS, "prometheus_tsdb_head_series", &[]),
    counter(PROMETHEUS, "prometheus_tsdb_head_samples_appended_total", &["type"]),
    counter(PROMETHEUS, "prometheus_tsdb_compactions_failed_total", &[]),
    counter(PROMETHEUS, "prometheus_tsdb_wal_corruptions_total", &[]),
    gauge(PROMETHEUS, "prometheus_tsdb_storage_blocks_bytes", &[]),
    gauge(PROMETHEUS, "prometheus_tsdb_wal_storage_size_bytes", &[]),
    counter(PROMETHEUS, "prometheus_rule_evaluation_failures_total", &["rule_group"]),
    counter(PROMETHEUS, "prometheus_rule_group_iterations_missed_total", &["rule_group"]),
    gauge(PROMETHEUS, "prometheus_config_last_reload_successful", &[]),
    summary(PROMETHEUS, "prometheus_engine_query_duration_seconds", &["slice"]),
    counter(PROMETHEUS, "prometheus_notifications_sent_total", &["alertmanager"]),
    counter(PROMETHEUS, "prometheus_notifications_errors_total", &["alertmanager"]),
    counter(PROMETHEUS, "prometheus_notifications_dropped_total", &[]),
    gauge(PROMETHEUS, "prometheus_remote_storage_samples_pending", REMOTE),
    counter(PROMETHEUS, "prometheus_remote_storage_samples_failed_total", REMOTE),
    gauge(PROMETHEUS, "prometheus_remote_storage_queue_highest_sent_timestamp_seconds", REMOTE),
    counter(OPERATOR, "prometheus_operator_reconcile_operations_total", &["controller"]),
    counter(OPERATOR, "prometheus_operator_reconcile_errors_total", &["controller"]),
    counter(ALERTMANAGER, "alertmanager_notifications_total", &["integration"]),
    counter(ALERTMANAGER, "alertmanager_notifications_failed_total", &["integration", "reason"]),
    gauge(ALERTMANAGER, "alertmanager_cluster_members", &[]),
    gauge(ALERTMANAGER, "alertmanager_config_last_reload_successful", &[]),
    gauge(ALERTMANAGER, "alertmanager_alerts", &["state"]),
];
