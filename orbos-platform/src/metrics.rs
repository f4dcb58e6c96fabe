//! Metrics that dashboards and alerts may use: what they are called, which labels they have, and who exports them.
//!
//! Whatever shows or judges a metric draws from here, and a test sees to it: a name that nobody exports is found before
//! anybody looks at an empty panel.

mod control_plane;
mod kubelet;
mod node;
mod objects;
mod platform;
mod prometheus;
mod recorded;

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It goes up and down.
    Gauge,
    /// It goes up.
    Counter,
    /// Its series are called NAME`_bucket` with the label `le`, NAME`_sum` and NAME`_count`.
    Histogram,
    /// Its series are called NAME with the label `quantile`, NAME`_sum` and NAME`_count`.
    Summary,
}

/// A metric that somebody exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name; for a histogram without `_bucket`.
    pub name: &'static str,
    /// What kind it is.
    pub kind: MetricKind,
    /// Its labels that we know of, beside those of [`TARGET_LABELS`].
    pub labels: &'static [&'static str],
    /// Who exports it: a switch below `metricsPersisting.metrics`, [`COLLECTED`] or [`RECORDED`].
    pub source: &'static str,
}

/// The source of metrics that Prometheus makes while it collects others; there is no switch for them.
pub const COLLECTED: &str = "collected";
/// The source of metrics that our rules record; they are there if what they are made of is.
pub const RECORDED: &str = "recorded";

/// Labels that every series gets from the Service and the pod that it is collected from.
pub const TARGET_LABELS: &[&str] = &["job", "instance", "namespace", "pod", "service", "endpoint"];

const AMBASSADOR: &str = "ambassador";
const ARGOCD: &str = "argocd";
const KUBE_STATE: &str = "kube-state-metrics";
const PROMETHEUS: &str = "prometheus";
const NODE: &str = "prometheus-node-exporter";
const SYSTEMD: &str = "prometheus-systemd-exporter";
const KUBERNETES: &str = "api-server";
const OPERATOR: &str = "prometheus-operator";
const LOGGING: &str = "logging-operator";
const LOKI: &str = "loki";
const ALERTMANAGER: &str = "alertmanager";
const CERT_MANAGER: &str = "cert-manager";
const BOOM: &str = "boom";
const ORBITER: &str = "orbiter";

/// All metrics, those of one subject together.
pub const METRICS: &[&[Metric]] = &[
    node::METRICS,
    objects::METRICS,
    kubelet::METRICS,
    control_plane::METRICS,
    platform::METRICS,
    prometheus::METRICS,
    recorded::METRICS,
];

/// All metrics. Some names are there twice, since several programs export them.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().copied().flatten()
}

/// The metrics that a series of this name may belong to; empty: nobody exports it.
///
/// ```
/// let sources: Vec<_> = orbos_platform::metrics::of_series("etcd_disk_wal_fsync_duration_seconds_bucket").map(|it| it.source).collect();
/// assert_eq!(sources, ["api-server"]);
/// ```
pub fn of_series(name: &str) -> impl Iterator<Item = &'static Metric> {
    all().filter(move |it| it.has_series(name))
}

impl Metric {
    /// Whether a series of this name belongs to it.
    pub fn has_series(&self, name: &str) -> bool {
        let parts: &[&str] = match self.kind {
            MetricKind::Gauge | MetricKind::Counter => &[""],
            MetricKind::Histogram => &["_bucket", "_sum", "_count"],
            MetricKind::Summary => &["", "_sum", "_count"],
        };
        name.strip_prefix(self.name).is_some_and(|rest| parts.contains(&rest))
    }

    /// Whether its series may have a label.
    pub fn has_label(&self, label: &str) -> bool {
        let own = match self.kind {
            MetricKind::Gauge | MetricKind::Counter => None,
            MetricKind::Histogram => Some("le"),
            MetricKind::Summary => Some("quantile"),
        };
        own == Some(label) || self.labels.contains(&label) || TARGET_LABELS.contains(&label)
    }
}

const fn gauge(source: &'static str, name: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: MetricKind::Gauge, labels, source }
}

const fn counter(source: &'static str, name: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: MetricKind::Counter, labels, source }
}

const fn histogram(source: &'static str, name: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: MetricKind::Histogram, labels, source }
}

const fn summary(source: &'static str, name: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: MetricKind::Summary, labels, source }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_exports_the_same_metric_twice() {
        let mut seen = BTreeSet::new();
        let twice: Vec<_> = all().filter(|it| !seen.insert((it.source, it.name))).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn a_histogram_is_known_by_its_series() {
        let metric = histogram(LOKI, "loki_request_duration_seconds", &["route"]);
        assert!(metric.has_series("loki_request_duration_seconds_bucket"));
        assert!(!metric.has_series("loki_request_duration_seconds"));
        assert!(metric.has_label("le") && metric.has_label("route") && metric.has_label("pod"));
        assert!(!metric.has_label("quantile"));
    }
}
