//! Persistent volumes.

use super::{
    board::Board,
    panel::{gauge, series, stat, table},
    unit::Unit::{Bytes, Count, Days, Share},
};
use crate::alerts::limits;

fn by_claim(metric: &str) -> String {
    format!("max by (namespace, persistentvolumeclaim) ({metric}{{namespace=~\"$namespace\"}})")
}

pub(super) fn board() -> Board {
    let used = format!(
        "(1 - {} / {})",
        by_claim("kubelet_volume_stats_available_bytes"),
        by_claim("kubelet_volume_stats_capacity_bytes")
    );
    let inodes = format!(
        "(1 - {} / {})",
        by_claim("kubelet_volume_stats_inodes_free"),
        by_claim("kubelet_volume_stats_inodes")
    );
    // How fast it fills, over as long as people look at least.
    let left = "max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_available_bytes{namespace=~\"$namespace\"} \
         / clamp_min(-deriv(kubelet_volume_stats_available_bytes{namespace=~\"$namespace\"}[6h]), 1)) / 86400";
    let claim = &[("namespace", "Namespace"), ("persistentvolumeclaim", "Claim")];
    let glance = vec![
        gauge("Fullest", Share, format!("max({used})")).limit(limits::VOLUME_USED),
        gauge("Fewest inodes", Share, format!("max({inodes})")).limit(limits::VOLUME_USED),
        stat("Almost full", Count, format!("count({used} > {}) or vector(0)", limits::VOLUME_USED.warning))
            .limit(limits::NONE)
            .about("Volumes of which more is used than they should."),
        stat("Volumes", Count, format!("count({})", by_claim("kubelet_volume_stats_capacity_bytes"))),
        stat("Used", Bytes, format!("sum({})", by_claim("kubelet_volume_stats_used_bytes"))),
        stat("Capacity", Bytes, format!("sum({})", by_claim("kubelet_volume_stats_capacity_bytes"))),
    ];
    let below = vec![
        series("Used", Share)
            .query("{{namespace}}/{{persistentvolumeclaim}}", used.clone())
            .limit(limits::VOLUME_USED)
            .wide(24),
        table("Volumes", claim)
            .query("Capacity", by_claim("kubelet_volume_stats_capacity_bytes"))
            .in_unit(Bytes)
            .query("Used", used)
            .in_unit(Share)
            .limit(limits::VOLUME_USED)
            .query("Inodes used", inodes)
            .in_unit(Share)
            .limit(limits::VOLUME_USED)
            .query("Full in", left)
            .in_unit(Days)
            .wide(24),
    ];
    Board {
        uid: "orbos-volumes",
        title: "Volumes",
        about: "How full persistent volumes are.",
        tool: "metricsPersisting",
        needs: &["api-server"],
        variables: vec![(
            "namespace",
            "Namespace",
            "label_values(kubelet_volume_stats_capacity_bytes, namespace)",
        )],
        related: &[("Workloads", "orbos-workload"), ("Nodes", "orbos-nodes")],
        rows: vec![("", glance), ("By claim", below)],
    }
}
