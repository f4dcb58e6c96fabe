//! API servers, kubelets and etcd.

use serde_json::Value;

use super::{
    AlertGroup, limits,
    rule::{
        Severity::{self, Critical, Warning},
        alert, health, light, majority, record,
    },
};

const WEEK: u32 = 7 * 24 * 60 * 60;
const ETCD: &str = "up{job=~\".*etcd.*\"}";

pub(super) fn groups() -> Vec<AlertGroup> {
    let tool = "metricsPersisting";
    let needs = &["api-server"];
    vec![
        AlertGroup { name: "orbos-pod-records", tool, needs, rules: pod_records() },
        AlertGroup { name: "orbos-api-records", tool, needs, rules: api_records() },
        AlertGroup { name: "orbos-api", tool, needs, rules: api() },
        AlertGroup { name: "orbos-kubelet", tool, needs, rules: kubelet() },
        AlertGroup { name: "orbos-etcd", tool, needs, rules: etcd() },
    ]
}

fn pod_records() -> Vec<Value> {
    let of = "{container!=\"\", image!=\"\"}";
    vec![
        record(
            "orbos:pod_cpu:usage",
            format!("sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{of}[5m]))"),
        ),
        record(
            "orbos:pod_memory:usage",
            format!("sum by (namespace, pod) (container_memory_working_set_bytes{of})"),
        ),
        record("orbos:namespace_cpu:usage", "sum by (namespace) (orbos:pod_cpu:usage)"),
        record("orbos:namespace_memory:usage", "sum by (namespace) (orbos:pod_memory:usage)"),
    ]
}

fn api_records() -> Vec<Value> {
    let ratio = |window: &str| {
        record(
            &format!("orbos:apiserver_errors:ratio_rate{window}"),
            format!(
                "(sum(rate(apiserver_request_total{{code=~\"5..\"}}[{window}])) or vector(0)) / sum(rate(apiserver_request_total[{window}]))"
            ),
        )
    };
    let mut rules: Vec<_> = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"].map(ratio).into();
    rules.push(health("api", light("orbos:apiserver_errors:ratio_rate5m", limits::API_ERRORS)));
    rules
}

fn api() -> Vec<Value> {
    vec![
        alert("KubeApiDown", Critical, "5m", "absent(apiserver_current_inflight_requests)")
            .says("There is no API server", "No API server says anything; nothing can be changed or repaired."),
        burns("KubeApiErrorBudgetBurnsFast", Critical, ["1h", "5m", "2m"], 14.4),
        burns("KubeApiErrorBudgetBurns", Critical, ["6h", "30m", "15m"], 6.0),
        burns("KubeApiErrorBudgetBurnsSlowly", Warning, ["1d", "2h", "1h"], 3.0),
        burns("KubeApiErrorBudgetBurnsVerySlowly", Warning, ["3d", "6h", "3h"], 1.0),
        alert(
            "KubeAggregatedApiDown",
            Warning,
            "10m",
            "max by (name) (aggregator_unavailable_apiservice) > 0",
        )
        .says(
            "An API that somebody else serves is away",
            "{{ $labels.name }} is registered, but whoever serves it does not answer.",
        ),
        alert(
            "KubeClientCertificateExpires",
            Warning,
            "5m",
            format!(
                "histogram_quantile(0.01, sum by (le) (rate(apiserver_client_certificate_expiration_seconds_bucket[5m]))) < {WEEK}"
            ),
        )
        .says(
            "A client's certificate expires soon",
            "Somebody talks to the API servers with a certificate that expires in {{ $value | humanizeDuration }}.",
        ),
        alert("KubeVersionSkew", Warning, "4h", "count(count by (major, minor) (kubernetes_build_info)) > 1").says(
            "Parts of Kubernetes have different versions",
            "{{ $value }} minor versions of Kubernetes are in use for hours; an upgrade did not get to its end.",
        ),
    ]
}

/// The budget of errors is used up too fast, over a long time and still. The budget is for 30 days.
fn burns(
    name: &'static str,
    severity: Severity,
    [long, short, after]: [&'static str; 3],
    factor: f64,
) -> Value {
    let limit = format!("{:.4}", factor * (1.0 - limits::API_AVAILABILITY.warning));
    alert(
        name,
        severity,
        after,
        format!(
            "orbos:apiserver_errors:ratio_rate{long} > {limit} and orbos:apiserver_errors:ratio_rate{short} > {limit}"
        ),
    )
    .says(
        "API servers fail too often",
        &format!(
            "{{{{ $value | humanizePercentage }}}} of the requests of the last {long} failed; that uses up a month's budget {factor} times too fast."
        ),
    )
}

fn kubelet() -> Vec<Value> {
    vec![
        alert("KubeletDown", Critical, "15m", "min by (instance) (up{job=\"kubelet\"}) == 0")
            .says("A kubelet does not answer", "The kubelet at {{ $labels.instance }} does not answer."),
        alert(
            "KubeletPlegSlow",
            Warning,
            "5m",
            format!(
                "histogram_quantile(0.99, sum by (node, le) (rate(kubelet_pleg_relist_duration_seconds_bucket[5m]))) >= {}",
                limits::PLEG.critical
            ),
        )
        .says(
            "A kubelet is slow",
            "The kubelet of {{ $labels.node }} takes {{ $value | humanizeDuration }} to look at its containers.",
        ),
        alert(
            "KubeletCertificateExpires",
            Warning,
            "5m",
            format!("kubelet_certificate_manager_client_ttl_seconds < {WEEK}"),
        )
        .says(
            "A kubelet's certificate expires soon",
            "The certificate of the kubelet of {{ $labels.node }} expires in {{ $value | humanizeDuration }}.",
        ),
    ]
}

fn etcd() -> Vec<Value> {
    let database = "etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes";
    vec![
        record("caos_etcd_ryg", "etcd_server_has_leader"),
        health("etcd", majority(&format!("sum(etcd_server_has_leader) / count({ETCD})"))),
        alert("EtcdNoLeader", Critical, "1m", "etcd_server_has_leader == 0")
            .says("etcd has no leader", "The member {{ $labels.instance }} has no leader; nothing can be written."),
        alert(
            "EtcdMembersMissing",
            Warning,
            "3m",
            format!("sum({ETCD}) < floor(count({ETCD}) / 2) + 2 and count({ETCD}) > 2 and sum({ETCD}) > 0"),
        )
        .says(
            "etcd can lose no more members",
            "{{ $value }} members of etcd answer; with the next that fails nothing can be written any more.",
        ),
        alert(
            "EtcdDiskSlow",
            Warning,
            "10m",
            format!(
                "histogram_quantile(0.99, sum by (instance, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket[5m]))) > {}",
                limits::ETCD_FSYNC.critical
            ),
        )
        .says(
            "The disk of etcd is slow",
            "{{ $labels.instance }} takes {{ $value | humanizeDuration }} to write to its disk.",
        ),
        alert(
            "EtcdDatabaseAlmostFull",
            Warning,
            "10m",
            format!("{database} > {}", limits::ETCD_DATABASE.warning),
        )
        .says(
            "The database of etcd is almost full",
            "The database of {{ $labels.instance }} takes {{ $value | humanizePercentage }} of its quota; beyond it nothing can be written.",
        ),
        alert(
            "EtcdLeaderChanges",
            Warning,
            "5m",
            "increase(etcd_server_leader_changes_seen_total[15m]) >= 4",
        )
        .says(
            "The leader of etcd changes often",
            "{{ $labels.instance }} saw {{ $value }} changes of leader within 15 minutes.",
        ),
    ]
}
