//! Private keys that open an orb's secrets instead of its master key.

use std::{fs, path::Path};

use orbos_secrets::{AgeIdentity, Identity, Secret};
use orbos_state::Error;

use crate::prompt;

/// Reads an SSH private key, an age key file, or (feature `openpgp`) an armored OpenPGP key.
///
/// # Errors
///
/// If the file cannot be read, is none of them, or needs a passphrase that nobody can be asked for.
pub(crate) fn read(path: &Path) -> Result<Box<dyn Identity>, Error> {
    let what = || format!("reading the identity file {}", path.display());
    let bytes = fs::read(path)
        .map_err(|error| Error::denied(what(), "there has to be a key in it").because(error))?;
    let text = Secret::new(bytes);
    let unfit = |error| Error::denied(what(), "no key in it can be used").because(error);
    match parse(&text, None) {
        Ok(identity) => Ok(identity),
        Err(error) if error.to_string().contains("needs its passphrase") => {
            let question = format!("passphrase of {}: ", path.display());
            let Some(passphrase) = prompt::hidden(&question).map_err(|error| unfit_input(&what(), error))?
            else {
                return Err(unfit(error));
            };
            parse(&text, Some(&passphrase)).map_err(unfit)
        }
        Err(error) => Err(unfit(error)),
    }
}

fn unfit_input(what: &str, error: std::io::Error) -> Error {
    Error::denied(what, "its passphrase could not be asked for").because(error)
}

fn parse(text: &Secret, passphrase: Option<&Secret>) -> orbos_secrets::Result<Box<dyn Identity>> {
    #[cfg(feature = "openpgp")]
    if text.expose().trim_ascii_start().starts_with(b"-----BEGIN PGP PRIVATE KEY BLOCK-----") {
        return Ok(Box::new(orbos_secrets::OpenPgpKey::parse(text, passphrase)?));
    }
    Ok(Box::new(AgeIdentity::parse(text, passphrase)?))
}
