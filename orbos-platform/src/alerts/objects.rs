//! Nodes, pods and what makes pods, as Kubernetes sees them.

use serde_json::Value;

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Info, Warning},
        alert, health, majority, record,
    },
};

const NODE_READY: &str = "kube_node_status_condition{condition=\"Ready\", status=\"true\"}";

pub(super) fn groups() -> Vec<AlertGroup> {
    let tool = "kubeMetricsExporter";
    let needs = &["kube-state-metrics"];
    vec![
        AlertGroup { name: "orbos-kube-records", tool, needs, rules: records() },
        AlertGroup { name: "orbos-kube-nodes", tool, needs, rules: nodes() },
        AlertGroup { name: "orbos-kube-workloads", tool, needs, rules: workloads() },
        AlertGroup { name: "orbos-kube-capacity", tool, needs, rules: capacity() },
    ]
}

/// The sum of three counts, each of another kind of workload.
fn pods(deployments: &str, stateful_sets: &str, daemon_sets: &str) -> String {
    let sum = |what: &str| format!("(sum(kube_{what}) or vector(0))");
    [deployments, stateful_sets, daemon_sets].map(sum).join(" + ")
}

fn records() -> Vec<Value> {
    let alive = "max by (namespace, pod) (kube_pod_status_phase{phase=~\"Pending|Running\"} == 1)";
    let ready = format!(
        "avg by (namespace) (max by (namespace, pod) (kube_pod_status_ready{{condition=\"true\"}}) and on (namespace, pod) {alive})"
    );
    vec![
        record(
            "orbos:pod_requests:sum",
            format!(
                "sum by (namespace, pod, resource) (kube_pod_container_resource_requests) * on (namespace, pod) group_left () {alive}"
            ),
        ),
        record("caos_k8s_node_ryg", format!("max by (node) ({NODE_READY})")),
        record(
            "caos_desired_pods",
            pods(
                "deployment_spec_replicas",
                "statefulset_replicas",
                "daemonset_status_desired_number_scheduled",
            ),
        ),
        record(
            "caos_scheduled_pods",
            pods(
                "deployment_status_replicas",
                "statefulset_status_replicas_current",
                "daemonset_status_current_number_scheduled",
            ),
        ),
        record(
            "caos_ready_pods",
            pods(
                "deployment_status_replicas_available",
                "statefulset_status_replicas_ready",
                "daemonset_status_number_available",
            ),
        ),
        record("caos_ready_pods_ryg", majority(&ready)),
        health("nodes", majority(&format!("avg({NODE_READY})"))),
        health("pods", "min(caos_ready_pods_ryg{namespace=~\"(caos|kube)-system\"})"),
    ]
}

fn nodes() -> Vec<Value> {
    vec![
        alert("KubeNodeNotReady", Critical, "15m", format!("{NODE_READY} == 0"))
            .says("A node is not ready", "{{ $labels.node }} is not ready; its pods move elsewhere."),
        alert(
            "KubeNodeUnreachable",
            Critical,
            "5m",
            "max by (node) (kube_node_spec_taint{key=\"node.kubernetes.io/unreachable\", effect=\"NoSchedule\"}) == 1",
        )
        .says("A node is unreachable", "The kubelet of {{ $labels.node }} says nothing any more."),
        alert(
            "KubeNodeUnderPressure",
            Warning,
            "10m",
            "kube_node_status_condition{condition=~\"(Memory|Disk|PID)Pressure\", status=\"true\"} == 1",
        )
        .says("A node lacks something", "{{ $labels.node }} reports {{ $labels.condition }} and evicts pods."),
        lease("KubeSchedulerDown", "kube-scheduler").says(
            "There is no scheduler",
            "No scheduler renewed its lease for {{ $value | humanizeDuration }}; new pods wait.",
        ),
        lease("KubeControllerManagerDown", "kube-controller-manager").says(
            "There is no controller manager",
            "No controller manager renewed its lease for {{ $value | humanizeDuration }}; nothing is replaced.",
        ),
    ]
}

/// Whoever leads renews a lease every few seconds. That can be seen although both listen on loopback only.
fn lease(name: &'static str, lease: &str) -> super::rule::Alert {
    alert(
        name,
        Critical,
        "5m",
        format!("time() - max(kube_lease_renew_time{{namespace=\"kube-system\", lease=\"{lease}\"}}) > 60"),
    )
}

fn workloads() -> Vec<Value> {
    let pod = "{{ $labels.namespace }}/{{ $labels.pod }}";
    vec![
        alert(
            "KubePodCrashLooping",
            Warning,
            "15m",
            "max_over_time(kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\"}[5m]) >= 1",
        )
        .says(
            "A container ends again and again",
            &format!("Container {{{{ $labels.container }}}} of pod {pod} ends again and again."),
        ),
        alert(
            "KubePodNotReady",
            Warning,
            "15m",
            "max by (namespace, pod) (kube_pod_status_ready{condition=\"true\"}) == 0 \
             and on (namespace, pod) max by (namespace, pod) (kube_pod_status_phase{phase=~\"Pending|Running|Unknown\"}) == 1 \
             unless on (namespace, pod) kube_pod_owner{owner_kind=\"Job\"}",
        )
        .says("A pod is not ready", &format!("Pod {pod} is not ready for 15 minutes.")),
        alert(
            "KubeDeploymentReplicasMissing",
            Warning,
            "15m",
            "kube_deployment_spec_replicas - kube_deployment_status_replicas_available > 0",
        )
        .says(
            "Pods of a Deployment are missing",
            "{{ $value }} pods of Deployment {{ $labels.namespace }}/{{ $labels.deployment }} are missing.",
        ),
        alert(
            "KubeRolloutStuck",
            Warning,
            "15m",
            "kube_deployment_status_condition{condition=\"Progressing\", status=\"false\"} == 1",
        )
        .says(
            "A rollout does not get on",
            "The rollout of Deployment {{ $labels.namespace }}/{{ $labels.deployment }} takes longer than it may.",
        ),
        alert(
            "KubeStatefulSetReplicasMissing",
            Warning,
            "15m",
            "kube_statefulset_replicas - kube_statefulset_status_replicas_ready > 0",
        )
        .says(
            "Pods of a StatefulSet are missing",
            "{{ $value }} pods of StatefulSet {{ $labels.namespace }}/{{ $labels.statefulset }} are missing.",
        ),
        alert(
            "KubeDaemonSetPodsMissing",
            Warning,
            "15m",
            "kube_daemonset_status_desired_number_scheduled - kube_daemonset_status_number_available > 0",
        )
        .says(
            "Pods of a DaemonSet are missing",
            "{{ $value }} pods of DaemonSet {{ $labels.namespace }}/{{ $labels.daemonset }} are missing.",
        ),
        alert("KubeJobFailed", Warning, "15m", "kube_job_failed{condition=\"true\"} > 0").says(
            "A Job failed",
            "Job {{ $labels.namespace }}/{{ $labels.job_name }} failed; delete it once it is understood.",
        ),
        alert(
            "KubeDisruptionBudgetViolated",
            Warning,
            "15m",
            "kube_poddisruptionbudget_status_desired_healthy - kube_poddisruptionbudget_status_current_healthy > 0",
        )
        .says(
            "Fewer pods work than have to",
            "{{ $value }} pods are missing to satisfy {{ $labels.namespace }}/{{ $labels.poddisruptionbudget }}; no node can be drained.",
        ),
    ]
}

fn capacity() -> Vec<Value> {
    let quota = |type_: &str| {
        format!("max by (namespace, resourcequota, resource) (kube_resourcequota{{type=\"{type_}\"}})")
    };
    let used = format!("{} / ({} > 0)", quota("used"), quota("hard"));
    let full = limits::QUOTA_USED;
    let overcommitted = |resource: &str| {
        let allocatable = format!("kube_node_status_allocatable{{resource=\"{resource}\"}}");
        let without_largest = format!("(sum({allocatable}) - max({allocatable}))");
        format!(
            "sum(orbos:pod_requests:sum{{resource=\"{resource}\"}}) / ({without_largest} > 0) > {}",
            limits::COMMITTED.critical
        )
    };
    let quota = "{{ $labels.resource }} of quota {{ $labels.namespace }}/{{ $labels.resourcequota }}";
    vec![
        alert("KubeCpuOvercommitted", Warning, "10m", overcommitted("cpu")).says(
            "Pods would not fit if a node failed",
            "Pods request {{ $value | humanizePercentage }} of the processors that are left without the largest node.",
        ),
        alert("KubeMemoryOvercommitted", Warning, "10m", overcommitted("memory")).says(
            "Pods would not fit if a node failed",
            "Pods request {{ $value | humanizePercentage }} of the memory that is left without the largest node.",
        ),
        alert(
            "KubeQuotaAlmostFull",
            Info,
            "15m",
            format!("{used} > {} < {}", full.warning, full.critical),
        )
        .says("A quota is almost used up", &format!("{{{{ $value | humanizePercentage }}}} of {quota} is used.")),
        alert("KubeQuotaFull", Warning, "15m", format!("{used} >= {}", full.critical))
            .says("A quota is used up", &format!("{{{{ $value | humanizePercentage }}}} of {quota} is used.")),
        alert(
            "KubeAutoscalerAtMaximum",
            Warning,
            "15m",
            "kube_horizontalpodautoscaler_status_current_replicas == kube_horizontalpodautoscaler_spec_max_replicas \
             and kube_horizontalpodautoscaler_spec_max_replicas > kube_horizontalpodautoscaler_spec_min_replicas",
        )
        .says(
            "An autoscaler is at its maximum",
            "{{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} runs {{ $value }} pods and may run no more.",
        ),
    ]
}
