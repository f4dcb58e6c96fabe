//! Generated secrets: what they look like, and that nothing but the given random numbers goes into them.

use orbos_secrets::{
    Error, OrbKey,
    generate::{self, OsRng},
};
use rand_core::{CryptoRng, RngCore};

/// Repeats one byte, or fails.
struct Repeated(Option<u8>);

impl RngCore for Repeated {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.try_fill_bytes(bytes).expect("random numbers");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        let byte = self.0.ok_or_else(|| rand_core::Error::new("out of entropy"))?;
        bytes.fill(byte);
        Ok(())
    }
}

impl CryptoRng for Repeated {}

#[test]
fn a_password_has_the_length_asked_for_and_needs_no_quoting() {
    for length in [12, 24, 100] {
        let password = generate::password(length, &mut OsRng).unwrap();
        let text = password.expose_text().unwrap();
        assert_eq!(text.len(), length);
        assert!(
            text.chars().all(|letter| letter.is_ascii_alphanumeric() && !"lIO019".contains(letter)),
            "{text}"
        );
    }
}

#[test]
fn every_letter_of_a_password_is_equally_likely() {
    let password = generate::password(56_000, &mut OsRng).unwrap();
    let mut counts = [0_u32; 256];
    password.expose().iter().for_each(|letter| counts[usize::from(*letter)] += 1);
    let used: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(used.len(), 56);
    // 1000 of each are expected, with a standard deviation of 31.
    assert!(used.iter().all(|count| (750..1250).contains(count)), "{used:?}");
}

#[test]
fn a_short_password_is_refused() {
    let error = generate::password(11, &mut OsRng).unwrap_err();
    assert!(error.to_string().contains("needs 12 or more"), "{error}");
}

#[test]
fn a_token_has_43_characters_that_are_safe_in_a_url() {
    let token = generate::token(&mut OsRng).unwrap();
    assert_eq!(token.len(), 43);
    assert!(token.expose_text().unwrap().chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
    assert_ne!(token, generate::token(&mut OsRng).unwrap());
}

#[test]
fn a_key_pair_carries_its_comment() {
    let pair = generate::ssh_key_pair("orb example", &mut OsRng).unwrap();
    assert!(
        pair.public.starts_with("ssh-ed25519 AAAA") && pair.public.ends_with(" orb example"),
        "{}",
        pair.public
    );
    assert!(pair.private.expose_text().unwrap().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert!(!format!("{pair:?}").contains("PRIVATE"));
    assert!(generate::ssh_key_pair("two\nlines", &mut OsRng).is_err());
}

#[test]
fn the_same_random_numbers_make_the_same_secrets() {
    let pair = |byte| generate::ssh_key_pair("orb", &mut Repeated(Some(byte))).unwrap();
    assert_eq!(pair(1).public, pair(1).public);
    assert_ne!(pair(1).public, pair(2).public);
    assert_eq!(
        generate::password(12, &mut Repeated(Some(0))).unwrap().expose_text().unwrap(),
        "aaaaaaaaaaaa"
    );
}

#[test]
fn nothing_is_made_without_random_numbers() {
    let mut none = Repeated(None);
    assert!(matches!(OrbKey::generate(&mut none), Err(Error::Random(_))));
    assert!(matches!(generate::password(12, &mut none), Err(Error::Random(_))));
    assert!(matches!(generate::token(&mut none), Err(Error::Random(_))));
    assert!(matches!(generate::ssh_key_pair("orb", &mut none), Err(Error::Random(_))));
}
