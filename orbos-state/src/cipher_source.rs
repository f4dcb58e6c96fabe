//! What opens and seals the secrets of an orb's files.

use std::{fmt::Debug, sync::Arc};

use orbos_secrets::Cipher;

use crate::{Result, Snapshot};

/// Finds what opens and seals the secrets of a revision, since an orb's key may be another one in the next.
///
/// A secret is always sealed with the key of the revision that it is written onto, so that nothing is ever lost to
/// a rotation that happens at the same time.
pub trait CipherSource: Debug + Send + Sync + 'static {
    /// What opens and seals the secrets of a revision. Asked often, so what takes long should be remembered.
    ///
    /// # Errors
    ///
    /// If nothing at hand opens the orb's key of that revision.
    fn cipher_of(&self, files: &Snapshot) -> Result<Arc<dyn Cipher>>;
}

/// The same for all revisions, for an orb whose key never changes.
impl CipherSource for Arc<dyn Cipher> {
    fn cipher_of(&self, _: &Snapshot) -> Result<Arc<dyn Cipher>> {
        Ok(Arc::clone(self))
    }
}
