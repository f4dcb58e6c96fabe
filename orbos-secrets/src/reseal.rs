use crate::{Cipher, Place, Result, Sealed};

/// Opens every value with one cipher and seals it at the same place with another: all of them, or none.
///
/// After a rotation of the orb's key, or to bring values of the original into our own format. Writes nothing:
/// what it returns, and the new keyring, belong into one commit.
///
/// # Errors
///
/// What opening or sealing the first bad value reported, with its place.
pub fn reseal<'a>(
    from: &dyn Cipher,
    to: &dyn Cipher,
    values: impl IntoIterator<Item = (&'a Place, &'a Sealed)>,
) -> Result<Vec<(Place, Sealed)>> {
    let reseal_one = |(place, sealed): (&Place, &Sealed)| {
        let secret = from.open(sealed, place)?;
        Ok((place.clone(), to.seal(&secret, place)?))
    };
    values.into_iter().map(reseal_one).collect()
}
