//! Smart cards in readers, by PC/SC.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use card_backend_pcsc::PcscBackend;
use orbos_secrets::{OpenPgpCard, Secret};
use orbos_state::Error;

use crate::prompt;

/// The PINs that were typed, by the number of the reader, and how many tries were left before each was used.
#[derive(Debug, Default)]
pub(crate) struct KnownPins(Mutex<BTreeMap<usize, (Secret, u8)>>);

impl KnownPins {
    /// Asks once for every card. A PIN that was wrong has cost a try, so fewer are left, and it is not used again.
    fn ask(&self, reader: usize, left: u8) -> Option<Secret> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((pin, before)) = known.get(&reader)
            && left >= *before
        {
            return Some(pin.clone());
        }
        let tries = if left == 1 { "1 try".to_owned() } else { format!("{left} tries") };
        let pin = prompt::hidden(&format!("PIN of the smart card, {tries} left (not shown): ")).ok()??;
        known.insert(reader, (pin.clone(), left));
        Some(pin)
    }
}

/// Every card that is in a reader.
///
/// # Errors
///
/// If there is no reader, no card, or none with OpenPGP on it.
pub(crate) fn insert(pins: &Arc<KnownPins>) -> Result<Vec<OpenPgpCard>, Error> {
    const WHAT: &str = "using the smart card";
    let missing =
        |why: &str| Error::denied(WHAT, format!("{why}; is the reader connected, and the card in it?"));
    let backends = PcscBackend::card_backends(None)
        .map_err(|error| missing("there is no reader, or the service `pcscd` does not run").because(error))?;
    let (mut cards, mut refused) = (Vec::new(), None);
    for (reader, backend) in backends.enumerate() {
        let backend = match backend {
            Ok(backend) => backend,
            Err(error) => {
                refused = Some(missing("the card does not answer").because(error));
                continue;
            }
        };
        let pins = Arc::clone(pins);
        match OpenPgpCard::new(backend, move |left| pins.ask(reader, left)) {
            Ok(card) => cards.push(card),
            Err(error) => refused = Some(missing("no card has OpenPGP on it").because(error)),
        }
    }
    match refused {
        _ if !cards.is_empty() => Ok(cards),
        Some(error) => Err(error),
        None => Err(missing("there is no card")),
    }
}
