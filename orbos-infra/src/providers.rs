//! The providers that come with ORBITER, and what they are given.

mod connections;
mod failure;
mod listed;

use std::{collections::BTreeMap, sync::Arc};

use orbos_secrets::{Cipher, Error as SecretError, Place, Sealed, Secret, generate::CryptoRngCore};
use orbos_state::{Document, Error, FieldEdit, FieldPath, Kind, Registry, Result};

pub use connections::Connections;
pub use failure::{failure, reason};
pub use listed::StaticProvider;

use crate::{
    machine::{MachineId, ProviderId},
    orb::Request,
    provider::Provider,
    spec::{StaticKeys, StaticSpec},
};

/// Knows every provider that comes with ORBITER; add your own with [`Registry::with`].
///
/// ```
/// let registry = orbos_infra::providers::builtin();
/// assert!(registry.knows("orbiter.caos.ch/StaticProvider"));
/// ```
pub fn builtin() -> Registry<dyn Provider, ProviderContext> {
    let registry: Registry<dyn Provider, ProviderContext> = Registry::empty();
    registry.with(StaticSpec::KIND, |document, context| {
        Ok(Box::new(StaticProvider::from_document(document, context)?))
    })
}

/// What a provider is given beside its document.
#[derive(Clone, Debug)]
pub struct ProviderContext {
    /// Its name in the file.
    pub id: ProviderId,
    /// The orb's id, as in the [`Place`] of secrets.
    pub orb: String,
    /// Opens its secrets.
    pub cipher: Arc<dyn Cipher>,
    /// Connections to machines, kept over all rounds.
    pub connections: Arc<Connections>,
}

impl ProviderContext {
    /// Opens a secret that stands at a path of a document.
    ///
    /// # Errors
    ///
    /// [`Denied`](Error::Denied) if another key is needed, [`Invalid`](Error::Invalid) if the value is unusable.
    pub fn open(&self, document: &Document, path: &FieldPath, sealed: &Sealed) -> Result<Secret> {
        let path = document.path().append(path).to_string();
        let place = Place::new(&self.orb, &document.source().path, &path);
        self.cipher.open(sealed, &place).map_err(|error| match error {
            SecretError::WrongKey { .. }
            | SecretError::WrongMasterKey { .. }
            | SecretError::NeedsMasterKey { .. } => {
                Error::denied(format!("opening {path}"), "another key is needed").because(error)
            }
            _ => Error::invalid(path, "set it again with `orbctl secrets set`").because(error),
        })
    }
}

/// The secrets that ORBITER makes itself and that a provider's document lacks, by their paths in the file.
///
/// Of a key pair it is the private part that is listed. Documents of unknown kinds lack none.
///
/// # Errors
///
/// If the document cannot be read.
pub fn missing_secrets(document: &Document) -> Result<Vec<FieldPath>> {
    if !StaticSpec::answers_to(document.kind()) {
        return Ok(Vec::new());
    }
    let keys = document.read::<StaticSpec>()?.spec.keys;
    Ok(missing_keys(&keys).map(|it| document.path().append(&it)).into_iter().collect())
}

/// Makes the secrets that a provider's document lacks, by their paths in the file.
///
/// A key pair comes with both parts; both have to be written.
///
/// # Errors
///
/// If the document cannot be read, or there are no random numbers.
pub fn generate_secrets(
    document: &Document,
    orb: &str,
    random: &mut dyn CryptoRngCore,
) -> Result<BTreeMap<FieldPath, Secret>> {
    let mut made = BTreeMap::new();
    for private in missing_secrets(document)? {
        let comment = format!("orbos maintenance {}", orb.replace(char::is_whitespace, " "));
        let pair = orbos_secrets::generate::ssh_key_pair(&comment, random)
            .map_err(|error| Error::failed(format!("generating {private}"), "try again").because(error))?;
        let keys = private.parent().expect("the path of a key has the keys above it");
        made.insert(keys.join("maintenancekeypublic"), Secret::from_text(pair.public));
        made.insert(private, pair.private);
    }
    Ok(made)
}

/// What has to change in the file so that a human's request about a machine is not asked for any more; empty if
/// it is not asked for.
///
/// Documents of unknown kinds ask for nothing.
///
/// # Errors
///
/// If the document cannot be read.
pub fn consume_edits(document: &Document, machine: &MachineId, request: Request) -> Result<Vec<FieldEdit>> {
    if !StaticSpec::answers_to(document.kind()) {
        return Ok(Vec::new());
    }
    let pools = document.read::<StaticSpec>()?.spec.pools;
    let mut listed = pools.get(&machine.pool.pool).into_iter().flatten().enumerate();
    let Some((index, listed)) = listed.find(|(_, it)| it.id.as_str() == machine.name) else {
        return Ok(Vec::new());
    };
    let (field, asked) = match request {
        Request::Reboot => ("rebootrequired", listed.rebootrequired),
        Request::Replace => ("replacementrequired", listed.replacementrequired),
    };
    let pool = document.path().join("spec").join("pools").join(machine.pool.pool.as_str());
    let edit = || FieldEdit::Set(pool.join(index).join(field), false.into());
    Ok(asked.then(edit).into_iter().collect())
}

fn missing_keys(keys: &StaticKeys) -> Option<FieldPath> {
    let path: FieldPath = ["spec", "keys", "maintenancekeyprivate"].into_iter().collect();
    keys.lacks_maintenance_key().then_some(path)
}
