//! Where a provider's document has secrets.

use orbos_secrets::{Generator, Slot, SlotKind};

use super::StaticSpec;

impl StaticSpec {
    /// Every secret that its document can have.
    pub const SLOTS: &'static [Slot] = &[
        Slot {
            path: "spec.keys.bootstrapkeyprivate",
            kind: SlotKind::Supplied,
            what: "private key that the machines accept before they are in use",
            lives: None,
            existing: None,
        },
        Slot {
            path: "spec.keys.bootstrapkeypublic",
            kind: SlotKind::Supplied,
            what: "public part of the bootstrap key, if it cannot be read from the private one",
            lives: None,
            existing: None,
        },
        Slot {
            path: "spec.keys.maintenancekeyprivate",
            kind: SlotKind::Generated(Generator::SshKeyPair { public: "maintenancekeypublic" }),
            what: "private key that the machines accept while they are in use",
            lives: Some(365),
            existing: None,
        },
        Slot {
            path: "spec.keys.maintenancekeypublic",
            kind: SlotKind::Stored,
            what: "public part of the maintenance key",
            lives: None,
            existing: None,
        },
    ];
}
