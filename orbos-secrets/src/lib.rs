//! Secrets at rest and in hand.
//!
//! In hand, a secret is a [`Secret`]: wiped on drop, never printed, never serialised. At rest it is a
//! [`Sealed`] value in a YAML document, encrypted with the orb's key and bound to its [`Place`], so that a
//! value copied to another path, file or orb does not open there. A [`Cipher`] goes from one to the other.
//!
//! ```
//! use orbos_secrets::{Cipher, OrbCipher, OrbKey, Place, Secret, generate::OsRng};
//!
//! let cipher = OrbCipher::new(OrbKey::generate(&mut OsRng)?, None);
//! let place = Place::new("example/orb", "orbiter.yml", "clusters.k8s.spec.kubeconfig");
//!
//! let sealed = cipher.seal(&Secret::from_text("apiVersion: v1"), &place)?;
//! assert_eq!(cipher.open(&sealed, &place)?.expose_text()?, "apiVersion: v1");
//!
//! let elsewhere = Place::new("example/orb", "orbiter.yml", "clusters.other.spec.kubeconfig");
//! assert!(cipher.open(&sealed, &elsewhere).is_err());
//! # Ok::<(), orbos_secrets::Error>(())
//! ```

mod aes;
#[cfg(feature = "age")]
mod age;
mod audit;
mod cipher;
mod error;
mod existing;
pub mod generate;
mod key;
mod keyring;
#[cfg(feature = "openpgp")]
mod openpgp;
mod original;
mod place;
mod reseal;
mod sealed;
mod secret;
mod slots;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tree;

#[cfg(feature = "age")]
pub use crate::age::AgeIdentity;
#[cfg(feature = "openpgp-card")]
pub use crate::openpgp::card::OpenPgpCard;
#[cfg(feature = "openpgp")]
pub use crate::openpgp::{OpenPgpKey, OpenPgpKeys};
pub use crate::{
    aes::ENCRYPTION,
    audit::shared_secrets,
    cipher::{Cipher, OrbCipher},
    error::{Error, Result},
    existing::Existing,
    key::{KeyId, OrbKey},
    keyring::{
        Identity, Keyring,
        passphrase::{Passphrase, Stretched, Stretching},
        recipient::Recipient,
    },
    original::{MasterKey, ORIGINAL_ENCRYPTION},
    place::Place,
    reseal::reseal,
    sealed::{ENCODING, Sealed},
    secret::Secret,
    slots::{Content, Generator, Made, Slot, SlotKind, Spot, generate_missing, list_slots, unused_values},
    store::{Entry, Files, OpenPgp, PasswordStore, folder::Folder, gpg::GpgProgram},
    tree::{Found, Step, Tree},
};
#[cfg(feature = "openpgp-card")]
pub use card_backend;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
