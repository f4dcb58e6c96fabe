//! Certificates from ACME authorities.

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{Critical, Warning},
        alert, health, light,
    },
};

pub(super) fn groups() -> Vec<AlertGroup> {
    let days = "(certmanager_certificate_expiration_timestamp_seconds - time()) / 86400";
    let name = "{{ $labels.namespace }}/{{ $labels.name }}";
    let rules = vec![
        health("certificates", light(&format!("min({days})"), limits::CERTIFICATE_DAYS)),
        alert(
            "CertificateNotReady",
            Warning,
            "1h",
            "max by (namespace, name) (certmanager_certificate_ready_status{condition!=\"True\"}) == 1",
        )
        .says("A certificate is not ready", &format!("Certificate {name} could not be issued.")),
        alert(
            "CertificateRenewalOverdue",
            Warning,
            "1h",
            "time() - certmanager_certificate_renewal_timestamp_seconds > 3600 and certmanager_certificate_renewal_timestamp_seconds > 0",
        )
        .says(
            "A certificate is not renewed",
            &format!("Certificate {name} should have been renewed {{{{ $value | humanizeDuration }}}} ago."),
        ),
        alert("CertificateExpires", Critical, "1h", format!("{days} < {}", limits::CERTIFICATE_DAYS.critical))
            .says("A certificate expires soon", &format!("Certificate {name} expires in {{{{ $value }}}} days.")),
        alert(
            "AcmeRequestsFail",
            Warning,
            "1h",
            "sum by (host, status) (increase(certmanager_http_acme_client_request_count{status=~\"4..|5..\"}[1h])) > 3",
        )
        .says(
            "An ACME authority refuses requests",
            "{{ $labels.host }} answered with {{ $labels.status }} {{ $value }} times within an hour.",
        ),
    ];
    vec![AlertGroup { name: "orbos-certificates", tool: "certificates", needs: &["cert-manager"], rules }]
}
