//! Grafana.

use orbos_secrets::{Existing, Sealed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Network, OAuthClient, Storage, ToolSettings};

/// Grafana.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Monitoring {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// The first user. Default: `admin` with a password that is generated into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
    /// Where else data comes from, beside Prometheus and Loki.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datasources: Vec<DatasourceSpec>,
    /// ConfigMaps in the tools' namespace with dashboards.
    #[serde(rename = "dashboardproviders", skip_serializing_if = "Vec::is_empty")]
    pub dashboard_providers: Vec<DashboardProvider>,
    /// Where users and what they make are kept; absent: in the pod, and lost with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// How it is reached from outside; absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Plugins that are installed when it starts, which needs the internet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<String>,
    /// Who else may sign in; needs `network.domain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<MonitoringAuth>,
}

/// The first user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Admin {
    /// The name. Default: `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub username: Option<Sealed>,
    /// The password. Default: it is generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<Sealed>,
    /// The name in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_username: Option<Existing>,
    /// The password in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_password: Option<Existing>,
}

/// Where data comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DatasourceSpec {
    /// Its name.
    pub name: String,
    /// What it is, like `prometheus` or `loki`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// `proxy` or `direct`. Default: `proxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// Whether new panels use it. Default: false.
    pub is_default: bool,
}

/// ConfigMaps with dashboards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DashboardProvider {
    /// Their names.
    pub config_maps: Vec<String>,
    /// The folder in Grafana that the dashboards are shown in.
    pub folder: String,
}

/// Who else may sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitoringAuth {
    /// People with a Google account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google: Option<GoogleAuth>,
    /// People with a GitHub account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubAuth>,
    /// People with a GitLab account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab: Option<GitlabAuth>,
    /// Whoever another OAuth server knows.
    #[serde(rename = "genericOAuth", skip_serializing_if = "Option::is_none")]
    pub generic_oauth: Option<GenericOAuth>,
}

/// People with a Google account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GoogleAuth {
    /// Who we are.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Only people of these domains; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_domains: Vec<String>,
}

/// People with a GitHub account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GithubAuth {
    /// Who we are.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Only members of these; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_organizations: Vec<String>,
    /// Only members of these teams, by their numbers; empty: all.
    #[serde(rename = "teamIDs", skip_serializing_if = "Vec::is_empty")]
    pub team_ids: Vec<String>,
}

/// People with a GitLab account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitlabAuth {
    /// Who we are.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Only members of these groups; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_groups: Vec<String>,
}

/// Whoever another OAuth server knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GenericOAuth {
    /// Who we are.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// What is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Where people sign in.
    #[serde(rename = "authURL", skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Where tokens are given out.
    #[serde(rename = "tokenURL", skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Where it is said who somebody is.
    #[serde(rename = "apiURL", skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Only people of these domains; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_domains: Vec<String>,
}
