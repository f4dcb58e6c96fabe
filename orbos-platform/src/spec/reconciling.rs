//! Argo CD.

use std::collections::BTreeMap;

use orbos_secrets::{Existing, Sealed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Network, OAuthClient, Resources, ToolSettings};

/// Argo CD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Reconciling {
    /// What every tool has; `resources` is the controller's, unless `controller` says more.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// Whether servers run twice. Default: false.
    pub high_availability: bool,
    /// An image with gopass, and its stores, so that manifests can have secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_image: Option<CustomImage>,
    /// How it is reached from outside; absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Who may sign in; needs `network.domain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ArgoAuth>,
    /// Who may do what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rbac_config: Option<RbacConfig>,
    /// Repositories with manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<ArgoAccess>,
    /// Access to all repositories below a URL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<ArgoAccess>,
    /// Host keys of Git servers, as in `known_hosts`, beside those of well-known ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_hosts: Vec<String>,
    /// Dex, which signs people in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dex: Option<Sized>,
    /// The server that renders manifests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo_server: Option<Sized>,
    /// The cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<Sized>,
    /// What compares and applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<Sized>,
    /// The API and user interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Sized>,
    /// More arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_parameters: Option<AdditionalParameters>,
}

/// A part with its resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sized {
    /// What it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// More arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalParameters {
    /// Of the server that renders manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repo_server: Vec<String>,
    /// Of what compares and applies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub application_controller: Vec<String>,
    /// Of the API and user interface.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server: Vec<String>,
}

/// Secrets from password stores in manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomImage {
    /// Whether it is used. Default: false.
    pub enabled: bool,
    /// The image of the plugin with gopass, gpg, git and kustomize, with its tag; needed if it is enabled, since ORBOS ships
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The stores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gopass_stores: Vec<GopassStore>,
}

/// A store of gopass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GopassStore {
    /// The private SSH key that opens its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub ssh_key: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_ssh_key_secret: Option<Existing>,
    /// The private GPG or age key that opens its entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub gpg_key: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_gpg_key_secret: Option<Existing>,
    /// The URL of its repository.
    pub directory: String,
    /// Its name.
    pub store_name: String,
}

/// Who may sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgoAuth {
    /// Whoever an OpenID Connect provider knows, without Dex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcAuth>,
    /// People with a GitHub account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubConnector>,
    /// People with a GitLab account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab: Option<GitlabConnector>,
    /// People with a Google account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google: Option<GoogleConnector>,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcAuth {
    /// What people see.
    pub name: String,
    /// Its URL.
    pub issuer: String,
    /// Who we are there.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// What is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requested_scopes: Vec<String>,
    /// What shall stand in its tokens.
    #[serde(rename = "requestedIDTokenClaims", skip_serializing_if = "BTreeMap::is_empty")]
    pub requested_id_token_claims: BTreeMap<String, OidcClaim>,
}

/// What shall stand in a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OidcClaim {
    /// Whether it has to.
    pub essential: bool,
    /// With one of these values; empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// GitHub.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GithubConnector {
    /// What Dex calls it.
    pub id: String,
    /// What people see.
    pub name: String,
    /// All else.
    pub config: GithubConfig,
}

/// GitHub's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GithubConfig {
    /// Who we are there.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Only members of these; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orgs: Vec<GithubOrg>,
    /// Whether all organisations and teams of a person count.
    pub load_all_groups: bool,
    /// `name`, `slug` or `both`. Default: `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_name_field: Option<String>,
    /// Whether people are known by their login instead of their number.
    #[serde(rename = "useLoginAsID")]
    pub use_login_as_id: bool,
}

/// An organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GithubOrg {
    /// Its name.
    pub name: String,
    /// Only these teams; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
}

/// GitLab.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GitlabConnector {
    /// What Dex calls it.
    pub id: String,
    /// What people see.
    pub name: String,
    /// All else.
    pub config: GitlabConfig,
}

/// GitLab's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitlabConfig {
    /// Who we are there.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Its URL. Default: `https://gitlab.com`.
    #[serde(rename = "baseURL", skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Only members of these; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether people are known by their login instead of their number.
    #[serde(rename = "useLoginAsID")]
    pub use_login_as_id: bool,
}

/// Google.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GoogleConnector {
    /// What Dex calls it.
    pub id: String,
    /// What people see.
    pub name: String,
    /// All else.
    pub config: GoogleConfig,
}

/// Google's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GoogleConfig {
    /// Who we are there.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Only people of these domains; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// Only members of these groups, which needs a service account; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// A service account that may look up groups.
    #[serde(rename = "serviceAccountJSON", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub service_account_json: Option<Sealed>,
    /// The same in a Secret.
    #[serde(rename = "existingServiceAccountJSONSecret", skip_serializing_if = "Option::is_none")]
    pub existing_service_account_json: Option<Existing>,
    /// Where Dex finds it. Default: where BOOM puts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_file_path: Option<String>,
    /// An administrator on whose behalf groups are looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_email: Option<String>,
}

/// Who may do what, as Argo CD has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RbacConfig {
    /// Lines of its policy.
    #[serde(rename = "policy.csv", skip_serializing_if = "Option::is_none")]
    pub csv: Option<String>,
    /// The role of everybody else.
    #[serde(rename = "policy.default", skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What of a token is looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// Access to one repository, or to all below a URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgoAccess {
    /// Its name.
    pub name: String,
    /// Its URL, or what URLs begin with.
    pub url: String,
    /// Who we are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub username: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_username_secret: Option<Existing>,
    /// How it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_password_secret: Option<Existing>,
    /// A private SSH key, which the original called so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub certificate: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_certificate_secret: Option<Existing>,
}
