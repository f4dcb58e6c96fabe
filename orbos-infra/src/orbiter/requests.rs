//! What ORBITER writes into the human's file: generated secrets, access to clusters, fulfilled requests.

use std::sync::Arc;

use async_trait::async_trait;
use orbos_secrets::{Cipher, Place, Secret, generate::OsRng};
use orbos_state::{Document, Edit, Error, FieldPath, Limits, Repository, Result, Snapshot, edit, update};

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
    cipher: Arc<dyn Cipher>,
    repository: Arc<dyn Repository>,
}

impl InRepository {
    pub(super) fn new(settings: &OrbiterSettings) -> Self {
        Self {
            orb: settings.orb.clone(),
            cipher: Arc::clone(&settings.cipher),
            repository: Arc::clone(&settings.repository),
        }
    }

    fn seal(&self, path: &FieldPath, secret: &Secret) -> Result<serde_json::Value> {
        let place = Place::new(&self.orb, DESIRED, path.to_string());
        let failed = || Error::failed(format!("sealing {path}"), "the value was not written");
        let sealed = self.cipher.seal(secret, &place).map_err(|error| failed().because(error))?;
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
                        text = edit::set(&text, path, &self.seal(path, secret)?)?;
                    }
                }
            }
            Ok(text)
        })
        .await
    }

    async fn store(&self, cluster: &ClusterId, secret: &Secret) -> Result<()> {
        let path = Self::kubeconfig(cluster);
        let sealed = self.seal(&path, secret)?;
        self.write(&format!("Access to {cluster} stored"), |text, _| edit::set(text, &path, &sealed)).await
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
