//! Where a cluster's document has secrets.

use orbos_secrets::{Slot, SlotKind};

use super::KubernetesCluster;

impl KubernetesCluster {
    /// Every secret that its document can have.
    pub const SLOTS: &'static [Slot] = &[Slot {
        path: "spec.kubeconfig",
        kind: SlotKind::Stored,
        what: "administrator's access to the cluster, stored when it is founded",
        lives: Some(365),
        existing: None,
    }];
}
