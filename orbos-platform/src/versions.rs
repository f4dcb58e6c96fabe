//! What is pinned, tested and upgraded together.

use std::ops::RangeInclusive;

use crate::Image;

/// The name of this set: the month in which it was put together.
pub const VERSION_SET: &str = "2026.08";

/// The minor versions of Kubernetes that this set is meant for. Older ones work as far as their tools do.
pub const KUBERNETES: RangeInclusive<u32> = 33..=37;

/// Every image of the set, by the tool that it belongs to.
pub const IMAGES: &[(&str, Image)] = &[
    ("apiGateway", EMISSARY),
    ("certificates", CERT_MANAGER_CONTROLLER),
    ("certificates", CERT_MANAGER_WEBHOOK),
    ("certificates", CERT_MANAGER_CAINJECTOR),
    ("certificates", CERT_MANAGER_ACMESOLVER),
    ("logCollection", LOGGING_OPERATOR),
    ("logCollection", FLUENT_BIT),
    ("logCollection", FLUENTD),
    ("logCollection", FLUENTD_RELOADER),
    ("logCollection", FLUENTD_NODE_EXPORTER),
    ("logCollection", FLUENTD_DRAIN_WATCH),
    ("logCollection", PAUSE),
    ("logsPersisting", LOKI),
    ("metricCollection", PROMETHEUS_OPERATOR),
    ("metricCollection", PROMETHEUS_RELOADER),
    ("metricsPersisting", PROMETHEUS),
    ("alerting", ALERTMANAGER),
    ("nodeMetricsExporter", NODE_EXPORTER),
    ("systemdMetricsExporter", SYSTEMD_EXPORTER),
    ("kubeMetricsExporter", KUBE_STATE_METRICS),
    ("metricsServer", METRICS_SERVER),
    ("metricsServer", METRICS_SERVER_BELOW_34),
    ("monitoring", GRAFANA),
    ("reconciling", ARGOCD),
    ("reconciling", DEX),
    ("reconciling", REDIS),
];

/// Emissary-ingress.
pub const EMISSARY: Image = Image::tagged("ghcr.io/emissary-ingress/emissary", "4.1.0");
/// cert-manager's controller.
pub const CERT_MANAGER_CONTROLLER: Image =
    Image::tagged("quay.io/jetstack/cert-manager-controller", "v1.21.1");
/// cert-manager's webhook.
pub const CERT_MANAGER_WEBHOOK: Image = Image::tagged("quay.io/jetstack/cert-manager-webhook", "v1.21.1");
/// cert-manager's injector of authorities.
pub const CERT_MANAGER_CAINJECTOR: Image =
    Image::tagged("quay.io/jetstack/cert-manager-cainjector", "v1.21.1");
/// What cert-manager answers an authority's challenge with.
pub const CERT_MANAGER_ACMESOLVER: Image =
    Image::tagged("quay.io/jetstack/cert-manager-acmesolver", "v1.21.1");
/// logging-operator.
pub const LOGGING_OPERATOR: Image = Image::tagged("ghcr.io/kube-logging/logging-operator", "6.7.0");
/// fluent-bit.
pub const FLUENT_BIT: Image = Image::tagged("ghcr.io/fluent/fluent-bit", "5.0.5");
/// fluentd with the plugins that logging-operator needs.
pub const FLUENTD: Image = Image::tagged("ghcr.io/kube-logging/logging-operator/fluentd", "6.7.0-full");
/// What tells fluentd of a new configuration.
pub const FLUENTD_RELOADER: Image =
    Image::tagged("ghcr.io/kube-logging/logging-operator/config-reloader", "6.7.0");
/// What exports how full fluentd's buffers are.
pub const FLUENTD_NODE_EXPORTER: Image =
    Image::tagged("ghcr.io/kube-logging/logging-operator/node-exporter", "6.7.0");
/// What empties the buffers of a fluentd that goes.
pub const FLUENTD_DRAIN_WATCH: Image =
    Image::tagged("ghcr.io/kube-logging/logging-operator/fluentd-drain-watch", "6.7.0");
/// What keeps the place of a fluentd that goes until its buffers are empty.
pub const PAUSE: Image = Image::tagged("registry.k8s.io/pause", "3.10.1");
/// Loki.
pub const LOKI: Image = Image::tagged("docker.io/grafana/loki", "3.7.6");
/// Prometheus operator.
pub const PROMETHEUS_OPERATOR: Image =
    Image::tagged("quay.io/prometheus-operator/prometheus-operator", "v0.93.1");
/// What tells Prometheus and Alertmanager of a new configuration.
pub const PROMETHEUS_RELOADER: Image =
    Image::tagged("quay.io/prometheus-operator/prometheus-config-reloader", "v0.93.1");
/// Prometheus.
pub const PROMETHEUS: Image = Image::tagged("quay.io/prometheus/prometheus", "v3.13.2");
/// Alertmanager.
pub const ALERTMANAGER: Image = Image::tagged("quay.io/prometheus/alertmanager", "v0.33.1");
/// node-exporter.
pub const NODE_EXPORTER: Image = Image::tagged("quay.io/prometheus/node-exporter", "v1.12.1");
/// systemd-exporter.
pub const SYSTEMD_EXPORTER: Image = Image::tagged("quay.io/prometheuscommunity/systemd-exporter", "v0.7.0");
/// kube-state-metrics.
pub const KUBE_STATE_METRICS: Image =
    Image::tagged("registry.k8s.io/kube-state-metrics/kube-state-metrics", "v2.20.0");
/// metrics-server for Kubernetes 1.34 and newer.
pub const METRICS_SERVER: Image = Image::tagged("registry.k8s.io/metrics-server/metrics-server", "v0.9.0");
/// metrics-server for Kubernetes below 1.34.
pub const METRICS_SERVER_BELOW_34: Image =
    Image::tagged("registry.k8s.io/metrics-server/metrics-server", "v0.8.1");
/// Grafana.
pub const GRAFANA: Image = Image::tagged("docker.io/grafana/grafana", "13.2.0");
/// Argo CD.
pub const ARGOCD: Image = Image::tagged("quay.io/argoproj/argocd", "v3.5.1");
/// Dex, which signs people in to Argo CD.
pub const DEX: Image = Image::tagged("ghcr.io/dexidp/dex", "v2.45.0");
/// Argo CD's cache.
pub const REDIS: Image = Image::tagged("public.ecr.aws/docker/library/redis", "8.2.3-alpine");
