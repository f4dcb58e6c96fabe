//! What a human writes in a `boom.yml`; keys are the original's.

mod check;
mod gateway;
mod logs;
mod metrics;
mod migrate;
mod monitoring;
mod reconciling;
mod settings;
mod shapes;
mod slots;

use std::collections::BTreeMap;

use orbos_state::{Kind, Mistake};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use gateway::{ApiGateway, Caching, Certificates, GatewayService, ServicePort};
pub use logs::{Collector, Forwarder, LogCollection, LogOperator, Logs, LogsPersisting};
pub use metrics::{
    Alerting, BasicAuth, KeyRef, KubeMetricsExporter, MetricCollection, Metrics, MetricsPersisting,
    MetricsServer, Modulus, NodeExporter, Relabel, RemoteWrite,
};
pub use monitoring::{
    Admin, DashboardProvider, DatasourceSpec, GenericOAuth, GithubAuth, GitlabAuth, GoogleAuth, Monitoring,
    MonitoringAuth,
};
pub use reconciling::{
    AdditionalParameters, ArgoAccess, ArgoAuth, CustomImage, GithubConfig, GithubConnector, GithubOrg,
    GitlabConfig, GitlabConnector, GoogleConfig, GoogleConnector, GopassStore, OidcAuth, OidcClaim,
    RbacConfig, Reconciling, Sized,
};
pub use settings::{BoomSettings, CrdSettings, Folder, GuardSettings, ImageSettings};
pub use shapes::{
    Network, OAuthClient, Patch, PatchTarget, Quantity, Resources, Storage, Toleration, ToolSettings,
};

/// A whole `boom.yml`: `apiVersion: caos.ch/v1`, `kind: Boom`.
///
/// The original's `v1beta1` and `v1beta2` are read too, and all of them also as `boom.caos.ch/…` and `kind: Toolset`, as the
/// original's documentation had it. Nothing of them gets lost; what has no place in `v1` is a mistake.
///
/// ```
/// use orbos_platform::spec::Boom;
/// use orbos_state::{Document, Source};
///
/// let text = "\
/// apiVersion: caos.ch/v1
/// kind: Boom
/// metadata: { name: caos }
/// spec:
///   nodeMetricsExporter: { deploy: true }
/// ";
/// let boom: Boom = Document::parse(&Source::new("boom.yml", text))?.read()?;
/// assert!(boom.spec.node_metrics_exporter.is_some_and(|it| it.tool.deploy));
/// # Ok::<(), orbos_state::Diagnostics>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Boom {
    /// The platform's name.
    #[serde(default)]
    pub metadata: Metadata,
    /// The tools. A tool that is not mentioned is not there.
    #[serde(default)]
    pub spec: BoomSpec,
}

/// Names that have no meaning any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Free to choose. For the original it was the name of a folder with results.
    #[serde(default)]
    pub name: String,
    /// Kept from the original, which ignored it too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// All tools and what is said about all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BoomSpec {
    /// BOOM itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boom: Option<BoomSettings>,
    /// Whether fields that somebody else keeps at another value become ours. Default: false, they are reported.
    pub force_apply: bool,
    /// The folder of BOOM's current file. Default: `caos-internal/boom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_state_path: Option<String>,
    /// Manifests that are applied before all tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_apply: Option<Folder>,
    /// Manifests that are applied after all tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_apply: Option<Folder>,
    /// Where images come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageSettings>,
    /// Where definitions of kinds come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdSettings>,
    /// What may be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardSettings>,
    /// Prometheus operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_collection: Option<MetricCollection>,
    /// logging-operator with fluent-bit and fluentd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_collection: Option<LogCollection>,
    /// node-exporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_metrics_exporter: Option<NodeExporter>,
    /// systemd-exporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systemd_metrics_exporter: Option<NodeExporter>,
    /// Grafana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
    /// Emissary (Ambassador).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_gateway: Option<ApiGateway>,
    /// cert-manager. Default: there if the gateway is and a tool's `network` names an ACME authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// kube-state-metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_metrics_exporter: Option<KubeMetricsExporter>,
    /// Argo CD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciling: Option<Reconciling>,
    /// Prometheus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_persisting: Option<MetricsPersisting>,
    /// Alertmanager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerting: Option<Alerting>,
    /// Loki.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs_persisting: Option<LogsPersisting>,
    /// metrics-server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_server: Option<MetricsServer>,
    /// Tools that do not come with BOOM, by the names under which the program that runs BOOM knows them, see
    /// [`ToolRegistry`](crate::ToolRegistry). A tool is there if it says `deploy: true`; all else is its own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, Map<String, Value>>,
}

impl Kind for Boom {
    const KIND: &'static str = "Boom";
    const VERSION: &'static str = "caos.ch/v1";
    const VERSION_KEY: &'static str = "apiVersion";
    const RENAMED: &'static [(&'static str, &'static str)] = migrate::RENAMED;

    fn migrate(version: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        migrate::migrate(version, body)
    }

    fn check(&self) -> Vec<Mistake> {
        check::check(self)
    }

    fn answers_to(kind: &str) -> bool {
        matches!(kind, "Boom" | "Toolset")
    }
}
