use crate::{Cipher, Place, Result, Sealed};
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// The places whose values hold the same secret, in groups of two or more; each should have a secret of its own.
///
/// # Errors
///
/// What opening the first bad value reported, with its place.
pub fn shared_secrets<'a>(
    cipher: &dyn Cipher,
    values: impl IntoIterator<Item = (&'a Place, &'a Sealed)>,
) -> Result<Vec<Vec<Place>>> {
    let mut places = BTreeMap::<Vec<u8>, Vec<Place>>::new();
    for (place, sealed) in values {
        let secret = cipher.open(sealed, place)?;
        places.entry(digest(&SHA256, secret.expose()).as_ref().to_vec()).or_default().push(place.clone());
    }
    let mut groups: Vec<_> = places.into_values().filter(|places| places.len() > 1).collect();
    groups.iter_mut().for_each(|places| places.sort());
    // By place, since an order by hash would say something about the secrets.
    groups.sort();
    Ok(groups)
}
