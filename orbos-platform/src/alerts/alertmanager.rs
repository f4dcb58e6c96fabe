//! Alertmanager.

use super::{
    AlertGroup,
    rule::{Severity::Critical, alert},
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let members = "max_over_time(alertmanager_cluster_members[5m])";
    let rules = vec![
        alert(
            "AlertmanagerNotificationsFail",
            Critical,
            "5m",
            "rate(alertmanager_notifications_failed_total[5m]) / ignoring (reason) group_left () rate(alertmanager_notifications_total[5m]) > 0.01",
        )
        .says(
            "Nobody is told of alerts",
            "{{ $value | humanizePercentage }} of the notifications of {{ $labels.pod }} by {{ $labels.integration }} fail.",
        ),
        alert(
            "AlertmanagerClusterSplit",
            Critical,
            "15m",
            format!("{members} < on (namespace, service) group_left () count by (namespace, service) ({members})"),
        )
        .says("Alertmanagers do not see each other", "{{ $labels.pod }} sees {{ $value }} members only."),
        alert(
            "AlertmanagerBadConfig",
            Critical,
            "10m",
            "max_over_time(alertmanager_config_last_reload_successful[5m]) == 0",
        )
        .says("Alertmanager cannot read its configuration", "{{ $labels.pod }} runs on with an older configuration."),
    ];
    vec![AlertGroup { name: "orbos-alertmanager", tool: "alerting", needs: &["alertmanager"], rules }]
}
