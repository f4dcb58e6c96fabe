//! The API gateway, which is an Envoy.

use super::{
    board::Board,
    panel::{logs, series, stat, table},
    unit::Unit::{BytesPerSecond, Count, Days, Milliseconds, PerSecond, Share},
};
use crate::alerts::{LISTENERS, limits};

fn downstream(metric: &str, of: &str) -> String {
    format!("rate(envoy_http_downstream_{metric}{{{LISTENERS}{of}}}[$__rate_interval])")
}

fn upstream(metric: &str, of: &str) -> String {
    format!("sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_{metric}{{{of}}}[$__rate_interval]))")
}

fn latency(quantile: f64) -> String {
    format!("histogram_quantile({quantile}, sum by (le) ({}))", downstream("rq_time_bucket", ""))
}

pub(super) fn board() -> Board {
    let all = format!("sum({})", downstream("rq_total", ""));
    let failed = format!("sum({})", downstream("rq_xx", ", envoy_response_code_class=\"5\""));
    let glance = vec![
        stat("Requests", PerSecond, all.clone()),
        stat("Answered", Share, format!("1 - ({failed} or vector(0)) / ({all} > 0)"))
            .limit(limits::GATEWAY_ANSWERED),
        stat("Latency of 95 of 100 requests", Milliseconds, latency(0.95))
            .limit(limits::GATEWAY_LATENCY.times(1000.0)),
        stat("Connections", Count, format!("sum(envoy_http_downstream_cx_active{{{LISTENERS}}})")),
        stat(
            "Upstreams without a healthy pod",
            Count,
            "count(max by (envoy_cluster_name) (envoy_cluster_membership_healthy) == 0 \
             and max by (envoy_cluster_name) (envoy_cluster_membership_total) > 0) or vector(0)",
        )
        .limit(limits::NONE),
        // Without certificates it is more days than anybody will live.
        stat("Next certificate expires", Days, "min(envoy_server_days_until_first_cert_expiring < 100000)")
            .limit(limits::CERTIFICATE_DAYS),
    ];
    let below = vec![
        series("Answers by class", PerSecond)
            .query(
                "{{envoy_response_code_class}}xx",
                format!("sum by (envoy_response_code_class) ({})", downstream("rq_xx", "")),
            )
            .stacked(),
        series("Latency", Milliseconds)
            .query("50 of 100", latency(0.5))
            .query("95 of 100", latency(0.95))
            .query("99 of 100", latency(0.99)),
        series("Bytes", BytesPerSecond)
            .query("received", format!("sum({})", downstream("cx_rx_bytes_total", "")))
            .query("sent", format!("sum({})", downstream("cx_tx_bytes_total", ""))),
        series("Trouble with upstreams", PerSecond)
            .query("retries", "sum(rate(envoy_cluster_upstream_rq_retry[$__rate_interval]))")
            .query("timeouts", "sum(rate(envoy_cluster_upstream_rq_timeout[$__rate_interval]))")
            .query("overflows", "sum(rate(envoy_cluster_upstream_rq_pending_overflow[$__rate_interval]))"),
        table("Upstreams", &[("envoy_cluster_name", "Upstream")])
            .query("Requests", upstream("rq_total", ""))
            .in_unit(PerSecond)
            .query("Errors", upstream("rq_xx", "envoy_response_code_class=\"5\""))
            .in_unit(PerSecond)
            .query(
                "Mean latency",
                format!("{} / {}", upstream("rq_time_sum", ""), upstream("rq_time_count", "")),
            )
            .in_unit(Milliseconds)
            .wide(16),
        logs("Logs", "{app=\"ambassador\"}"),
    ];
    Board {
        uid: "orbos-gateway",
        title: "Gateway",
        about: "Requests from outside.",
        tool: "apiGateway",
        needs: &["ambassador"],
        variables: Vec::new(),
        related: &[("Certificates", "orbos-certificates"), ("Workloads", "orbos-workload")],
        rows: vec![("", glance), ("Over time", below)],
    }
}
