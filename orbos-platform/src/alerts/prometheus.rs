//! Prometheus and its operator. That its disk is full is said by the alerts for volumes.

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Warning},
        alert,
    },
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let rules = vec![
        alert(
            "PrometheusBadConfig",
            Critical,
            "10m",
            "max_over_time(prometheus_config_last_reload_successful[5m]) == 0",
        )
        .says("Prometheus cannot read its configuration", "{{ $labels.pod }} runs on with an older configuration."),
        alert("PrometheusRulesFail", Critical, "15m", "increase(prometheus_rule_evaluation_failures_total[5m]) > 0")
            .says("Rules cannot be evaluated", "{{ $labels.pod }} cannot evaluate rules of {{ $labels.rule_group }}."),
        alert(
            "PrometheusMissesRules",
            Warning,
            "15m",
            "increase(prometheus_rule_group_iterations_missed_total[5m]) > 0",
        )
        .says("Rules take too long", "{{ $labels.pod }} skips evaluations of {{ $labels.rule_group }}."),
        alert(
            "PrometheusIngestsNothing",
            Warning,
            "10m",
            "sum without (type) (rate(prometheus_tsdb_head_samples_appended_total[5m])) <= 0",
        )
        .says("Prometheus stores nothing", "{{ $labels.pod }} has stored no sample for minutes."),
        alert(
            "PrometheusNotificationsFail",
            Warning,
            "15m",
            "rate(prometheus_notifications_errors_total[5m]) / rate(prometheus_notifications_sent_total[5m]) > 0.01",
        )
        .says(
            "Alerts do not get to Alertmanager",
            "{{ $value | humanizePercentage }} of the alerts of {{ $labels.pod }} do not get to {{ $labels.alertmanager }}.",
        ),
        alert(
            "PrometheusRemoteWriteFails",
            Critical,
            "15m",
            "rate(prometheus_remote_storage_samples_failed_total[5m]) > 0",
        )
        .says("Remote storage refuses samples", "{{ $value }} samples a second are refused by {{ $labels.url }}."),
        alert(
            "PrometheusRemoteWriteBehind",
            Critical,
            "15m",
            format!(
                "time() - prometheus_remote_storage_queue_highest_sent_timestamp_seconds > {} and prometheus_remote_storage_samples_pending > 0",
                limits::REMOTE_LAG.warning
            ),
        )
        .says("Remote storage is behind", "{{ $labels.url }} is {{ $value | humanizeDuration }} behind."),
        alert("PrometheusCompactionsFail", Warning, "15m", "increase(prometheus_tsdb_compactions_failed_total[3h]) > 0")
            .says("Blocks cannot be compacted", "{{ $labels.pod }} cannot compact blocks; its disk fills."),
        alert("PrometheusWalCorrupt", Warning, "0m", "increase(prometheus_tsdb_wal_corruptions_total[1h]) > 0")
            .says("The write-ahead log was corrupt", "{{ $labels.pod }} lost samples of its write-ahead log."),
    ];
    let operator = vec![
        alert(
            "PrometheusOperatorFails",
            Warning,
            "15m",
            "sum by (controller, namespace) (rate(prometheus_operator_reconcile_errors_total[5m])) \
             / sum by (controller, namespace) (rate(prometheus_operator_reconcile_operations_total[5m])) > 0.1",
        )
        .says(
            "The Prometheus operator cannot do its work",
            "{{ $value | humanizePercentage }} of what the controller {{ $labels.controller }} tries fails.",
        ),
    ];
    vec![
        AlertGroup { name: "orbos-prometheus", tool: "metricsPersisting", needs: &["prometheus"], rules },
        AlertGroup {
            name: "orbos-prometheus-operator",
            tool: "metricCollection",
            needs: &["prometheus-operator"],
            rules: operator,
        },
    ]
}
