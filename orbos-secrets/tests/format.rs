//! Our own format: what opens, and what each kind of damage is called.

use orbos_secrets::{Cipher, Error, OrbCipher, OrbKey, Place, Sealed, Secret, generate::OsRng};
use proptest::prelude::*;
use rand_core::{CryptoRng, RngCore};

fn place() -> Place {
    Place::new("orb", "orbiter.yml", "clusters.k8s.spec.kubeconfig")
}

fn cipher() -> OrbCipher {
    OrbCipher::new(OrbKey::generate(&mut OsRng).expect("random numbers"), None)
}

fn sealed(encryption: &str, value: &str) -> Sealed {
    serde_yaml::from_str(&format!("encryption: {encryption}\nencoding: Base64\nvalue: {value:?}\n"))
        .expect("the shape of a sealed value")
}

/// Counts up, so that a test sees the same bytes in every run.
struct Counting(u8);

impl RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counting {}

#[test]
fn the_format_stays_as_it_is() {
    let key = OrbKey::from_secret(&Secret::new([7; 32])).unwrap();
    let cipher = OrbCipher::new(key, None).with_random(Counting(0));
    let sealed = cipher.seal(&Secret::from_text("hello orb"), &place()).unwrap();
    assert_eq!(serde_yaml::to_string(&sealed).unwrap(), include_str!("data/version-1.yml"));
}

#[test]
fn sealing_twice_gives_different_values() {
    let cipher = cipher();
    let secret = Secret::from_text("hello orb");
    assert_ne!(cipher.seal(&secret, &place()).unwrap(), cipher.seal(&secret, &place()).unwrap());
}

#[test]
fn the_length_shows_only_roughly() {
    let cipher = cipher();
    let length = |text: &str| cipher.seal(&Secret::from_text(text), &place()).unwrap().value().len();
    assert_eq!(length(""), length("thirty-one characters, not more"));
    assert!(length("") < length("thirty-two characters, even more"));
}

#[test]
fn another_key_is_named() {
    let (ours, theirs) = (cipher(), cipher());
    let value = theirs.seal(&Secret::from_text("hello orb"), &place()).unwrap();
    let error = ours.open(&value, &place()).unwrap_err();
    assert!(matches!(&error, Error::WrongKey { sealed_with, have, .. }
        if *sealed_with == theirs.orb_key().id() && *have == ours.orb_key().id()));
    assert!(error.to_string().contains(&theirs.orb_key().id().to_string()), "{error}");
}

#[test]
fn a_value_that_was_moved_is_called_moved() {
    let cipher = cipher();
    let value = cipher.seal(&Secret::from_text("hello orb"), &place()).unwrap();
    for elsewhere in [
        Place { orb: "another".into(), ..place() },
        Place { file: "boom.yml".into(), ..place() },
        Place { path: "clusters.other.spec.kubeconfig".into(), ..place() },
    ] {
        let error = cipher.open(&value, &elsewhere).unwrap_err();
        assert!(matches!(&error, Error::Moved { place } if *place == elsewhere), "{error}");
    }
}

#[test]
fn an_altered_value_is_called_altered() {
    let cipher = cipher();
    let value = cipher.seal(&Secret::from_text("hello orb"), &place()).unwrap();
    let text = value.value();
    let cut = &text[..text.len() - 4];
    let flipped =
        format!("{}{}{}", &text[..150], if &text[150..151] == "A" { "B" } else { "A" }, &text[151..]);
    for damaged in ["", "!", "AQ==", cut, &flipped] {
        let error = cipher.open(&sealed("AES256-GCM", damaged), &place()).unwrap_err();
        assert!(matches!(error, Error::Altered { .. }), "{damaged}: {error}");
    }
}

#[test]
fn an_unknown_encryption_or_version_is_refused_by_name() {
    let cipher = cipher();
    let error = cipher.open(&sealed("ROT13", "uryyb"), &place()).unwrap_err();
    assert!(error.to_string().contains("unknown encryption \"ROT13\""), "{error}");
    let error = cipher.open(&sealed("AES256-GCM", "AgAA"), &place()).unwrap_err();
    assert!(error.to_string().contains("unknown encryption \"AES256-GCM version 2\""), "{error}");
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    let error = OrbKey::from_secret(&Secret::new([1; 31])).unwrap_err();
    assert!(matches!(error, Error::OrbKeySize { bytes: 31 }));
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_at_its_place_and_nowhere_else(
        bytes: Vec<u8>, orb: String, file: String, path: String, other: String,
    ) {
        let cipher = cipher();
        let (secret, place) = (Secret::new(bytes), Place::new(orb, file, path));
        let sealed = cipher.seal(&secret, &place).unwrap();
        prop_assert_eq!(&cipher.open(&sealed, &place).unwrap(), &secret);

        let yaml = serde_yaml::to_string(&sealed).unwrap();
        prop_assert_eq!(&serde_yaml::from_str::<Sealed>(&yaml).unwrap(), &sealed);

        if other != place.path {
            let moved = matches!(cipher.open(&sealed, &Place { path: other, ..place }), Err(Error::Moved { .. }));
            prop_assert!(moved);
        }
    }

    #[test]
    fn no_document_makes_opening_panic(encryption in "AES256(-GCM)?|.*", encoding in "Base64|.*", value in "A?[A-Za-z0-9_-]*=?=?|.*") {
        let yaml = serde_yaml::to_string(&std::collections::BTreeMap::from([
            ("encryption", encryption), ("encoding", encoding), ("value", value),
        ])).unwrap();
        let sealed: Sealed = serde_yaml::from_str(&yaml).unwrap();
        prop_assert!(cipher().open(&sealed, &place()).is_err());
    }
}
