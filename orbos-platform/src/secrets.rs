//! Secrets of the desired file, as tools get to know them.

use std::collections::BTreeMap;

use orbos_secrets::{Existing, Sealed, Secret};

use crate::Error;

/// What was opened of the file's secrets, and what was read of Secrets that the file names.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    opened: BTreeMap<String, Secret>,
    unopened: BTreeMap<String, String>,
    read: BTreeMap<(String, String), Secret>,
    unread: BTreeMap<(String, String), String>,
    placeholders: bool,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The file has it: the tool puts it into a Secret of its own.
    Given(Secret),
    /// A Secret on the cluster has it, in the tools' namespace.
    Existing(Existing),
}

impl Secrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// `[secret]` in place of every secret, for looking at what would be applied.
    pub fn placeholders() -> Self {
        Self { placeholders: true, ..Self::default() }
    }

    /// Adds what stands at a path of the file, like `spec.monitoring.admin.password`.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, secret: Secret) -> Self {
        self.opened.insert(path.into(), secret);
        self
    }

    /// Notes why what stands at a path could not be opened.
    #[must_use]
    pub fn without(mut self, path: impl Into<String>, why: impl Into<String>) -> Self {
        self.unopened.insert(path.into(), why.into());
        self
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.opened.extend(others.opened.clone());
        self.unopened.extend(others.unopened.clone());
        self.read.extend(others.read.clone());
        self.unread.extend(others.unread.clone());
        self.placeholders |= others.placeholders;
        self
    }

    /// Adds what a key of a Secret on the cluster has.
    #[must_use]
    pub fn with_read(mut self, existing: &Existing, secret: Secret) -> Self {
        self.read.insert((existing.name.clone(), existing.key.clone()), secret);
        self
    }

    /// Notes why a key of a Secret on the cluster could not be read.
    #[must_use]
    pub fn unreadable(mut self, existing: &Existing, why: impl Into<String>) -> Self {
        self.unread.insert((existing.name.clone(), existing.key.clone()), why.into());
        self
    }

    pub(crate) fn supply(
        &self,
        field: &str,
        sealed: Option<&Sealed>,
        existing: Option<&Existing>,
    ) -> Result<Option<Supply>, Error> {
        let sealed = sealed.filter(|it| !it.value().is_empty());
        let existing = existing.filter(|it| !it.name.is_empty());
        let wrong = |why: &str| Err(Error::Secret { field: field.to_owned(), why: why.to_owned() });
        match (sealed, existing) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => wrong("there is a value and a reference to a Secret; remove one of them"),
            (None, Some(existing)) => match existing.check() {
                Ok(()) => Ok(Some(Supply::Existing(existing.clone()))),
                Err(error) => wrong(&error.to_string()),
            },
            (Some(_), None) => match self.opened.get(field) {
                Some(secret) => Ok(Some(Supply::Given(secret.clone()))),
                None if self.placeholders => Ok(Some(Supply::Given(Secret::from_text("[secret]")))),
                None => wrong(self.unopened.get(field).map_or("nothing at hand opens it", String::as_str)),
            },
        }
    }

    /// A supply that somebody generates before anything is applied; with placeholders it is there already.
    ///
    /// # Errors
    ///
    /// `why`, if it is not there.
    pub fn generated(&self, field: &str, supply: Option<Supply>, why: &str) -> Result<Supply, Error> {
        match supply {
            Some(supply) => Ok(supply),
            None if self.placeholders => Ok(Supply::Given(Secret::from_text("[secret]"))),
            None => Err(Error::Secret { field: field.to_owned(), why: why.to_owned() }),
        }
    }

    /// The secret itself, also if a Secret on the cluster has it.
    ///
    /// # Errors
    ///
    /// If that Secret or its key is not there.
    pub fn value(&self, field: &str, supply: &Supply) -> Result<Secret, Error> {
        match supply {
            Supply::Given(secret) => Ok(secret.clone()),
            Supply::Existing(Existing { name, key, .. }) => {
                match self.read.get(&(name.clone(), key.clone())) {
                    Some(secret) => Ok(secret.clone()),
                    None if self.placeholders => Ok(Secret::from_text("[secret]")),
                    None => {
                        let unread = self.unread.get(&(name.clone(), key.clone())).cloned();
                        let why =
                            unread.unwrap_or_else(|| format!("there is no key `{key}` in a Secret `{name}`"));
                        Err(Error::Secret { field: field.to_owned(), why })
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_there_among_placeholders_only() {
        let secrets = Secrets::placeholders();
        assert!(matches!(secrets.generated("a", None, "generate it"), Ok(Supply::Given(_))));
        let error = Secrets::new().generated("a", None, "generate it").unwrap_err();
        assert_eq!(error.to_string(), "a: generate it");
    }

    #[test]
    fn a_reference_that_can_not_be_one_is_refused() {
        let existing = Existing { name: "Upper".to_owned(), key: "key".to_owned(), internal_name: None };
        let error = Secrets::placeholders().supply("a", None, Some(&existing)).unwrap_err();
        assert!(matches!(error, Error::Secret { .. }), "{error}");
    }
}
