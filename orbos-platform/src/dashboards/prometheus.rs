//! Prometheus and Alertmanager.

use super::{
    board::Board,
    panel::{series, stat, table},
    unit::Unit::{Bytes, Count, PerSecond, Seconds},
};
use crate::alerts::limits;

fn rate(metric: &str, by: &str) -> String {
    format!("sum by ({by}) (rate({metric}[$__rate_interval]))")
}

pub(super) fn board() -> Board {
    let failures = "sum(increase(prometheus_rule_evaluation_failures_total[1h])) or vector(0)";
    let disk = "sum(prometheus_tsdb_storage_blocks_bytes) + sum(prometheus_tsdb_wal_storage_size_bytes)";
    let glance = vec![
        stat("Targets down", Count, "count(up == 0) or vector(0)").limit(limits::NONE),
        stat("Series", Count, "sum(prometheus_tsdb_head_series)"),
        stat(
            "Samples",
            PerSecond,
            "sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))",
        ),
        stat("Rules failed within an hour", Count, failures).limit(limits::NONE),
        stat("On disk", Bytes, disk),
        stat("Alerts", Count, "sum(alertmanager_alerts{state=\"active\"})")
            .about("As Alertmanager has them."),
    ];
    let below = vec![
        series("Collecting", Seconds).query("{{job}}", "max by (job) (scrape_duration_seconds)"),
        series("Evaluating", Seconds).query(
            "{{slice}}",
            "max by (slice) (prometheus_engine_query_duration_seconds{quantile=\"0.99\"})",
        ),
        series("Remote storage is behind", Seconds)
            .query(
                "{{url}}",
                "time() - max by (url) (prometheus_remote_storage_queue_highest_sent_timestamp_seconds > 0)",
            )
            .limit(limits::REMOTE_LAG),
        series("Alerts to Alertmanager", PerSecond)
            .query("sent", rate("prometheus_notifications_sent_total", "alertmanager"))
            .query("errors", rate("prometheus_notifications_errors_total", "alertmanager"))
            .query("dropped", "sum(rate(prometheus_notifications_dropped_total[$__rate_interval]))"),
        series("Notifications", PerSecond)
            .query("{{integration}}", rate("alertmanager_notifications_total", "integration"))
            .query("{{integration}} failed", rate("alertmanager_notifications_failed_total", "integration")),
        table("Largest targets", &[("job", "Job"), ("instance", "Instance")])
            .query("Samples", "topk(10, max by (job, instance) (scrape_samples_scraped))")
            .wide(8),
    ];
    Board {
        uid: "orbos-prometheus",
        title: "Monitoring",
        about: "Prometheus and Alertmanager themselves.",
        tool: "metricsPersisting",
        needs: &["prometheus"],
        variables: Vec::new(),
        related: &[("Orb", "orbos-overview"), ("Volumes", "orbos-volumes")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
