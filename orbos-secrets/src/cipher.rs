use crate::{Error, MasterKey, ORIGINAL_ENCRYPTION, OrbKey, Place, Result, Sealed, Secret, aes};
use rand_core::{CryptoRngCore, OsRng};
use std::{
    fmt::{self, Debug},
    sync::{Mutex, PoisonError},
};

/// Seals secrets for a place, and opens them there.
///
/// ```
/// use orbos_secrets::{Cipher, Error, Place, Sealed};
///
/// fn password(cipher: &dyn Cipher, sealed: &Sealed) -> Result<String, Error> {
///     let place = Place::new("example/orb", "boom.yml", "spec.monitoring.admin.password");
///     Ok(cipher.open(sealed, &place)?.expose_text()?.to_owned())
/// }
/// ```
pub trait Cipher: Debug + Send + Sync + 'static {
    /// Seals a secret; it opens at this place only. Two calls never give the same value.
    ///
    /// # Errors
    ///
    /// [`Random`](Error::Random) if there are no random numbers.
    fn seal(&self, secret: &Secret, place: &Place) -> Result<Sealed, Error>;

    /// Opens a sealed value.
    ///
    /// # Errors
    ///
    /// Says which if it was sealed with another key, for another place, in an unknown way, or was altered
    /// since; never gives out anything but what was sealed.
    fn open(&self, sealed: &Sealed, place: &Place) -> Result<Secret, Error>;
}

/// Seals with an orb's key, and also opens what the original sealed with a master key.
pub struct OrbCipher {
    orb_key: OrbKey,
    master_key: Option<MasterKey>,
    random: Mutex<Box<dyn CryptoRngCore + Send>>,
}

impl OrbCipher {
    /// A cipher with random numbers from the operating system.
    ///
    /// Without a master key it opens no values of the original. Those have no authentication: whoever can
    /// write to the repository can change them. Leave the master key away as soon as none are left.
    pub fn new(orb_key: OrbKey, master_key: Option<MasterKey>) -> Self {
        Self { orb_key, master_key, random: Mutex::new(Box::new(OsRng)) }
    }

    /// The same cipher with random numbers from elsewhere, for example to repeat a test.
    #[must_use]
    pub fn with_random(self, random: impl CryptoRngCore + Send + 'static) -> Self {
        Self { random: Mutex::new(Box::new(random)), ..self }
    }

    /// The key that new values are sealed with.
    pub fn orb_key(&self) -> &OrbKey {
        &self.orb_key
    }
}

impl Cipher for OrbCipher {
    fn seal(&self, secret: &Secret, place: &Place) -> Result<Sealed, Error> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        aes::seal(&self.orb_key, secret, place, &mut **random)
    }

    fn open(&self, sealed: &Sealed, place: &Place) -> Result<Secret, Error> {
        match (sealed.encryption(), &self.master_key) {
            (aes::ENCRYPTION, _) => aes::open(&self.orb_key, sealed, place),
            (ORIGINAL_ENCRYPTION | "", Some(master_key)) => master_key.open(sealed, place),
            (ORIGINAL_ENCRYPTION | "", None) => Err(Error::NeedsMasterKey { place: place.clone() }),
            (other, _) => {
                Err(Error::UnknownEncryption { place: place.clone(), encryption: other.to_owned() })
            }
        }
    }
}

impl Debug for OrbCipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OrbCipher")
            .field("orb_key", &self.orb_key)
            .field("master_key", &self.master_key)
            .finish_non_exhaustive()
    }
}
