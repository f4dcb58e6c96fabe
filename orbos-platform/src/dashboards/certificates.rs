//! Certificates from ACME authorities.

use super::{
    board::Board,
    panel::{series, stat, table},
    unit::Unit::{Count, Days, PerSecond},
};
use crate::alerts::limits;

pub(super) fn board() -> Board {
    let days = |what: &str| {
        format!(
            "min by (namespace, name) (certmanager_certificate_{what}_timestamp_seconds - time()) / 86400"
        )
    };
    let certificate = &[("namespace", "Namespace"), ("name", "Certificate")];
    let glance = vec![
        stat("Certificates", Count, "count(certmanager_certificate_ready_status{condition=\"True\"})"),
        stat(
            "Not ready",
            Count,
            "sum(max by (namespace, name) (certmanager_certificate_ready_status{condition!=\"True\"})) or vector(0)",
        )
        .limit(limits::NONE),
        stat("Next expires", Days, format!("min({})", days("expiration"))).limit(limits::CERTIFICATE_DAYS),
        stat(
            "Expire soon",
            Count,
            format!("count({} < {}) or vector(0)", days("expiration"), limits::CERTIFICATE_DAYS.warning),
        )
        .limit(limits::NONE),
    ];
    let below = vec![
        table("Certificates", certificate)
            .query(
                "Ready",
                "max by (namespace, name) (certmanager_certificate_ready_status{condition=\"True\"})",
            )
            .query("Expires in", days("expiration"))
            .in_unit(Days)
            .limit(limits::CERTIFICATE_DAYS)
            .query("Is renewed in", days("renewal"))
            .in_unit(Days)
            .wide(24),
        series("Answers of authorities", PerSecond)
            .query(
                "{{host}} {{status}}",
                "sum by (host, status) (rate(certmanager_http_acme_client_request_count[$__rate_interval]))",
            )
            .wide(12),
        series("Errors of controllers", PerSecond)
            .query(
                "{{controller}}",
                "sum by (controller) (rate(certmanager_controller_sync_error_count[$__rate_interval]))",
            )
            .wide(12),
    ];
    Board {
        uid: "orbos-certificates",
        title: "Certificates",
        about: "Which certificates expire when, and whether they are renewed.",
        tool: "certificates",
        needs: &["cert-manager"],
        variables: Vec::new(),
        related: &[("Gateway", "orbos-gateway")],
        rows: vec![("", glance), ("All", below)],
    }
}
