//! What is said about all tools, and BOOM itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Resources, Toleration};

/// BOOM itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BoomSettings {
    /// The version of BOOM that runs in the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Which nodes it may run on, by their labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which taints it tolerates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What it gets. Default: 100m and 64Mi asked for, 256Mi at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The registry that its own image comes from. Default: `ghcr.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_image_registry: Option<String>,
    /// Whether it replaces itself by the stated version. Default: false.
    pub self_reconciling: bool,
}

/// A folder of the repository with plain manifests or a `kustomization.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Folder {
    /// Whether its objects are there. Default: false; then they are deleted.
    pub deploy: bool,
    /// Its path in the repository.
    pub folder: String,
}

/// Where images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageSettings {
    /// A registry, maybe with a path, that has all images: it stands in place of every image's own registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// Secrets of type `kubernetes.io/dockerconfigjson` in the tools' namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<String>,
}

/// Where definitions of kinds come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdSettings {
    /// Whether kinds may be defined without their schema where nothing better is at hand. Default: false. Mistakes in such
    /// objects are then found by the tools, not by the API server.
    pub allow_permissive: bool,
}

/// What may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GuardSettings {
    /// The largest share of all objects that may be deleted at once, from 0 to 1. Default: 0.5; up to ten always may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Objects that may be deleted although something is lost with them, like `PersistentVolumeClaim caos-system/data`; `*`
    /// stands for the share.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}
