//! What machines say of themselves.

use super::{Metric, NODE, SYSTEMD, counter, gauge};

const FILESYSTEM: &[&str] = &["device", "fstype", "mountpoint"];
const DEVICE: &[&str] = &["device"];

pub(super) const METRICS: &[Metric] = &[
    counter(NODE, "node_cpu_seconds_total", &["cpu", "mode"]),
    gauge(NODE, "node_load1", &[]),
    gauge(NODE, "node_boot_time_seconds", &[]),
    gauge(NODE, "node_memory_MemTotal_bytes", &[]),
    gauge(NODE, "node_memory_MemAvailable_bytes", &[]),
    gauge(NODE, "node_memory_MemFree_bytes", &[]),
    gauge(NODE, "node_memory_Buffers_bytes", &[]),
    gauge(NODE, "node_memory_Cached_bytes", &[]),
    gauge(NODE, "node_filesystem_size_bytes", FILESYSTEM),
    gauge(NODE, "node_filesystem_avail_bytes", FILESYSTEM),
    gauge(NODE, "node_filesystem_files", FILESYSTEM),
    gauge(NODE, "node_filesystem_files_free", FILESYSTEM),
    gauge(NODE, "node_filesystem_readonly", FILESYSTEM),
    counter(NODE, "node_disk_io_time_seconds_total", DEVICE),
    counter(NODE, "node_disk_read_bytes_total", DEVICE),
    counter(NODE, "node_disk_written_bytes_total", DEVICE),
    counter(NODE, "node_network_receive_bytes_total", DEVICE),
    counter(NODE, "node_network_transmit_bytes_total", DEVICE),
    counter(NODE, "node_network_receive_packets_total", DEVICE),
    counter(NODE, "node_network_transmit_packets_total", DEVICE),
    counter(NODE, "node_network_receive_errs_total", DEVICE),
    counter(NODE, "node_network_transmit_errs_total", DEVICE),
    counter(NODE, "node_network_receive_drop_total", DEVICE),
    counter(NODE, "node_network_transmit_drop_total", DEVICE),
    counter(NODE, "node_pressure_cpu_waiting_seconds_total", &[]),
    counter(NODE, "node_pressure_memory_waiting_seconds_total", &[]),
    counter(NODE, "node_pressure_io_waiting_seconds_total", &[]),
    gauge(NODE, "node_timex_offset_seconds", &[]),
    gauge(NODE, "node_timex_sync_status", &[]),
    gauge(NODE, "node_md_disks", &["device", "state"]),
    gauge(NODE, "node_md_disks_required", DEVICE),
    gauge(NODE, "node_nf_conntrack_entries", &[]),
    gauge(NODE, "node_nf_conntrack_entries_limit", &[]),
    gauge(SYSTEMD, "systemd_unit_state", &["name", "state", "type"]),
];
