//! The orb at a glance.

use super::{
    board::Board,
    panel::{series, stat, table, timeline},
    unit::Unit::{Count, Days, Seconds, Share},
};
use crate::alerts::limits;

pub(super) fn board() -> Board {
    let ready = "kube_node_status_condition{condition=\"Ready\", status=\"true\"}";
    let not_ready = "sum(max by (namespace, pod) (kube_pod_status_ready{condition=\"false\"}) \
         * on (namespace, pod) group_left () max by (namespace, pod) (kube_pod_status_phase{phase=~\"Pending|Running\"} == 1)) or vector(0)";
    let firing = "count(ALERTS{alertstate=\"firing\", severity=~\"critical|warning\"}) or vector(0)";
    let days = "(min(certmanager_certificate_expiration_timestamp_seconds) - time()) / 86400";
    let glance = vec![
        stat("Orb", Count, "orbos:orb:health").health().about("The worst of all subsystems."),
        stat("Nodes not ready", Count, format!("count({ready} == 0) or vector(0)")).limit(limits::NONE),
        stat("Pods not ready", Count, not_ready).limit(limits::NONE),
        stat("Alerts", Count, firing).limit(limits::NONE).about("Critical ones and warnings that fire."),
        stat("Next certificate expires", Days, days).limit(limits::CERTIFICATE_DAYS),
        stat("API availability", Share, "1 - orbos:apiserver_errors:ratio_rate1h")
            .limit(limits::API_AVAILABILITY)
            .about("The share of requests of the last hour that API servers answered."),
    ];
    let below = vec![
        timeline("Subsystems", "{{subsystem}}", "orbos:subsystem:health"),
        series("Use of all machines", Share)
            .query("processors", "orbos:cluster_cpu:busy")
            .query("memory", "orbos:cluster_memory:used")
            .query("root file systems", "orbos:cluster_disk:used"),
        series("Pods", Count)
            .query("desired", "caos_desired_pods")
            .query("scheduled", "caos_scheduled_pods")
            .query("ready", "caos_ready_pods"),
        series("Duration of rounds", Seconds)
            .query("BOOM", "max(boom_round_seconds)")
            .query("ORBITER", "max(orbiter_round_seconds)"),
        table("What fires", &[("alertname", "Alert"), ("severity", "Severity"), ("namespace", "Namespace")])
            .query(
                "Count",
                "count by (alertname, severity, namespace) (ALERTS{alertstate=\"firing\", severity!=\"none\"})",
            ),
        table("Most restarts within an hour", &[("namespace", "Namespace"), ("pod", "Pod")]).query(
            "Restarts",
            "topk(10, sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[1h])))",
        ),
    ];
    Board {
        uid: "orbos-overview",
        title: "Orb",
        about: "How the orb is doing.",
        tool: "metricsPersisting",
        needs: &[],
        variables: Vec::new(),
        related: &[
            ("Nodes", "orbos-nodes"),
            ("Compute", "orbos-compute"),
            ("Control plane", "orbos-controlplane"),
            ("Operators", "orbos-operators"),
        ],
        rows: vec![("", glance), ("Health and use", below)],
    }
}
