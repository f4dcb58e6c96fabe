//! Persistent volumes.

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Warning},
        alert, health, light,
    },
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let by = "max by (namespace, persistentvolumeclaim)";
    let free =
        format!("{by} (kubelet_volume_stats_available_bytes) / {by} (kubelet_volume_stats_capacity_bytes)");
    let inodes = format!("{by} (kubelet_volume_stats_inodes_free) / {by} (kubelet_volume_stats_inodes > 0)");
    let claim = "{{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }}";
    let used = limits::VOLUME_USED;
    let rules = vec![
        health("volumes", light(&format!("max(1 - {free})"), used)),
        alert(
            "KubeVolumeFills",
            Warning,
            "1h",
            format!(
                "1 - {free} > {} and {by} (predict_linear(kubelet_volume_stats_available_bytes[6h], 4 * 24 * 3600)) < 0",
                used.warning
            ),
        )
        .says(
            "A volume fills within days",
            &format!("The volume of {claim} will be full within 4 days if it goes on like in the last 6 hours."),
        ),
        alert("KubeVolumeFull", Critical, "5m", format!("1 - {free} > {}", used.critical))
            .says("A volume is full", &format!("{{{{ $value | humanizePercentage }}}} of the volume of {claim} is used.")),
        alert("KubeVolumeInodesGone", Critical, "5m", format!("1 - {inodes} > {}", used.critical)).says(
            "A volume has no inodes left",
            &format!("{{{{ $value | humanizePercentage }}}} of the inodes of the volume of {claim} are used."),
        ),
    ];
    let phases = vec![
        alert(
            "KubeVolumeFailed",
            Critical,
            "5m",
            "kube_persistentvolume_status_phase{phase=~\"Failed|Pending\"} > 0",
        )
        .says("A volume failed", "Volume {{ $labels.persistentvolume }} is {{ $labels.phase }}."),
    ];
    vec![
        AlertGroup { name: "orbos-volumes", tool: "metricsPersisting", needs: &["api-server"], rules },
        AlertGroup {
            name: "orbos-volume-phases",
            tool: "kubeMetricsExporter",
            needs: &["kube-state-metrics"],
            rules: phases,
        },
    ]
}
