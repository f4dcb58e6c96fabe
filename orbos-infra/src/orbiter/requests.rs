//! What ORBITER writes into the human's file: generated secrets, access to clusters, fulfilled requests.

use std::sync::Arc;

use async_trait::async_trait;
use orbos_secrets::{Place, Secret, generate::OsRng};
use orbos_state::{
    CipherSource, Document, Edit, Error, FieldPath, Limits, Repository, Result, Snapshot, edit, update,
};

use super::{DESIRED, OrbiterSettings};
use crate::{
    cluster::ClusterId,
    machine::MachineId,
    orb::Request,
    providers::{consume_edits, generate_secrets},
    reconciler::Requests,
    spec::OrbFile,
};

/// Requests that are written by field into the newest revision, so that nobody's edit gets lost.
#[derive(Debug)]
pub(super) struct InRepository {
    orb: String,
    ciphers: Arc<dyn CipherSource>,
    repository: Arc<dyn Repository>,
}

impl InRepository {
    pub(super) fn new(settings: &OrbiterSettings) -> Self {
        Self {
            orb: settings.orb.clone(),
            ciphers: Arc::clone(&settings.ciphers),
            repository: Arc::clone(&settings.repository),
        }
    }

    /// With the key of the revision that the value is written onto, not of an earlier one.
    fn seal(&self, newest: &Snapshot, path: &FieldPath, secret: &Secret) -> Result<serde_json::Value> {
        let place = Place::new(&self.orb, DESIRED, path.to_string());
        let failed = || Error::failed(format!("sealing {path}"), "the value was not written");
        let cipher = self.ciphers.cipher_of(newest)?;
        let sealed = cipher.seal(secret, &place).map_err(|error| failed().because(error))?;
        serde_json::to_value(sealed).map_err(|error| failed().because(error))
    }

    async fn write(
        &self,
        subject: &str,
        change: impl Fn(&str, &Snapshot) -> Result<String> + Sync,
    ) -> Result<()> {
        update(self.repository.as_ref(), &Limits::default(), |newest| {
            let Some(text) = newest.text(DESIRED) else {
                return Err(Error::invalid(DESIRED, "the file is not there any more"));
            };
            let changed = change(text, newest)?;
            Ok((changed != text).then(|| Edit::new(subject).write(DESIRED, changed)))
        })
        .await
        .map(drop)
    }

    fn kubeconfig(cluster: &str) -> FieldPath {
        ["clusters", cluster, "spec", "kubeconfig"].into_iter().collect()
    }
}

#[async_trait]
impl Requests for InRepository {
    async fn generate(&self, path: &str) -> Result<()> {
        self.write(&format!("Secret generated: {path}"), |text, newest| {
            let file = OrbFile::read(&Document::parse(&newest.source(DESIRED)?)?)?;
            let mut text = text.to_string();
            for (_, document) in &file.providers {
                let made = generate_secrets(document, &self.orb, &mut OsRng)?;
                if made.keys().any(|it| it.to_string() == path) {
                    for (path, secret) in &made {
                        text = edit::set(&text, path, &self.seal(newest, path, secret)?)?;
                    }
                }
            }
            Ok(text)
        })
        .await
    }

    async fn store(&self, cluster: &ClusterId, secret: &Secret) -> Result<()> {
        let path = Self::kubeconfig(cluster);
        self.write(&format!("Access to {cluster} stored"), |text, newest| {
            edit::set(text, &path, &self.seal(newest, &path, secret)?)
        })
        .await
    }

    async fn discard(&self, cluster: &ClusterId) -> Result<()> {
        let path = Self::kubeconfig(cluster);
        self.write(&format!("Access to {cluster} forgotten"), |text, _| edit::remove(text, &path)).await
    }

    async fn consume(&self, machine: &MachineId, request: Request) -> Result<()> {
        let what = match request {
            Request::Reboot => "Rebooted",
            Request::Replace => "Replaced",
        };
        self.write(&format!("{what}: {machine}"), |text, newest| {
            let file = OrbFile::read(&Document::parse(&newest.source(DESIRED)?)?)?;
            let provider = file.providers.iter().find(|(id, _)| *id == machine.pool.provider);
            let edits =
                provider.map_or_else(|| Ok(Vec::new()), |(_, it)| consume_edits(it, machine, request))?;
            edit::apply(text, &edits)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use orbos_secrets::{Cipher, OrbCipher, OrbKey, Sealed};
    use orbos_state::MemoryRepository;

    use super::*;

    /// The file `key` says which of two keys counts.
    #[derive(Debug)]
    struct Keys([Arc<dyn Cipher>; 2]);

    impl CipherSource for Keys {
        fn cipher_of(&self, files: &Snapshot) -> Result<Arc<dyn Cipher>> {
            Ok(Arc::clone(&self.0[usize::from(files.text("key") == Some("new"))]))
        }
    }

    #[tokio::test]
    async fn a_secret_is_sealed_with_the_key_of_the_revision_that_it_is_written_onto() {
        let cipher = || OrbCipher::new(OrbKey::generate(&mut OsRng).expect("there is chance"), None);
        let ciphers = Arc::new(Keys([Arc::new(cipher()), Arc::new(cipher())]));
        let repository =
            MemoryRepository::new([("key", "old"), (DESIRED, "clusters:\n  k8s:\n    spec: {}\n")]);
        let requests = InRepository {
            orb: "orb".into(),
            ciphers: Arc::clone(&ciphers) as _,
            repository: Arc::new(repository.clone()),
        };
        let rotated = |_: &Snapshot| Ok(Some(Edit::new("Rotated").write("key", "new")));
        update(&repository, &Limits::default(), rotated).await.expect("it is in memory");
        let secret = Secret::from_text("kubeconfig");
        requests.store(&"k8s".into(), &secret).await.expect("it is in memory");
        let files = repository.snapshot().await.expect("it is in memory");
        let file: serde_json::Value =
            serde_yaml::from_str(files.text(DESIRED).expect("there")).expect("YAML");
        let sealed: Sealed = serde_json::from_value(file["clusters"]["k8s"]["spec"]["kubeconfig"].clone())
            .expect("a sealed value");
        let place = Place::new("orb", DESIRED, InRepository::kubeconfig("k8s").to_string());
        let [old, new] = &ciphers.0;
        assert!(old.open(&sealed, &place).is_err());
        assert_eq!(new.open(&sealed, &place).expect("its key").expose(), secret.expose());
    }
}
