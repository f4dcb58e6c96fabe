//! One step that changes the platform.

use std::fmt;

use orbos_k8s::objects::ObjectChange;
use orbos_state::{Change, Effect};
use serde::{Deserialize, Serialize};

/// One step that changes the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlatformChange {
    /// A secret is made and sealed into the desired file.
    Generate {
        /// Its path in the file.
        path: String,
    },
    /// An object of the cluster.
    Object(ObjectChange),
}

impl PlatformChange {
    /// The step of an object; `None`: it is about something else.
    pub(crate) fn object(&self) -> Option<&ObjectChange> {
        match self {
            Self::Object(change) => Some(change),
            Self::Generate { .. } => None,
        }
    }
}

impl Change for PlatformChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Generate { .. } => Effect::Create,
            Self::Object(change) => change.effect(),
        }
    }
}

impl fmt::Display for PlatformChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generate { path } => write!(f, "secret {path}"),
            Self::Object(change) => change.fmt(f),
        }
    }
}
