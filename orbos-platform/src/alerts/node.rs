//! Machines.

use serde_json::Value;

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Info, Warning},
        alert, health, light, record,
    },
};

/// File systems that hold something, and can be written to.
const FILESYSTEM: &str = "fstype!~\"tmpfs|ramfs|squashfs|overlay|iso9660\"";

pub(super) fn groups() -> Vec<AlertGroup> {
    let tool = "nodeMetricsExporter";
    let needs = &["prometheus-node-exporter"];
    let systemd = vec![
        record("caos_systemd_ryg", "1 - max by (instance, name) (systemd_unit_state{state=\"failed\"})"),
        health("services", "1 - max(systemd_unit_state{state=\"failed\"})"),
        alert("NodeServiceFailed", Warning, "5m", "systemd_unit_state{state=\"failed\"} == 1").says(
            "A service of a machine failed",
            "The unit {{ $labels.name }} of {{ $labels.instance }} is in the state failed.",
        ),
    ];
    let systemd_needs = &["prometheus-systemd-exporter"];
    vec![
        AlertGroup { name: "orbos-node-records", tool, needs, rules: records() },
        AlertGroup { name: "orbos-node-disk", tool, needs, rules: disk() },
        AlertGroup { name: "orbos-node", tool, needs, rules: rest() },
        AlertGroup {
            name: "orbos-systemd",
            tool: "systemdMetricsExporter",
            needs: systemd_needs,
            rules: systemd,
        },
    ]
}

fn records() -> Vec<Value> {
    let root = "mountpoint=\"/\"";
    vec![
        record(
            "orbos:node_cpu:busy",
            "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))",
        ),
        record(
            "orbos:node_memory:used",
            "1 - max by (instance) (node_memory_MemAvailable_bytes) / max by (instance) (node_memory_MemTotal_bytes)",
        ),
        record(
            "orbos:node_root:used",
            format!(
                "1 - max by (instance) (node_filesystem_avail_bytes{{{root}}}) / max by (instance) (node_filesystem_size_bytes{{{root}}})"
            ),
        ),
        record("orbos:cluster_cpu:busy", "1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))"),
        record(
            "orbos:cluster_memory:used",
            "1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)",
        ),
        record(
            "orbos:cluster_disk:used",
            format!(
                "1 - sum(node_filesystem_avail_bytes{{{root}}}) / sum(node_filesystem_size_bytes{{{root}}})"
            ),
        ),
        record("caos_node_cpu_ryg", light("orbos:node_cpu:busy", limits::CPU_BUSY)),
        record("caos_node_memory_ryg", light("orbos:node_memory:used", limits::MEMORY_USED)),
        health("processors", light("max(orbos:node_cpu:busy)", limits::CPU_BUSY)),
        health("memory", light("max(orbos:node_memory:used)", limits::MEMORY_USED)),
        health("disks", light("max(orbos:node_root:used)", limits::DISK_USED)),
    ]
}

/// What is left of file systems: bytes and inodes, now and soon.
fn disk() -> Vec<Value> {
    let writable = format!("node_filesystem_readonly{{{FILESYSTEM}}} == 0");
    let share = |left: &str, all: &str| format!("{left}{{{FILESYSTEM}}} / {all}{{{FILESYSTEM}}}");
    let bytes = share("node_filesystem_avail_bytes", "node_filesystem_size_bytes");
    let inodes = share("node_filesystem_files_free", "node_filesystem_files");
    let fills = |hours: u32, below: f64| {
        format!(
            "{bytes} < {below} and predict_linear(node_filesystem_avail_bytes{{{FILESYSTEM}}}[6h], {hours} * 3600) < 0 and {writable}"
        )
    };
    let beyond = |share: &str, used: f64| format!("1 - {share} > {used} and {writable}");
    let left = "{{ $labels.mountpoint }} of {{ $labels.instance }}";
    vec![
        alert("NodeFilesystemFillsIn24Hours", Warning, "1h", fills(24, 0.4)).says(
            "A file system fills within a day",
            &format!("{left} will be full within 24 hours if it goes on like in the last 6 hours."),
        ),
        alert("NodeFilesystemFillsIn4Hours", Critical, "1h", fills(4, 0.2)).says(
            "A file system fills within hours",
            &format!("{left} will be full within 4 hours if it goes on like in the last 6 hours."),
        ),
        alert("NodeFilesystemAlmostFull", Warning, "30m", beyond(&bytes, limits::DISK_USED.warning)).says(
            "A file system is almost full",
            &format!("{{{{ $value | humanizePercentage }}}} of {left} is used."),
        ),
        alert("NodeFilesystemFull", Critical, "30m", beyond(&bytes, limits::DISK_USED.critical)).says(
            "A file system is full",
            &format!("{{{{ $value | humanizePercentage }}}} of {left} is used."),
        ),
        alert("NodeInodesAlmostGone", Warning, "1h", beyond(&inodes, limits::DISK_USED.warning)).says(
            "A file system has few inodes left",
            &format!("{{{{ $value | humanizePercentage }}}} of the inodes of {left} are used."),
        ),
        alert("NodeInodesGone", Critical, "1h", beyond(&inodes, limits::DISK_USED.critical)).says(
            "A file system has no inodes left",
            &format!("{{{{ $value | humanizePercentage }}}} of the inodes of {left} are used."),
        ),
    ]
}

fn rest() -> Vec<Value> {
    let rate = |what: &str| {
        format!("rate(node_network_receive_{what}_total[5m]) + rate(node_network_transmit_{what}_total[5m])")
    };
    vec![
        alert("NodeDown", Critical, "5m", "up{job=~\".*node-exporter\"} == 0")
            .says("A machine does not answer", "The node-exporter of {{ $labels.instance }} does not answer."),
        alert("NodeCpuBusy", Info, "30m", format!("orbos:node_cpu:busy > {}", limits::CPU_BUSY.warning)).says(
            "The processors of a machine are busy",
            "The processors of {{ $labels.instance }} are busy for {{ $value | humanizePercentage }} of the time.",
        ),
        alert("NodeMemoryFull", Warning, "15m", format!("orbos:node_memory:used > {}", limits::MEMORY_USED.warning))
            .says(
                "The memory of a machine is almost full",
                "{{ $value | humanizePercentage }} of the memory of {{ $labels.instance }} is used.",
            ),
        alert(
            "NodeClockSkew",
            Warning,
            "10m",
            format!("abs(node_timex_offset_seconds) > {}", limits::CLOCK_OFFSET.warning),
        )
        .says(
            "A clock is wrong",
            "The clock of {{ $labels.instance }} is off by {{ $value | humanizeDuration }}.",
        ),
        alert("NodeClockNotSynchronised", Warning, "10m", "max_over_time(node_timex_sync_status[5m]) == 0").says(
            "A clock is not synchronised",
            "No time server sets the clock of {{ $labels.instance }}.",
        ),
        alert(
            "NodeNetworkErrors",
            Warning,
            "1h",
            format!("({}) / ({}) > {}", rate("errs"), rate("packets"), limits::PACKET_ERRORS.warning),
        )
        .says(
            "A network interface loses packets",
            "{{ $value | humanizePercentage }} of the packets of {{ $labels.device }} of {{ $labels.instance }} are broken.",
        ),
        alert(
            "NodeRaidDegraded",
            Critical,
            "15m",
            "node_md_disks_required - ignoring (state) node_md_disks{state=\"active\"} > 0",
        )
        .says(
            "Disks of a RAID are missing",
            "{{ $value }} disks of {{ $labels.device }} of {{ $labels.instance }} are missing.",
        ),
        alert(
            "NodeConnectionTableFull",
            Warning,
            "5m",
            format!("node_nf_conntrack_entries / node_nf_conntrack_entries_limit > {}", limits::CONNECTIONS.warning),
        )
        .says(
            "The kernel's table of connections is almost full",
            "{{ $value | humanizePercentage }} of the table of {{ $labels.instance }} is used; beyond it connections fail.",
        ),
    ]
}
