//! A smart card in software: it answers the APDUs of an OpenPGP card 3.4 with a Curve25519 key that `gpg` made.

use crate::home::{Home, text};
use orbos_secrets::{
    Error, Keyring, OpenPgpCard, Recipient,
    card_backend::{CardBackend, CardCaps, CardTransaction, PinType, SmartcardError},
    generate::OsRng,
};
use pgp::{
    composed::{Deserializable, SignedSecretKey},
    crypto::ecdh,
    types::{KeyDetails, PlainSecretParams, SecretParams},
};
use std::sync::{Arc, Mutex};
use x25519_dalek::{PublicKey, StaticSecret};

const PIN: &str = "123456";
const OK: &[u8] = &[0x90, 0x00];
const WRONG_PIN: &[u8] = &[0x69, 0x82];
const BLOCKED: &[u8] = &[0x69, 0x83];
const NOT_FOUND: &[u8] = &[0x6a, 0x88];
const NOT_SUPPORTED: &[u8] = &[0x6d, 0x00];

/// What is in the chip; it stays when the card is pulled and inserted again.
#[derive(Clone)]
struct Chip {
    private: StaticSecret,
    fingerprint: Vec<u8>,
    created: [u8; 4],
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tries: u8,
    verified: bool,
    /// Class and instruction of every command, and what it was about.
    log: Vec<String>,
}

fn tlv(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ 0..=0x7f => vec![short as u8],
        long => vec![0x81, u8::try_from(long).expect("short enough for one byte")],
    };
    [tag, &length, value].concat()
}

impl Chip {
    fn new(home: &Home, address: &str) -> Self {
        let exported = home.run("gpg", &["--batch", "--export-secret-keys", address], b"");
        let key = SignedSecretKey::from_bytes(exported.as_slice()).expect("a private key of gpg");
        let subkey = &key.secret_subkeys[0].key;
        let SecretParams::Plain(PlainSecretParams::ECDH(ecdh::SecretKey::Curve25519Legacy(secret))) =
            subkey.secret_params()
        else {
            panic!("gpg made another kind of key");
        };
        Self {
            private: StaticSecret::from(*secret.as_bytes()),
            fingerprint: subkey.fingerprint().as_bytes().to_vec(),
            created: subkey.created_at().as_secs().to_be_bytes(),
            state: Arc::new(Mutex::new(State { tries: 3, ..State::default() })),
        }
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

    fn answer(&self, command: &[u8]) -> Vec<u8> {
        let mut state = self.state.lock().expect("no test panics in a command");
        let data = command.get(5..).unwrap_or_default();
        let data = data.get(..usize::from(command.get(4).copied().unwrap_or(0))).unwrap_or_default();
        let (name, answer) = match command[..4] {
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
            [0x00, 0x2a, 0x80, 0x86] if state.verified => {
                // A6 { 7F49 { 86 { point } } }
                let point: [u8; 32] = data[data.len() - 32..].try_into().expect("a point");
                let shared = self.private.diffie_hellman(&PublicKey::from(point));
                ("decipher", [shared.as_bytes(), OK].concat())
            }
            [0x00, 0x2a, 0x80, 0x86] => ("decipher", WRONG_PIN.to_vec()),
            _ => ("unknown", NOT_SUPPORTED.to_vec()),
        };
        state.log.push(name.to_owned());
        answer
    }

    fn insert(&self, pin: &'static str) -> (OpenPgpCard, Arc<Mutex<Vec<u8>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asked_here = Arc::clone(&asked);
        let card = OpenPgpCard::new(Box::new(Reader(self.clone())), move |tries_left| {
            asked_here.lock().expect("no test panics here").push(tries_left);
            Some(text(pin))
        });
        (card.expect("the card answers"), asked)
    }

    fn count(&self, name: &str) -> usize {
        self.state.lock().expect("no test panics here").log.iter().filter(|entry| *entry == name).count()
    }
}

impl State {
    fn verify(&mut self, pin: &[u8]) -> Vec<u8> {
        self.verified = self.tries > 0 && pin == PIN.as_bytes();
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

/// A card reader with the card in it.
struct Reader(Chip);

struct Connection(Chip);

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

/// A key that `gpg` made, moved to a card, and a keyring sealed for its certificate.
fn alice() -> (Chip, Keyring, orbos_secrets::OrbKey) {
    let home = Home::new(&[]);
    let key = ["--batch", "--passphrase", "", "--quick-generate-key", "alice@example.com", "future-default"];
    home.run("gpg", &[key.as_slice(), &["default", "never"]].concat(), b"");
    let armored = home.run("gpg", &["--batch", "--armor", "--export"], b"");
    let recipient =
        Recipient::parse(std::str::from_utf8(&armored).expect("armor is ASCII")).expect("a certificate");
    let (keyring, orb_key) = Keyring::create([("alice", recipient)], &mut OsRng).expect("one recipient");
    (Chip::new(&home, "alice@example.com"), keyring, orb_key)
}

#[test]
fn a_card_opens_a_keyring_with_its_pin() {
    let (chip, keyring, orb_key) = alice();
    let (card, asked) = chip.insert(PIN);
    assert_eq!(keyring.open(&[&card]).unwrap().id(), orb_key.id());
    assert_eq!(*asked.lock().unwrap(), [3]);
    assert_eq!((chip.count("verify"), chip.count("decipher"), chip.count("unknown")), (1, 1, 0));
}

#[test]
fn a_wrong_pin_costs_one_try_and_says_how_many_are_left() {
    let (chip, keyring, orb_key) = alice();
    let (card, asked) = chip.insert("654321");
    let error = keyring.open(&[&card]).unwrap_err();
    assert!(error.to_string().contains("the PIN is wrong, 2 tries are left"), "{error}");
    assert_eq!(*asked.lock().unwrap(), [3]);
    assert_eq!((chip.count("verify"), chip.count("decipher")), (1, 0));
    assert_eq!(keyring.open(&[&chip.insert(PIN).0]).unwrap().id(), orb_key.id());
}

#[test]
fn a_card_that_is_locked_is_left_alone() {
    let (chip, keyring, _) = alice();
    let (card, _) = chip.insert("654321");
    for expected in ["2 tries are left", "1 tries are left", "it is locked"] {
        let error = keyring.open(&[&card]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let (card, asked) = chip.insert(PIN);
    let error = keyring.open(&[&card]).unwrap_err();
    assert!(matches!(error, Error::Card { .. }) && error.to_string().contains("it is locked"), "{error}");
    assert!(asked.lock().unwrap().is_empty(), "nobody is asked for a PIN in vain");
    assert_eq!(chip.count("verify"), 3);
}

#[test]
fn a_card_of_somebody_else_is_never_asked_for_its_pin() {
    let ((chip, ..), (_, keyring, _)) = (alice(), alice());
    let (card, asked) = chip.insert(PIN);
    assert!(matches!(keyring.open(&[&card]), Err(Error::NoRecipientOpens { .. })));
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(chip.count("verify"), 0);
}

#[test]
fn without_a_pin_the_card_is_not_asked() {
    let (chip, keyring, _) = alice();
    let card = OpenPgpCard::new(Box::new(Reader(chip.clone())), |_| None).unwrap();
    assert!(keyring.open(&[&card]).unwrap_err().to_string().contains("no PIN was given"));
    assert_eq!(chip.count("verify"), 0);
}

/// A reader without a card in it.
struct Empty;

impl CardBackend for Empty {
    fn limit_card_caps(&self, card_caps: CardCaps) -> CardCaps {
        card_caps
    }

    fn transaction(
        &mut self,
        _: Option<&[u8]>,
    ) -> Result<Box<dyn CardTransaction + Send + Sync + '_>, SmartcardError> {
        Err(SmartcardError::NoReaderFoundError)
    }
}

#[test]
fn a_card_that_is_not_there_is_reported_as_such() {
    let error = OpenPgpCard::new(Box::new(Empty), |_| Some(text(PIN))).unwrap_err();
    assert!(error.to_string().contains("is the card inserted"), "{error}");
}
