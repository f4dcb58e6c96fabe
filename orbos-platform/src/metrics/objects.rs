//! What kube-state-metrics says of objects; labels of the object win over those of the target.

use super::{KUBE_STATE, Metric, counter, gauge};

const CONTAINER: &[&str] = &["container", "uid"];
const REASON: &[&str] = &["container", "uid", "reason"];
const RESOURCE: &[&str] = &["container", "uid", "node", "resource", "unit"];
const DEPLOYMENT: &[&str] = &["deployment"];
const STATEFUL_SET: &[&str] = &["statefulset"];
const DAEMON_SET: &[&str] = &["daemonset"];
const AUTOSCALER: &[&str] = &["horizontalpodautoscaler"];
const BUDGET: &[&str] = &["poddisruptionbudget"];

pub(super) const METRICS: &[Metric] = &[
    gauge(KUBE_STATE, "kube_node_status_condition", &["node", "condition", "status"]),
    gauge(KUBE_STATE, "kube_node_status_allocatable", &["node", "resource", "unit"]),
    gauge(KUBE_STATE, "kube_node_spec_taint", &["node", "key", "value", "effect"]),
    gauge(KUBE_STATE, "kube_pod_info", &["uid", "node", "created_by_kind", "created_by_name"]),
    gauge(KUBE_STATE, "kube_pod_owner", &["uid", "owner_kind", "owner_name", "owner_is_controller"]),
    gauge(KUBE_STATE, "kube_pod_status_phase", &["uid", "phase"]),
    gauge(KUBE_STATE, "kube_pod_status_ready", &["uid", "condition"]),
    counter(KUBE_STATE, "kube_pod_container_status_restarts_total", CONTAINER),
    gauge(KUBE_STATE, "kube_pod_container_status_waiting_reason", REASON),
    gauge(KUBE_STATE, "kube_pod_container_status_last_terminated_reason", REASON),
    gauge(KUBE_STATE, "kube_pod_container_resource_requests", RESOURCE),
    gauge(KUBE_STATE, "kube_pod_container_resource_limits", RESOURCE),
    gauge(KUBE_STATE, "kube_deployment_spec_replicas", DEPLOYMENT),
    gauge(KUBE_STATE, "kube_deployment_status_replicas", DEPLOYMENT),
    gauge(KUBE_STATE, "kube_deployment_status_replicas_available", DEPLOYMENT),
    gauge(KUBE_STATE, "kube_deployment_status_condition", &["deployment", "condition", "status", "reason"]),
    gauge(KUBE_STATE, "kube_statefulset_replicas", STATEFUL_SET),
    gauge(KUBE_STATE, "kube_statefulset_status_replicas_current", STATEFUL_SET),
    gauge(KUBE_STATE, "kube_statefulset_status_replicas_ready", STATEFUL_SET),
    gauge(KUBE_STATE, "kube_daemonset_status_desired_number_scheduled", DAEMON_SET),
    gauge(KUBE_STATE, "kube_daemonset_status_current_number_scheduled", DAEMON_SET),
    gauge(KUBE_STATE, "kube_daemonset_status_number_available", DAEMON_SET),
    gauge(KUBE_STATE, "kube_job_failed", &["job_name", "condition"]),
    gauge(KUBE_STATE, "kube_horizontalpodautoscaler_status_current_replicas", AUTOSCALER),
    gauge(KUBE_STATE, "kube_horizontalpodautoscaler_spec_max_replicas", AUTOSCALER),
    gauge(KUBE_STATE, "kube_horizontalpodautoscaler_spec_min_replicas", AUTOSCALER),
    gauge(KUBE_STATE, "kube_poddisruptionbudget_status_current_healthy", BUDGET),
    gauge(KUBE_STATE, "kube_poddisruptionbudget_status_desired_healthy", BUDGET),
    gauge(KUBE_STATE, "kube_resourcequota", &["resourcequota", "resource", "type"]),
    gauge(KUBE_STATE, "kube_persistentvolume_status_phase", &["persistentvolume", "phase"]),
    gauge(KUBE_STATE, "kube_lease_renew_time", &["lease"]),
];
