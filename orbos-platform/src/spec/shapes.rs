//! What several tools have alike.

use std::collections::BTreeMap;

use orbos_secrets::{Existing, Sealed};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What every tool has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolSettings {
    /// Whether it is there. Default: false; then everything of it is deleted.
    pub deploy: bool,
    /// The image instead of its own, without a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite_image: Option<String>,
    /// The image's tag instead of its own; it has no digest then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite_version: Option<String>,
    /// Which nodes its pods may run on, by their labels. Default: all with Linux.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which taints its pods tolerate, beside those that the tool needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What its main container gets. Default: the tool's own figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Changes to its objects, after everything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
}

/// Who a tool is as a client of an OAuth server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OAuthClient {
    /// Who we are.
    #[serde(rename = "clientID", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub client_id: Option<Sealed>,
    /// The same in a Secret.
    #[serde(rename = "existingClientIDSecret", skip_serializing_if = "Option::is_none")]
    pub existing_client_id: Option<Existing>,
    /// How it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub client_secret: Option<Sealed>,
    /// The same in a Secret.
    #[serde(rename = "existingClientSecretSecret", skip_serializing_if = "Option::is_none")]
    pub existing_client_secret: Option<Existing>,
}

/// A taint that is tolerated, as Kubernetes has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = with_original_spelling)]
pub struct Toleration {
    /// The taint's key; absent: every key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Equal` or `Exists`. Default: `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The taint's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// How many seconds a pod stays after a `NoExecute`; absent: for ever. The original spelt it `tolerationseconds`, which
    /// is read too.
    #[serde(alias = "tolerationseconds", skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// Schemas do not know aliases.
fn with_original_spelling(schema: &mut Schema) {
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(fields) = fields
        && let Some(seconds) = fields.get("tolerationSeconds").cloned()
    {
        fields.insert("tolerationseconds".to_owned(), seconds);
    }
}

/// What a container asks for and may use at most, as Kubernetes has it; like `{cpu: 100m, memory: 128Mi}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Resources {
    /// What it may use at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
    /// What is kept for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
}

/// An amount: a number, or a text like `500m` or `1Gi`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Quantity {
    /// Whole units.
    Number(u64),
    /// With a suffix.
    Text(String),
}

/// A volume that outlives its pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Storage {
    /// The storage class; absent: the cluster's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Default: `ReadWriteOnce`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_modes: Vec<String>,
    /// The size, like `50Gi`. Default: the tool's own. Volumes that are there keep theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
}

/// How a tool is reached from outside, through the API gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    /// The domain, like `grafana.example.com`.
    pub domain: String,
    /// Who is told by the authority when a certificate has a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The directory of an ACME authority, like `https://acme-v02.api.letsencrypt.org/directory`; absent or `none`: the
    /// certificate is somebody else's business, in a Secret with the domain's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_authority: Option<String>,
}

/// A change to generated objects, after everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Patch {
    /// Which objects; none of them is an error.
    pub target: PatchTarget,
    /// A merge patch (RFC 7386); lists of containers, ports, volumes and environments are merged by their key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<Value>,
    /// A JSON patch (RFC 6902).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Vec<Value>>,
}

/// Which objects a patch changes: those to which all that is stated applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PatchTarget {
    /// The group of the kind; empty stands for the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind, like `Deployment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}
