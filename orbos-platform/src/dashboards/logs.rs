//! Who brings logs to Loki, and Loki.

use super::{
    board::Board,
    panel::{heatmap, logs, series, stat},
    unit::Unit::{Bytes, BytesPerSecond, Count, PerSecond, Percent, Seconds, Share},
};
use crate::alerts::limits;

fn rate(metric: &str, by: &str) -> String {
    format!("sum{by}(rate({metric}[$__rate_interval]))")
}

pub(super) fn collection() -> Board {
    let lost = "sum(increase(fluentbit_output_retries_failed_total[1h])) + sum(increase(fluentbit_output_dropped_records_total[1h]))";
    let by_plugin = |metric: &str| format!("max by (plugin_id) ({metric})");
    let glance = vec![
        stat("Records read", PerSecond, rate("fluentbit_input_records_total", "")),
        stat("Records handed on", PerSecond, rate("fluentbit_output_proc_records_total", "")),
        stat("Lost within an hour", Count, lost).limit(limits::NONE),
        stat("Bytes in buffers", Bytes, "sum(fluentd_output_status_buffer_total_bytes)"),
        stat("Fullest buffer has left", Percent, "min(fluentd_output_status_buffer_available_space_ratio)")
            .limit(limits::BUFFER_FREE),
        stat("Bytes read", BytesPerSecond, rate("fluentbit_input_bytes_total", "")),
    ];
    let below = vec![
        series("Records read on nodes", PerSecond)
            .query("{{pod}}", rate("fluentbit_input_records_total", " by (pod) ")),
        series("Records handed on by nodes", PerSecond)
            .query("{{pod}}", rate("fluentbit_output_proc_records_total", " by (pod) ")),
        series("Errors on nodes", PerSecond)
            .query("{{pod}}", rate("fluentbit_output_errors_total", " by (pod) ")),
        series("Records by output", PerSecond)
            .query("{{plugin_id}}", rate("fluentd_output_status_emit_records", " by (plugin_id) ")),
        series("Queues by output", Count)
            .query("{{plugin_id}}", by_plugin("fluentd_output_status_buffer_queue_length")),
        series("Trouble by output", Count)
            .query("{{plugin_id}} retries", by_plugin("fluentd_output_status_retry_count"))
            .query("{{plugin_id}} errors", by_plugin("fluentd_output_status_num_errors")),
    ];
    Board {
        uid: "orbos-logging",
        title: "Log collection",
        about: "How logs get from nodes to where they are kept.",
        tool: "logCollection",
        needs: &["logging-operator"],
        variables: Vec::new(),
        related: &[("Loki", "orbos-loki")],
        rows: vec![("", glance), ("Over time", below)],
    }
}

pub(super) fn loki() -> Board {
    let requests = "loki_request_duration_seconds";
    let failed = format!("sum(rate({requests}_count{{status_code=~\"5..\"}}[$__rate_interval]))");
    let all = rate(&format!("{requests}_count"), "");
    let glance = vec![
        stat("Bytes received", BytesPerSecond, rate("loki_distributor_bytes_received_total", "")),
        stat("Lines received", PerSecond, rate("loki_distributor_lines_received_total", "")),
        stat("Requests that fail", Share, format!("({failed} or vector(0)) / ({all} > 0)"))
            .limit(limits::LOKI_ERRORS),
        stat("Streams", Count, "sum(loki_ingester_memory_streams)"),
        stat("Panics within a day", Count, "sum(increase(loki_panic_total[1d]))").limit(limits::NONE),
        stat("Compactors", Count, "sum(loki_boltdb_shipper_compactor_running)")
            .about("One of them deletes what is older than the retention."),
    ];
    let below = vec![
        series("Requests", PerSecond).query(
            "{{route}} {{status_code}}",
            rate(&format!("{requests}_count"), " by (route, status_code) "),
        ),
        series("Latency of 99 of 100 requests", Seconds)
            .query(
                "{{route}}",
                format!(
                    "histogram_quantile(0.99, sum by (route, le) (rate({requests}_bucket[$__rate_interval])))"
                ),
            )
            .limit(limits::LOKI_LATENCY),
        series("Lines that were refused", PerSecond)
            .query("{{reason}}", rate("loki_discarded_samples_total", " by (reason) ")),
        heatmap(
            "Latency of writing",
            Seconds,
            format!(
                "sum by (le) (increase({requests}_bucket{{route=~\"loki_api_v1_push|/logproto.Pusher/Push\"}}[$__rate_interval]))"
            ),
        ),
        series("In memory", Count)
            .query("streams", "sum(loki_ingester_memory_streams)")
            .query("chunks", "sum(loki_ingester_memory_chunks)")
            .wide(12),
        logs("Errors of all tools", "{namespace=~\".+\"} |~ \"(?i)level=(error|fatal)\""),
    ];
    Board {
        uid: "orbos-loki",
        title: "Loki",
        about: "Where logs are kept.",
        tool: "logsPersisting",
        needs: &["loki"],
        variables: Vec::new(),
        related: &[("Log collection", "orbos-logging"), ("Volumes", "orbos-volumes")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
