//! Who can open an orb, who cannot any more, and what is noticed.

use orbos_secrets::{
    Error, Identity, Keyring, OrbKey, Passphrase, Recipient, Result, Secret, Stretching, generate::OsRng,
};
use std::cell::Cell;

/// As little work as possible; what is tested here does not depend on it.
const QUICK: Stretching = Stretching { memory: 8, passes: 1 };

fn known_by(passphrase: &str) -> Recipient {
    Recipient::passphrase(&Secret::from_text(passphrase), QUICK, &mut OsRng).expect("a passphrase")
}

fn knows(passphrase: &str) -> Passphrase {
    Passphrase::new(Secret::from_text(passphrase))
}

fn keyring() -> (Keyring, OrbKey) {
    let recipients = [("alice", known_by("of alice")), ("bob", known_by("of bob"))];
    Keyring::create(recipients, &mut OsRng).expect("two recipients")
}

#[test]
fn everybody_opens_the_same_key_and_nobody_else_does() {
    let (keyring, key) = keyring();
    for passphrase in ["of alice", "of bob"] {
        assert_eq!(keyring.open(&[&knows(passphrase)]).unwrap().to_secret(), key.to_secret());
    }
    let error = keyring.open(&[&knows("of mallory")]).unwrap_err();
    assert!(matches!(error, Error::NoRecipientOpens { .. }));
    assert!(error.to_string().contains("alice (passphrase), bob (passphrase)"), "{error}");
}

#[test]
fn any_of_several_identities_opens() {
    let (keyring, key) = keyring();
    assert_eq!(keyring.open(&[&knows("of mallory"), &knows("of bob")]).unwrap().id(), key.id());
}

#[test]
fn line_breaks_around_a_passphrase_do_not_count() {
    let (keyring, key) = keyring();
    assert_eq!(keyring.open(&[&knows("of bob\n")]).unwrap().id(), key.id());
}

#[test]
fn stretching_is_on_by_default() {
    let Stretching { memory, passes } = Stretching::default();
    assert_eq!((memory, passes), (65_536, 3));
    let passphrase = Secret::from_text("of alice");
    let alice = Recipient::passphrase(&passphrase, Stretching::default(), &mut OsRng).unwrap();
    let (keyring, key) = Keyring::create([("alice", alice)], &mut OsRng).unwrap();
    assert_eq!(keyring.open(&[&Passphrase::new(passphrase)]).unwrap().id(), key.id());
}

#[test]
fn a_keyring_written_and_read_again_is_the_same() {
    let (keyring, key) = keyring();
    let yaml = serde_yaml::to_string(&keyring).unwrap();
    let read: Keyring = serde_yaml::from_str(&yaml).unwrap();
    assert_eq!(read, keyring);
    assert_eq!(read.open(&[&knows("of alice")]).unwrap().id(), key.id());
    assert!(
        yaml.starts_with(&format!("key: {}\nrecipients:\n- name: alice\n  passphrase:\n", key.id())),
        "{yaml}"
    );
}

#[test]
fn an_added_recipient_opens_the_same_key() {
    let (mut keyring, key) = keyring();
    keyring.add(&key, "carol", known_by("of carol"), &mut OsRng).unwrap();
    for passphrase in ["of alice", "of bob", "of carol"] {
        assert_eq!(keyring.open(&[&knows(passphrase)]).unwrap().id(), key.id());
    }
}

#[test]
fn removing_a_recipient_makes_a_new_key_that_they_cannot_open() {
    let (keyring, key) = keyring();
    let (after, new) = keyring.remove(&key, "bob", &mut OsRng).unwrap();
    assert_ne!(new.id(), key.id());
    assert_eq!(after.open(&[&knows("of alice")]).unwrap().id(), new.id());
    assert!(matches!(after.open(&[&knows("of bob")]), Err(Error::NoRecipientOpens { .. })));
    assert_eq!(keyring.open(&[&knows("of bob")]).unwrap().id(), key.id(), "the old keyring stays as it was");
}

#[test]
fn rotating_keeps_the_recipients_and_needs_none_of_their_passphrases() {
    let (keyring, key) = keyring();
    let (after, new) = keyring.rotate(&key, &mut OsRng).unwrap();
    assert_ne!(new.id(), key.id());
    assert_eq!(after.open(&[&knows("of bob")]).unwrap().id(), new.id());
    assert_eq!(after.recipients().map(|(name, _)| name).collect::<Vec<_>>(), ["alice", "bob"]);
}

#[test]
fn nobody_can_lock_everybody_out() {
    let (keyring, key) = keyring();
    let (one, key) = keyring.remove(&key, "alice", &mut OsRng).unwrap();
    let error = one.remove(&key, "bob", &mut OsRng).unwrap_err();
    assert!(error.to_string().contains("it is the last one"), "{error}");
    assert!(Keyring::create(Vec::<(String, Recipient)>::new(), &mut OsRng).is_err());
}

#[test]
fn names_are_unique_and_have_one_line() {
    let (mut keyring, key) = keyring();
    let before = keyring.clone();
    for name in ["alice", "", " ", "two\nlines"] {
        let error = keyring.add(&key, name, known_by("x"), &mut OsRng).unwrap_err();
        assert!(matches!(error, Error::Recipient { .. }), "{name}");
    }
    assert_eq!(keyring, before);
    let error = keyring.remove(&key, "mallory", &mut OsRng).unwrap_err();
    assert!(error.to_string().contains("alice (passphrase), bob (passphrase)"), "{error}");
}

/// A repository's writer without the orb's key can do neither: slip in a recipient for the next rotation,
/// take one away, exchange two, or rename one.
#[test]
fn a_keyring_changed_without_the_key_is_refused() {
    let (keyring, key) = keyring();
    let original = serde_yaml::to_value(&keyring).unwrap();
    let mallory =
        serde_yaml::to_value(Keyring::create([("mallory", known_by("m"))], &mut OsRng).unwrap().0).unwrap();

    let change = |edit: &dyn Fn(&mut Vec<serde_yaml::Value>)| {
        let mut changed = original.clone();
        edit(changed["recipients"].as_sequence_mut().unwrap());
        serde_yaml::from_value::<Keyring>(changed).unwrap()
    };
    let changed = [
        change(&|recipients| recipients.push(mallory["recipients"][0].clone())),
        change(&|recipients| drop(recipients.remove(1))),
        change(&|recipients| recipients.swap(0, 1)),
        change(&|recipients| recipients[1]["name"] = "bobby".into()),
        change(&|recipients| recipients[1]["sealed"] = recipients[0]["sealed"].clone()),
        change(&|recipients| {
            recipients[1]["passphrase"]["public"] = mallory["recipients"][0]["passphrase"]["public"].clone()
        }),
    ];
    for mut keyring in changed {
        assert!(matches!(keyring.open(&[&knows("of alice")]), Err(Error::KeyringAltered)));
        assert!(matches!(keyring.verify(&key), Err(Error::KeyringAltered)));
        assert!(keyring.add(&key, "carol", known_by("c"), &mut OsRng).is_err());
        assert!(keyring.remove(&key, "alice", &mut OsRng).is_err());
        assert!(keyring.rotate(&key, &mut OsRng).is_err());
    }
}

#[test]
fn a_keyring_cannot_make_its_reader_work_without_end() {
    let (keyring, _) = keyring();
    for (field, value) in [("memory", u32::MAX), ("passes", 1_000_000), ("memory", 0), ("passes", 0)] {
        let mut changed = serde_yaml::to_value(&keyring).unwrap();
        changed["recipients"][0]["passphrase"][field] = value.into();
        let keyring: Keyring = serde_yaml::from_value(changed).unwrap();
        let error = keyring.open(&[&knows("of alice")]).unwrap_err();
        assert!(error.to_string().contains("memory can be 8 to 1048576 KiB"), "{error}");
    }
}

#[derive(Debug)]
struct LockedCard(Cell<u32>);

impl Identity for LockedCard {
    fn open(&self, _: &Recipient, _: &str) -> Result<Option<Secret>> {
        self.0.set(self.0.get() + 1);
        Err(Error::Identity { why: "the card is locked" })
    }
}

#[test]
fn an_identity_that_failed_is_not_tried_again() {
    let (keyring, key) = keyring();
    let card = LockedCard(Cell::new(0));
    assert!(keyring.open(&[&card]).unwrap_err().to_string().contains("the card is locked"));
    assert_eq!(card.0.get(), 1);
    assert_eq!(keyring.open(&[&card, &knows("of bob")]).unwrap().id(), key.id());
}

#[test]
fn an_empty_passphrase_is_refused() {
    for empty in ["", "\n"] {
        assert!(Recipient::passphrase(&Secret::from_text(empty), QUICK, &mut OsRng).is_err());
    }
}

#[test]
fn text_that_is_no_recipient_is_refused_with_what_would_be() {
    for text in
        ["", "hello", "age1nonsense", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ssh-ed25519 AAAA\nssh-rsa BBBB"]
    {
        assert!(matches!(Recipient::parse(text), Err(Error::Recipient { .. })), "{text}");
    }
}
