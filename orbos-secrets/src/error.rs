use crate::{KeyId, Place};

/// What sealing and opening return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a secret could not be sealed, opened or made; says what to do about it, and never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The value was sealed with another key of the orb, or for another orb.
    #[error(
        "opening {place}: it was sealed with key {sealed_with}, but the key at hand is {have}; fetch the newest \
         revision of the orb, or check that this is the right orb's key"
    )]
    WrongKey {
        /// What was opened.
        place: Place,
        /// The key that would open it.
        sealed_with: KeyId,
        /// The key that was tried.
        have: KeyId,
    },

    /// The master key does not open a value of the original's format.
    #[error(
        "opening {place}: the master key does not open it; check that the orbconfig's masterkey is this orb's, \
         or set the value again if it was altered"
    )]
    WrongMasterKey {
        /// What was opened.
        place: Place,
    },

    /// A value of the original's format was found, and no master key is at hand.
    #[error(
        "opening {place}: it has the original's format, which needs the master key; add `masterkey` to the orbconfig"
    )]
    NeedsMasterKey {
        /// What was opened.
        place: Place,
    },

    /// The value is intact, but was sealed for another path, file or orb.
    #[error(
        "opening {place}: the value was sealed for another place and copied here; set the secret again at this place"
    )]
    Moved {
        /// Where it was found.
        place: Place,
    },

    /// The value was truncated or altered after it was sealed.
    #[error("opening {place}: {why}; restore it from the repository's history, or set the secret again")]
    Altered {
        /// What was opened.
        place: Place,
        /// What is wrong with it.
        why: &'static str,
    },

    /// The value names an encryption that this version does not know.
    #[error(
        "opening {place}: unknown encryption {encryption:?}; valid are \"AES256-GCM\" and the original's \"AES256\". \
         It may have been written by a newer version"
    )]
    UnknownEncryption {
        /// What was opened.
        place: Place,
        /// What its `encryption` says.
        encryption: String,
    },

    /// None of the keyring's recipients is one of the identities at hand.
    #[error(
        "opening the keyring: none of its recipients opens with the passphrases and keys at hand: {recipients}; use \
         one of theirs, or ask one of them to add you"
    )]
    NoRecipientOpens {
        /// The names and kinds of its recipients.
        recipients: String,
    },

    /// The keyring was changed by somebody who does not have the orb's key, or it belongs to another key.
    #[error(
        "checking the keyring: it was altered by somebody without the orb's key, or belongs to another key; \
         restore `caos-internal/keyring.yml` from the repository's history, and find out who changed it"
    )]
    KeyringAltered,

    /// A recipient cannot be added, removed or sealed for.
    #[error("recipient {name}: {why}")]
    Recipient {
        /// Its name, or how it begins.
        name: String,
        /// What is wrong, and what would be right.
        why: String,
    },

    /// A private key or passphrase cannot be used.
    #[error("reading the private key: {why}")]
    Identity {
        /// What is wrong, and what would be right.
        why: &'static str,
    },

    /// A smart card is not there, is locked or refused.
    #[error("using the smart card: {why}")]
    Card {
        /// What is wrong, how many tries are left, and what to do about it.
        why: String,
    },

    /// An encrypted file cannot be read, although the right key may be at hand.
    #[error("opening {what}: {why}; restore it from the repository's history")]
    Damaged {
        /// What was opened.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },

    /// The secret is not UTF-8 text, but text was asked for.
    #[error("the secret is not UTF-8 text")]
    NotText,

    /// A master key has to have 1 to 32 bytes.
    #[error("the master key has {bytes} bytes, but can have 1 to 32")]
    MasterKeySize {
        /// How many it has.
        bytes: usize,
    },

    /// An orb key has to have 32 bytes.
    #[error("the orb key has {bytes} bytes, but needs 32")]
    OrbKeySize {
        /// How many it has.
        bytes: usize,
    },

    /// A reference to a Kubernetes secret is not complete or not valid.
    #[error("reference to the existing secret {name:?}: {why}")]
    Existing {
        /// The secret's name, as far as it was given.
        name: String,
        /// What is wrong, and what would be right.
        why: String,
    },

    /// An entry of a password store cannot be read or written.
    #[error("entry {name} of the password store: {why}")]
    Store {
        /// The entry.
        name: String,
        /// What is wrong, and what would be right.
        why: String,
    },

    /// A file of a password store cannot be read or written.
    #[error("file {path:?} of the password store")]
    StoreFile {
        /// The file, relative to the store; empty for the store itself.
        path: String,
        /// What the file system reported.
        source: std::io::Error,
    },

    /// The `gpg` program refused.
    #[error("running gpg: {why}")]
    Gpg {
        /// What it reported, and what to do about it.
        why: String,
    },

    /// This is not the name of a key.
    #[error("{text:?} is not the name of a key, which has 16 hexadecimal digits")]
    KeyId {
        /// How it begins.
        text: String,
    },

    /// What was asked for cannot be generated.
    #[error("generating {what}: {why}")]
    Generate {
        /// What should have been made.
        what: &'static str,
        /// Why it was not.
        why: String,
    },

    /// The source of random numbers failed; nothing was sealed.
    #[error("reading random numbers: {0}")]
    Random(rand_core::Error),
}
