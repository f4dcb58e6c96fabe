//! Whether alerting works at all, and how the orb is doing.

use super::{
    AlertGroup,
    rule::{
        Severity::{Nothing, Warning},
        alert, health, majority, record,
    },
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let general = vec![
        alert("Watchdog", Nothing, "0m", "vector(1)").says(
            "Alerting works",
            "This alert always fires. Whoever receives it should raise an alarm once it stays away.",
        ),
        alert(
            "InfoInhibitor",
            Nothing,
            "0m",
            "ALERTS{severity=\"info\"} == 1 unless on (namespace) \
             ALERTS{alertname!=\"InfoInhibitor\", alertstate=\"firing\", severity=~\"warning|critical\"} == 1",
        )
        .says(
            "There are only alerts for information",
            "Nothing worse fires in namespace {{ $labels.namespace }}, so alerts for information are held back.",
        ),
        alert(
            "TargetDown",
            Warning,
            "10m",
            "1 - avg by (job, namespace, service) (up) > 0.1",
        )
        .says(
            "Metrics are not collected",
            "{{ $value | humanizePercentage }} of the targets of {{ $labels.job }} in {{ $labels.namespace }} do not answer.",
        ),
    ];
    let health = vec![
        health("monitoring", majority("avg(up)")),
        record("orbos:orb:health", "min(orbos:subsystem:health)"),
        record("caos_orb_ryg", "orbos:orb:health"),
    ];
    vec![
        AlertGroup { name: "orbos-general", tool: "metricsPersisting", needs: &[], rules: general },
        AlertGroup { name: "orbos-health", tool: "metricsPersisting", needs: &[], rules: health },
    ]
}
