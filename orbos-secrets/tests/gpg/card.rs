//! A keyring for a smart card: one in software with a key that `gpg` made.

use crate::home::{Home, text};
use orbos_secrets::{
    Error, Keyring, OpenPgpCard, Recipient, Secret,
    card_backend::{CardBackend, CardCaps, CardTransaction, SmartcardError},
    generate::OsRng,
    testing::SoftwareCard,
};
use std::sync::{Arc, Mutex};

const PIN: &str = "123456";

fn insert(chip: &SoftwareCard, pin: &'static str) -> (OpenPgpCard, Arc<Mutex<Vec<u8>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asked_here = Arc::clone(&asked);
    let card = OpenPgpCard::new(chip.insert(), move |tries_left| {
        asked_here.lock().expect("no test panics here").push(tries_left);
        Some(text(pin))
    });
    (card.expect("the card answers"), asked)
}

/// A key that `gpg` made, moved to a card, and a keyring sealed for its certificate.
fn alice() -> (SoftwareCard, Keyring, orbos_secrets::OrbKey) {
    let home = Home::new(&[]);
    let key = ["--batch", "--passphrase", "", "--quick-generate-key", "alice@example.com", "future-default"];
    home.run("gpg", &[key.as_slice(), &["default", "never"]].concat(), b"");
    let armored = home.run("gpg", &["--batch", "--armor", "--export"], b"");
    let recipient =
        Recipient::parse(std::str::from_utf8(&armored).expect("armor is ASCII")).expect("a certificate");
    let (keyring, orb_key) = Keyring::create([("alice", recipient)], &mut OsRng).expect("one recipient");
    let private = Secret::new(home.run("gpg", &["--batch", "--export-secret-keys"], b""));
    (SoftwareCard::new(&private, text(PIN)).expect("a key for Curve25519"), keyring, orb_key)
}

#[test]
fn a_card_opens_a_keyring_with_its_pin() {
    let (chip, keyring, orb_key) = alice();
    let (card, asked) = insert(&chip, PIN);
    assert_eq!(keyring.open(&[&card]).unwrap().id(), orb_key.id());
    assert_eq!(*asked.lock().unwrap(), [3]);
    assert_eq!((chip.count("verify"), chip.count("decipher"), chip.count("unknown")), (1, 1, 0));
}

#[test]
fn a_wrong_pin_costs_one_try_and_says_how_many_are_left() {
    let (chip, keyring, orb_key) = alice();
    let (card, asked) = insert(&chip, "654321");
    let error = keyring.open(&[&card]).unwrap_err();
    assert!(error.to_string().contains("the PIN is wrong, 2 tries are left"), "{error}");
    assert_eq!(*asked.lock().unwrap(), [3]);
    assert_eq!((chip.count("verify"), chip.count("decipher")), (1, 0));
    assert_eq!(keyring.open(&[&insert(&chip, PIN).0]).unwrap().id(), orb_key.id());
}

#[test]
fn a_card_that_is_locked_is_left_alone() {
    let (chip, keyring, _) = alice();
    let (card, _) = insert(&chip, "654321");
    for expected in ["2 tries are left", "1 tries are left", "it is locked"] {
        let error = keyring.open(&[&card]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let (card, asked) = insert(&chip, PIN);
    let error = keyring.open(&[&card]).unwrap_err();
    assert!(matches!(error, Error::Card { .. }) && error.to_string().contains("it is locked"), "{error}");
    assert!(asked.lock().unwrap().is_empty(), "nobody is asked for a PIN in vain");
    assert_eq!(chip.count("verify"), 3);
}

#[test]
fn a_card_of_somebody_else_is_never_asked_for_its_pin() {
    let ((chip, ..), (_, keyring, _)) = (alice(), alice());
    let (card, asked) = insert(&chip, PIN);
    assert!(matches!(keyring.open(&[&card]), Err(Error::NoRecipientOpens { .. })));
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(chip.count("verify"), 0);
}

#[test]
fn without_a_pin_the_card_is_not_asked() {
    let (chip, keyring, _) = alice();
    let card = OpenPgpCard::new(chip.insert(), |_| None).unwrap();
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
