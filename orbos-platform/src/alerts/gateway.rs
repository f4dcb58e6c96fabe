//! The API gateway.

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Warning},
        alert, health, light,
    },
};

/// Listeners that somebody outside asks, without those for Envoy's own health and metrics.
pub(crate) const LISTENERS: &str = "envoy_http_conn_manager_prefix!~\"admin|ready_http\"";

pub(super) fn groups() -> Vec<AlertGroup> {
    let rate =
        |what: &str, of: &str| format!("sum(rate(envoy_http_downstream_rq_{what}{{{LISTENERS}{of}}}[5m]))");
    // Nobody asking is no error.
    let failed = rate("xx", ", envoy_response_code_class=\"5\"");
    let errors = format!("({failed} or vector(0)) / ({} > 0)", rate("total", ""));
    let rules = vec![
        health("gateway", light(&format!("({errors})"), limits::GATEWAY_ERRORS)),
        alert("GatewayErrors", Warning, "10m", format!("{errors} > {}", limits::GATEWAY_ERRORS.warning))
            .says(
                "Requests from outside fail",
                "{{ $value | humanizePercentage }} of the requests are answered with a server's error.",
            ),
        alert(
            "GatewayNoHealthyUpstream",
            Critical,
            "5m",
            "max by (envoy_cluster_name) (envoy_cluster_membership_healthy) == 0 \
             and max by (envoy_cluster_name) (envoy_cluster_membership_total) > 0",
        )
        .says(
            "Nobody answers behind the gateway",
            "No pod behind {{ $labels.envoy_cluster_name }} is healthy.",
        ),
        alert(
            "GatewayCertificateExpires",
            Warning,
            "1h",
            format!("envoy_server_days_until_first_cert_expiring < {}", limits::CERTIFICATE_DAYS.warning),
        )
        .says(
            "A certificate of the gateway expires soon",
            "A certificate of {{ $labels.pod }} expires in {{ $value }} days.",
        ),
    ];
    vec![AlertGroup { name: "orbos-gateway", tool: "apiGateway", needs: &["ambassador"], rules }]
}
