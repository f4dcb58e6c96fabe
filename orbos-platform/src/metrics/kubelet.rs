//! What kubelets say of their pods; all of it has the label `node` from where it is collected.

use super::{KUBERNETES, Metric, counter, gauge, histogram};

const CONTAINER: &[&str] = &["node", "container", "image", "name", "id"];
const INTERFACE: &[&str] = &["node", "interface", "image", "name", "id"];
const CLAIM: &[&str] = &["node", "persistentvolumeclaim"];

pub(super) const METRICS: &[Metric] = &[
    gauge(KUBERNETES, "kubelet_running_pods", &["node"]),
    gauge(KUBERNETES, "kubelet_running_containers", &["node", "container_state"]),
    counter(KUBERNETES, "kubelet_runtime_operations_total", &["node", "operation_type"]),
    counter(KUBERNETES, "kubelet_runtime_operations_errors_total", &["node", "operation_type"]),
    histogram(KUBERNETES, "kubelet_runtime_operations_duration_seconds", &["node", "operation_type"]),
    histogram(KUBERNETES, "kubelet_pleg_relist_duration_seconds", &["node"]),
    histogram(KUBERNETES, "kubelet_pod_start_sli_duration_seconds", &["node"]),
    counter(KUBERNETES, "kubelet_evictions", &["node", "eviction_signal"]),
    gauge(KUBERNETES, "kubelet_certificate_manager_client_ttl_seconds", &["node"]),
    gauge(KUBERNETES, "kubelet_volume_stats_capacity_bytes", CLAIM),
    gauge(KUBERNETES, "kubelet_volume_stats_available_bytes", CLAIM),
    gauge(KUBERNETES, "kubelet_volume_stats_used_bytes", CLAIM),
    gauge(KUBERNETES, "kubelet_volume_stats_inodes", CLAIM),
    gauge(KUBERNETES, "kubelet_volume_stats_inodes_free", CLAIM),
    counter(KUBERNETES, "container_cpu_usage_seconds_total", CONTAINER),
    gauge(KUBERNETES, "container_memory_working_set_bytes", CONTAINER),
    counter(KUBERNETES, "container_cpu_cfs_periods_total", CONTAINER),
    counter(KUBERNETES, "container_cpu_cfs_throttled_periods_total", CONTAINER),
    counter(KUBERNETES, "container_oom_events_total", CONTAINER),
    counter(KUBERNETES, "container_network_receive_bytes_total", INTERFACE),
    counter(KUBERNETES, "container_network_transmit_bytes_total", INTERFACE),
];
