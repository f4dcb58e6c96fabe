//! A smart card in software, for tests of programs that use one.

use crate::{
    Error, Result, Secret,
    card_backend::{CardBackend, CardCaps, CardTransaction, PinType, SmartcardError},
};
use pgp::{
    composed::{Deserializable, SignedSecretKey},
    crypto::ecdh,
    types::{KeyDetails, PlainSecretParams, SecretParams},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use x25519_dalek::{PublicKey, StaticSecret};

const OK: &[u8] = &[0x90, 0x00];
const WRONG_PIN: &[u8] = &[0x69, 0x82];
const BLOCKED: &[u8] = &[0x69, 0x83];
const NOT_FOUND: &[u8] = &[0x6a, 0x88];
const NOT_SUPPORTED: &[u8] = &[0x6d, 0x00];

/// A card that answers the APDUs of an OpenPGP card 3.4 with a key for decryption on Curve25519. Clones are the
/// same card: what is in the chip stays when it is pulled and inserted again.
#[derive(Clone)]
pub struct SoftwareCard {
    private: StaticSecret,
    fingerprint: Vec<u8>,
    created: [u8; 4],
    state: Arc<Mutex<State>>,
}

struct State {
    pin: Secret,
    tries: u8,
    verified: bool,
    /// What every command was about.
    log: Vec<&'static str>,
}

impl SoftwareCard {
    /// A card with three tries for its PIN and the first subkey of a private key, as
    /// `gpg --export-secret-keys` writes it without a passphrase.
    ///
    /// # Errors
    ///
    /// [`Identity`](Error::Identity) if the subkey is not one for Curve25519.
    pub fn new(key: &Secret, pin: Secret) -> Result<Self> {
        let unfit = || Error::Identity { why: "the card needs a private key with a subkey for Curve25519" };
        let (key, _) = SignedSecretKey::from_reader_single(key.expose()).map_err(|_| unfit())?;
        let subkey = &key.secret_subkeys.first().ok_or_else(unfit)?.key;
        let SecretParams::Plain(PlainSecretParams::ECDH(ecdh::SecretKey::Curve25519Legacy(secret))) =
            subkey.secret_params()
        else {
            return Err(unfit());
        };
        Ok(Self {
            private: StaticSecret::from(*secret.as_bytes()),
            fingerprint: subkey.fingerprint().as_bytes().to_vec(),
            created: subkey.created_at().as_secs().to_be_bytes(),
            state: Arc::new(Mutex::new(State { pin, tries: 3, verified: false, log: Vec::new() })),
        })
    }

    /// A reader with this card in it.
    pub fn insert(&self) -> Box<dyn CardBackend + Send + Sync> {
        Box::new(Reader(self.clone()))
    }

    /// How often the card was asked for something: `select`, `application data`, `other data`, `verify` (a PIN),
    /// `public key`, `decipher`, or `unknown`.
    pub fn count(&self, command: &str) -> usize {
        self.state().log.iter().filter(|it| **it == command).count()
    }

    /// What the chip answers to a command APDU.
    pub fn answer(&self, command: &[u8]) -> Vec<u8> {
        let mut state = self.state();
        let data = command.get(5..).unwrap_or_default();
        let data = data.get(..usize::from(command.get(4).copied().unwrap_or(0))).unwrap_or_default();
        let (name, answer) = match command.get(..4).unwrap_or_default() {
            [0x00, 0xa4, 0x04, 0x00] => ("select", OK.to_vec()),
            [0x00, 0xca, 0x00, 0x6e] => {
                ("application data", [&self.application_data(state.tries), OK].concat())
            }
            [0x00, 0xca, ..] => ("other data", NOT_FOUND.to_vec()),
            [0x00, 0x20, 0x00, 0x82] => ("verify", state.verify(data)),
            [0x00, 0x47, 0x81, 0x00] => {
                let point = tlv(&[0x86], PublicKey::from(&self.private).as_bytes());
                ("public key", [tlv(&[0x7f, 0x49], &point).as_slice(), OK].concat())
            }
            [0x00, 0x2a, 0x80, 0x86] if state.verified => ("decipher", self.decipher(data)),
            [0x00, 0x2a, 0x80, 0x86] => ("decipher", WRONG_PIN.to_vec()),
            _ => ("unknown", NOT_SUPPORTED.to_vec()),
        };
        state.log.push(name);
        answer
    }

    /// The data is `A6 { 7F49 { 86 { point } } }`.
    fn decipher(&self, data: &[u8]) -> Vec<u8> {
        let Some(point) = data.last_chunk::<32>() else { return NOT_FOUND.to_vec() };
        let shared = self.private.diffie_hellman(&PublicKey::from(*point));
        [shared.as_bytes(), OK].concat()
    }

    fn application_data(&self, tries: u8) -> Vec<u8> {
        let (none, no_time) = ([0; 20], [0; 4]);
        let discretionary = [
            tlv(&[0xc0], &[0x7d, 0x00, 0x0b, 0xfe, 0x08, 0x00, 0x00, 0xff, 0x00, 0x00]),
            tlv(&[0xc1], &[0x16, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01]),
            tlv(&[0xc2], &[0x12, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01]),
            tlv(&[0xc3], &[0x16, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01]),
            tlv(&[0xc4], &[0x00, 0x7f, 0x7f, 0x7f, tries, 0x00, 0x03]),
            tlv(&[0xc5], &[&none, self.fingerprint.as_slice(), &none].concat()),
            tlv(&[0xc6], &[0; 60]),
            tlv(&[0xcd], &[no_time, self.created, no_time].concat()),
        ]
        .concat();
        let data = [
            tlv(&[0x4f], &[0xd2, 0x76, 0, 1, 0x24, 1, 3, 4, 0, 6, 0, 0, 0, 1, 0, 0]),
            tlv(&[0x5f, 0x52], &[0x00, 0x31, 0xf5, 0x73, 0xc0, 0x01, 0x80, 0x05, 0x90, 0x00]),
            tlv(&[0x73], &discretionary),
        ]
        .concat();
        tlv(&[0x6e], &data)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SoftwareCard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SoftwareCard")
    }
}

impl State {
    fn verify(&mut self, pin: &[u8]) -> Vec<u8> {
        self.verified = self.tries > 0 && Secret::new(pin.to_vec()) == self.pin;
        match (self.tries, self.verified) {
            (0, _) => BLOCKED.to_vec(),
            (_, true) => {
                self.tries = 3;
                OK.to_vec()
            }
            (_, false) => {
                self.tries -= 1;
                WRONG_PIN.to_vec()
            }
        }
    }
}

fn tlv(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(value.len()).expect("this card has nothing longer") {
        short @ 0..=0x7f => vec![short],
        long => vec![0x81, long],
    };
    [tag, &length, value].concat()
}

struct Reader(SoftwareCard);

struct Connection(SoftwareCard);

impl CardBackend for Reader {
    fn limit_card_caps(&self, card_caps: CardCaps) -> CardCaps {
        card_caps
    }

    fn transaction(
        &mut self,
        application: Option<&[u8]>,
    ) -> Result<Box<dyn CardTransaction + Send + Sync + '_>, SmartcardError> {
        let mut connection = Connection(self.0.clone());
        if let Some(application) = application {
            connection.select(application)?;
        }
        Ok(Box::new(connection))
    }
}

impl CardTransaction for Connection {
    fn transmit(&mut self, command: &[u8], _: usize) -> Result<Vec<u8>, SmartcardError> {
        Ok(self.0.answer(command))
    }

    fn feature_pinpad_verify(&self) -> bool {
        false
    }

    fn feature_pinpad_modify(&self) -> bool {
        false
    }

    fn pinpad_verify(&mut self, _: PinType, _: &Option<CardCaps>) -> Result<Vec<u8>, SmartcardError> {
        Err(SmartcardError::Error("no pin pad".into()))
    }

    fn pinpad_modify(&mut self, _: PinType, _: &Option<CardCaps>) -> Result<Vec<u8>, SmartcardError> {
        Err(SmartcardError::Error("no pin pad".into()))
    }

    fn was_reset(&self) -> bool {
        false
    }
}
