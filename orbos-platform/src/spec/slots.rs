//! Where a `boom.yml` has secrets.

use orbos_secrets::{Generator, Slot, SlotKind};

use super::Boom;

const fn supplied(path: &'static str, what: &'static str, existing: &'static str) -> Slot {
    Slot { path, kind: SlotKind::Supplied, what, lives: None, existing: Some(existing) }
}

impl Boom {
    /// Every secret that the document can have.
    pub const SLOTS: &'static [Slot] = &[
        Slot {
            path: "spec.monitoring.admin.password",
            kind: SlotKind::Generated(Generator::Password { characters: 24 }),
            what: "password of Grafana's administrator",
            lives: Some(365),
            existing: Some("existingPassword"),
        },
        supplied("spec.monitoring.admin.username", "name of Grafana's administrator", "existingUsername"),
        supplied(
            "spec.monitoring.auth.*.clientID",
            "who Grafana is to an OAuth server",
            "existingClientIDSecret",
        ),
        supplied(
            "spec.monitoring.auth.*.clientSecret",
            "how Grafana proves it",
            "existingClientSecretSecret",
        ),
        supplied("spec.apiGateway.licenceKey", "a licence that is not needed any more", "existingLicenceKey"),
        supplied("spec.alerting.config", "Alertmanager's configuration", "existingConfig"),
        supplied(
            "spec.reconciling.auth.oidc.clientID",
            "who Argo CD is to an OpenID server",
            "existingClientIDSecret",
        ),
        supplied(
            "spec.reconciling.auth.oidc.clientSecret",
            "how Argo CD proves it",
            "existingClientSecretSecret",
        ),
        supplied(
            "spec.reconciling.auth.*.config.clientID",
            "who Dex is to an OAuth server",
            "existingClientIDSecret",
        ),
        supplied(
            "spec.reconciling.auth.*.config.clientSecret",
            "how Dex proves it",
            "existingClientSecretSecret",
        ),
        supplied(
            "spec.reconciling.auth.google.config.serviceAccountJSON",
            "service account that looks up groups",
            "existingServiceAccountJSONSecret",
        ),
        supplied(
            "spec.reconciling.repositories.*.username",
            "name for a Git repository",
            "existingUsernameSecret",
        ),
        supplied(
            "spec.reconciling.repositories.*.password",
            "password for a Git repository",
            "existingPasswordSecret",
        ),
        supplied(
            "spec.reconciling.repositories.*.certificate",
            "SSH key for a Git repository",
            "existingCertificateSecret",
        ),
        supplied(
            "spec.reconciling.credentials.*.username",
            "name for Git repositories",
            "existingUsernameSecret",
        ),
        supplied(
            "spec.reconciling.credentials.*.password",
            "password for Git repositories",
            "existingPasswordSecret",
        ),
        supplied(
            "spec.reconciling.credentials.*.certificate",
            "SSH key for Git repositories",
            "existingCertificateSecret",
        ),
        supplied(
            "spec.reconciling.customImage.gopassStores.*.sshKey",
            "SSH key for a store",
            "existingSshKeySecret",
        ),
        supplied(
            "spec.reconciling.customImage.gopassStores.*.gpgKey",
            "GPG key for a store",
            "existingGpgKeySecret",
        ),
    ];
}
