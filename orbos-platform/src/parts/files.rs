//! Secrets that pods read as files.

use std::collections::BTreeMap;

use orbos_secrets::Existing;
use serde_json::{Value, json};

use super::Parts;
use crate::{Error, Supply};

/// Secrets that pods read as files of one volume: what the file gives is put into one Secret of the tool, what is on the
/// cluster already is read from where it is.
#[derive(Clone, Debug, Default)]
pub struct SecretFiles {
    secret: String,
    given: BTreeMap<String, String>,
    existing: BTreeMap<String, Existing>,
}

impl SecretFiles {
    /// No files; `secret` is the name of the Secret for what the file gives.
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), ..Self::default() }
    }

    /// Adds a file. Its name is also the key in the Secret.
    ///
    /// # Errors
    ///
    /// If what `field` gives is no text.
    pub fn add(&mut self, file: impl Into<String>, field: &str, supply: Supply) -> Result<(), Error> {
        match supply {
            Supply::Given(secret) => {
                let text = secret.expose_text().map_err(|_| Error::Secret {
                    field: field.to_owned(),
                    why: "it is no text".to_owned(),
                })?;
                self.given.insert(file.into(), text.to_owned());
            }
            Supply::Existing(existing) => {
                self.existing.insert(file.into(), existing);
            }
        }
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.existing.is_empty()
    }

    /// What the file gives, for a fingerprint.
    pub fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// The sources of a projected volume. `folder` is empty or ends with a slash.
    pub fn sources(&self, folder: &str) -> Vec<Value> {
        let source =
            |secret: &str, items: Vec<Value>| json!({ "secret": { "name": secret, "items": items } });
        let given = self.given.keys().map(|it| json!({ "key": it, "path": format!("{folder}{it}") }));
        let given = (!self.given.is_empty()).then(|| source(&self.secret, given.collect()));
        let existing = self.existing.iter().map(|(file, it)| {
            source(&it.name, vec![json!({ "key": it.key, "path": format!("{folder}{file}") })])
        });
        given.into_iter().chain(existing).collect()
    }
}

impl Parts<'_> {
    /// Adds the Secret of what the file gives, if it gives something.
    pub fn secret_files(&mut self, files: &SecretFiles, component: &str) {
        if !files.given.is_empty() {
            self.secret(&files.secret, component, json!(files.given));
        }
    }
}
