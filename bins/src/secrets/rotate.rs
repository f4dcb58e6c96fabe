//! A new key for an orb, and every value sealed with it, in one commit.

use std::collections::BTreeMap;

use orbos_secrets::{Cipher, Error as SecretError, Keyring, OrbCipher, OrbKey, Sealed};
use orbos_state::{Edit, Error, FieldPath, Snapshot};

use super::{Inventory, rewrite};
use crate::session::Unlocked;

/// What a rotation would write.
#[derive(Debug)]
pub struct Rotated {
    /// The keyring with the new key, and every file with values.
    pub edit: Edit,
    /// The new key.
    pub key: OrbKey,
    /// How many values were sealed anew.
    pub values: usize,
    /// How many files they stand in.
    pub files: usize,
}

/// Puts a new keyring and every value, sealed with its key, into one commit.
///
/// # Errors
///
/// With file, line and path if a value does not open; if a file cannot be read.
pub fn rotate(
    subject: &str,
    orb: &str,
    files: &Snapshot,
    from: &OrbCipher,
    (keyring, key): (Keyring, OrbKey),
) -> Result<Rotated, Error> {
    let to = OrbCipher::new(key.clone(), None);
    let (texts, values) = reseal_files(orb, files, from, &to)?;
    let count = texts.len();
    let edit = texts.into_iter().fold(Edit::new(subject), |edit, (path, text)| edit.write(path, text));
    let edit = edit.body(format!("{values} values in {count} files are sealed with key {} now.", key.id()));
    let edit = Unlocked { key: key.clone(), keyring, created: true }.write(edit)?;
    Ok(Rotated { edit, key, values, files: count })
}

/// Every file with values, with its new text, and how many values were sealed anew.
///
/// # Errors
///
/// As for [`rotate`].
pub fn reseal_files(
    orb: &str,
    files: &Snapshot,
    from: &dyn Cipher,
    to: &dyn Cipher,
) -> Result<(BTreeMap<String, String>, usize), Error> {
    let inventory = Inventory::read(orb, files);
    inventory.complete()?;
    // A value that is passed over would never open again.
    inventory.unambiguous()?;
    let mut by_file = BTreeMap::<&str, Vec<(FieldPath, Sealed, Sealed)>>::new();
    for (item, sealed) in inventory.sealed() {
        let values = by_file.entry(item.place.file.as_str()).or_default();
        let secret = match from.open(sealed, &item.place) {
            Ok(secret) => secret,
            // An alias repeats a value that was opened where it stands.
            Err(SecretError::Moved { .. }) if values.iter().any(|(_, old, _)| old == sealed) => continue,
            Err(error) => return Err(item.wrong(error)),
        };
        let anew = to.seal(&secret, &item.place).map_err(|error| item.wrong(error))?;
        values.push((item.field.clone(), sealed.clone(), anew));
    }
    let values = by_file.values().map(Vec::len).sum();
    let mut texts = BTreeMap::new();
    for (path, values) in by_file {
        let text = files.text(path).expect("values were found in it");
        let invalid = |error| Error::invalid(path, "its values cannot be replaced").because(error);
        texts.insert(path.to_owned(), rewrite::replace(text, &values).map_err(invalid)?);
    }
    Ok((texts, values))
}
