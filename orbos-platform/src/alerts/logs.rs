//! Loki, and who brings logs to it.

use serde_json::Value;

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Warning},
        alert,
    },
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let collection = AlertGroup {
        name: "orbos-logging",
        tool: "logCollection",
        needs: &["logging-operator"],
        rules: collection(),
    };
    vec![
        collection,
        AlertGroup { name: "orbos-loki", tool: "logsPersisting", needs: &["loki"], rules: loki() },
    ]
}

fn collection() -> Vec<Value> {
    let plugin = "{{ $labels.plugin_id }} of {{ $labels.pod }}";
    vec![
        alert(
            "LogsAreLost",
            Critical,
            "10m",
            "increase(fluentbit_output_retries_failed_total[10m]) + increase(fluentbit_output_dropped_records_total[10m]) > 0",
        )
        .says("Logs are lost", "{{ $labels.pod }} gave up to send records to {{ $labels.name }}."),
        alert("LogCollectorErrors", Warning, "15m", "increase(fluentbit_output_errors_total[10m]) > 0")
            .says("Logs cannot be handed on", "{{ $labels.pod }} has errors with {{ $labels.name }}."),
        alert(
            "LogForwarderBufferGrows",
            Warning,
            "30m",
            "deriv(fluentd_output_status_buffer_total_bytes[30m]) > 0 and fluentd_output_status_buffer_queue_length > 10",
        )
        .says("Logs wait longer and longer", &format!("The buffer of {plugin} grows; logs are not taken as fast as they come.")),
        alert(
            "LogForwarderBufferFull",
            Critical,
            "5m",
            format!("fluentd_output_status_buffer_available_space_ratio < {}", limits::BUFFER_FREE.critical),
        )
        .says("The buffer for logs is almost full", &format!("{{{{ $value }}}} percent of the buffer of {plugin} are left.")),
        alert("LogForwarderErrors", Warning, "15m", "increase(fluentd_output_status_num_errors[10m]) > 0")
            .says("Logs cannot be stored", &format!("The output {plugin} has errors.")),
    ]
}

fn loki() -> Vec<Value> {
    let requests =
        |of: &str| format!("sum by (namespace, route) (rate(loki_request_duration_seconds_count{of}[5m]))");
    vec![
        alert(
            "LokiRequestsFail",
            Critical,
            "15m",
            format!("{} / {} > {}", requests("{status_code=~\"5..\"}"), requests(""), limits::LOKI_ERRORS.critical),
        )
        .says("Requests to Loki fail", "{{ $value | humanizePercentage }} of the requests to {{ $labels.route }} fail."),
        alert("LokiPanics", Critical, "0m", "increase(loki_panic_total[10m]) > 0")
            .says("Loki panics", "{{ $labels.pod }} panicked {{ $value }} times within 10 minutes."),
        alert(
            "LokiSlow",
            Warning,
            "15m",
            format!(
                "histogram_quantile(0.99, sum by (namespace, route, le) (rate(loki_request_duration_seconds_bucket{{route!~\"(?i).*tail.*|/schedulerpb.*\"}}[5m]))) > {}",
                limits::LOKI_LATENCY.warning
            ),
        )
        .says("Loki is slow", "Requests to {{ $labels.route }} take {{ $value | humanizeDuration }}."),
        alert("LokiCompactorNotRunning", Warning, "1h", "sum by (namespace) (loki_boltdb_shipper_compactor_running) < 1")
            .says("Old logs are not deleted", "No compactor of Loki runs in {{ $labels.namespace }}; its disk fills."),
    ]
}
