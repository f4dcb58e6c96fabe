//! Machines.

use super::{
    board::Board,
    panel::{gauge, series, stat, table},
    unit::Unit::{Bytes, BytesPerSecond, Count, PerSecond, Seconds, Share},
};
use crate::alerts::limits;

const CHOSEN: &str = "instance=~\"$instance\"";
/// Interfaces of machines, without those of pods.
const DEVICE: &str = "device!~\"lo|veth.*|cali.*|cni.*|lxc.*\"";

fn rate(metric: &str, more: &str) -> String {
    format!("sum by (instance) (rate({metric}{{{CHOSEN}{more}}}[$__rate_interval]))")
}

pub(super) fn board() -> Board {
    let network = format!(", {DEVICE}");
    let pressure = |what: &str| {
        format!("max(rate(node_pressure_{what}_waiting_seconds_total{{{CHOSEN}}}[$__rate_interval]))")
    };
    let glance = vec![
        gauge("Processors busy", Share, format!("avg(orbos:node_cpu:busy{{{CHOSEN}}})"))
            .limit(limits::CPU_BUSY)
            .wide(5),
        gauge("Memory used", Share, format!("avg(orbos:node_memory:used{{{CHOSEN}}})"))
            .limit(limits::MEMORY_USED)
            .wide(5),
        gauge("Fullest root file system", Share, format!("max(orbos:node_root:used{{{CHOSEN}}})"))
            .limit(limits::DISK_USED)
            .wide(5),
        stat(
            "Load for each processor",
            Count,
            format!("sum(node_load1{{{CHOSEN}}}) / count(node_cpu_seconds_total{{{CHOSEN}, mode=\"idle\"}})"),
        )
        .limit(limits::LOAD)
        .wide(5),
        stat("Youngest uptime", Seconds, format!("min(time() - node_boot_time_seconds{{{CHOSEN}}})")),
    ];
    let below = vec![
        series("Busy", Share)
            .query("{{instance}} processors", format!("orbos:node_cpu:busy{{{CHOSEN}}}"))
            .query(
                "{{instance}} busiest disk",
                format!(
                    "max by (instance) (rate(node_disk_io_time_seconds_total{{{CHOSEN}}}[$__rate_interval]))"
                ),
            )
            .limit(limits::CPU_BUSY),
        series("Memory", Bytes)
            .query(
                "used",
                format!(
                    "sum(node_memory_MemTotal_bytes{{{CHOSEN}}} - node_memory_MemAvailable_bytes{{{CHOSEN}}})"
                ),
            )
            .query(
                "cached",
                format!("sum(node_memory_Cached_bytes{{{CHOSEN}}} + node_memory_Buffers_bytes{{{CHOSEN}}})"),
            )
            .query("free", format!("sum(node_memory_MemFree_bytes{{{CHOSEN}}})")),
        series("Waiting", Share)
            .query("for processors", pressure("cpu"))
            .query("for memory", pressure("memory"))
            .query("for disks", pressure("io"))
            .limit(limits::PRESSURE)
            .about("The share of time that some process waits, on the machine where it is worst."),
        series("Disks", BytesPerSecond)
            .query("{{instance}} reads", rate("node_disk_read_bytes_total", ""))
            .query("{{instance}} writes", rate("node_disk_written_bytes_total", "")),
        series("Network", BytesPerSecond)
            .query("{{instance}} receives", rate("node_network_receive_bytes_total", &network))
            .query("{{instance}} sends", rate("node_network_transmit_bytes_total", &network)),
        series("Packets that were lost", PerSecond)
            .query(
                "{{instance}} errors",
                format!(
                    "{} + {}",
                    rate("node_network_receive_errs_total", ""),
                    rate("node_network_transmit_errs_total", "")
                ),
            )
            .query(
                "{{instance}} drops",
                format!(
                    "{} + {}",
                    rate("node_network_receive_drop_total", ""),
                    rate("node_network_transmit_drop_total", "")
                ),
            ),
        table("File systems", &[("instance", "Node"), ("mountpoint", "Mounted at"), ("device", "Device")])
            .query("Size", filesystem("node_filesystem_size_bytes"))
            .in_unit(Bytes)
            .query(
                "Used",
                format!(
                    "1 - {} / {}",
                    filesystem("node_filesystem_avail_bytes"),
                    filesystem("node_filesystem_size_bytes")
                ),
            )
            .in_unit(Share)
            .limit(limits::DISK_USED)
            .wide(24),
    ];
    Board {
        uid: "orbos-nodes",
        title: "Nodes",
        about: "Processors, memory, disks and networks of machines.",
        tool: "nodeMetricsExporter",
        needs: &["prometheus-node-exporter"],
        variables: vec![("instance", "Node", "label_values(node_load1, instance)")],
        related: &[("Compute", "orbos-compute"), ("Kubelets", "orbos-kubelet")],
        rows: vec![("", glance), ("Over time", below)],
    }
}

fn filesystem(metric: &str) -> String {
    format!(
        "max by (instance, mountpoint, device) ({metric}{{{CHOSEN}, fstype!~\"tmpfs|ramfs|squashfs|overlay\"}})"
    )
}
