use crate::{Error, Identity, Recipient, Result, Secret, openpgp};
use card_backend::CardBackend;
use openpgp_card::{
    Card,
    ocard::{KeyType, StatusBytes},
    state::{Open, Transaction},
};
use openpgp_card_rpgp::CardSlot;
use pgp::{composed::Message, types::KeyDetails};
use secrecy::SecretString;
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

type AskPin = dyn Fn(u8) -> Option<Secret> + Send + Sync;
type Touch = dyn Fn() + Send + Sync;

/// An OpenPGP smart card that holds the private key.
///
/// The way to the card is a [`CardBackend`]. For card readers it is `card-backend-pcsc`, which needs the PC/SC
/// library; that is why the program brings it, and not this crate:
///
/// ```text
/// let backend = card_backend_pcsc::PcscBackend::card_backends(None)?.next().ok_or("no card")??;
/// let card = OpenPgpCard::new(backend, |tries_left| Some(ask(&format!("PIN ({tries_left} tries left)"))))?;
/// let orb_key = keyring.open(&[&card])?;
/// ```
pub struct OpenPgpCard {
    card: Mutex<Card<Open>>,
    pin: Box<AskPin>,
    touch: Box<Touch>,
}

impl OpenPgpCard {
    /// Opens the OpenPGP application on a card. `pin` is asked only when the card is really needed, and gets
    /// the number of tries that are left; `None` gives up.
    ///
    /// # Errors
    ///
    /// [`Card`](Error::Card) if there is no card or no OpenPGP application on it.
    pub fn new(
        backend: Box<dyn CardBackend + Send + Sync>,
        pin: impl Fn(u8) -> Option<Secret> + Send + Sync + 'static,
    ) -> Result<Self> {
        let card = Card::<Open>::new(backend).map_err(|error| {
            failed(format!(
                "no OpenPGP application answers ({error}); is the card inserted, and the right one?"
            ))
        })?;
        Ok(Self { card: Mutex::new(card), pin: Box::new(pin), touch: Box::new(|| ()) })
    }

    /// With something to do when the card waits to be touched, such as telling the user.
    #[must_use]
    pub fn with_touch(self, touch: impl Fn() + Send + Sync + 'static) -> Self {
        Self { touch: Box::new(touch), ..self }
    }

    /// One PIN, one try.
    fn verify(&self, card: &mut Card<Transaction<'_>>) -> Result<()> {
        let tries = |card: &mut Card<Transaction<'_>>| {
            card.pw_status_bytes().map(|status| status.err_count_pw1()).map_err(unexpected)
        };
        let left = tries(card)?;
        if left == 0 {
            return Err(locked());
        }
        let pin = (self.pin)(left).ok_or_else(|| failed("no PIN was given".into()))?;
        let pin = SecretString::from(pin.expose_text()?.to_owned());
        let Err(error) = card.verify_user_pin(pin) else { return Ok(()) };
        match error {
            openpgp_card::Error::CardStatus(StatusBytes::AuthenticationMethodBlocked) => Err(locked()),
            openpgp_card::Error::CardStatus(
                StatusBytes::PasswordNotChecked(_)
                | StatusBytes::SecurityStatusNotSatisfied
                | StatusBytes::ConditionOfUseNotSatisfied,
            ) => {
                card.invalidate_cache().map_err(unexpected)?;
                match tries(card)? {
                    0 => Err(locked()),
                    left => Err(failed(format!(
                        "the PIN is wrong, {left} tries are left; it was not tried again"
                    ))),
                }
            }
            error => Err(unexpected(error)),
        }
    }
}

impl Identity for OpenPgpCard {
    fn open(&self, recipient: &Recipient, sealed: &str) -> Result<Option<Secret>> {
        let Recipient::Openpgp(text) = recipient else { return Ok(None) };
        // What cannot be read is not this card's; others of the keyring may be.
        let Ok(certificate) = openpgp::certificate("card", text) else { return Ok(None) };
        let wanted = openpgp::encryption_key("card", &certificate)?.fingerprint();

        let mut card = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        let mut card = card.transaction().map_err(unexpected)?;
        let has = card.fingerprint(KeyType::Decryption).map_err(unexpected)?;
        if has.is_none_or(|has| has.as_bytes() != wanted.as_bytes()) {
            return Ok(None);
        }
        let (message, _) = Message::from_reader(sealed.as_bytes()).map_err(openpgp::damaged)?;
        self.verify(&mut card)?;
        let slot = CardSlot::init_from_card(&mut card, KeyType::Decryption, &*self.touch)
            .map_err(|error| failed(error.to_string()))?;
        let message = slot.decrypt_message(message).map_err(|error| failed(error.to_string()))?;
        openpgp::read(message, sealed.len()).map(Some)
    }
}

impl fmt::Debug for OpenPgpCard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OpenPgpCard")
    }
}

fn failed(why: String) -> Error {
    Error::Card { why }
}

fn locked() -> Error {
    failed("it is locked, no tries are left for its PIN; unblock it with `gpg --card-edit`, `passwd`".into())
}

fn unexpected(error: openpgp_card::Error) -> Error {
    failed(error.to_string())
}
