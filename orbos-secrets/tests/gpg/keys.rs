//! OpenPGP keys in software, in our hands and in those of `gpg`.

use crate::home::{Home, text};
use orbos_secrets::{
    Error, Files, Keyring, OpenPgpKey, OpenPgpKeys, PasswordStore, Recipient, Secret, generate::OsRng,
};
use std::fs;

const ALICE: &str = "alice@example.com";

fn certificate(home: &Home) -> Recipient {
    let armored = home.run("gpg", &["--batch", "--armor", "--export", ALICE], b"");
    Recipient::parse(&String::from_utf8(armored).expect("armor is ASCII")).expect("a certificate of gpg")
}

fn private(home: &Home, passphrase: &str) -> Secret {
    let export = ["--batch", "--armor", "--pinentry-mode", "loopback", "--passphrase", passphrase];
    Secret::new(home.run("gpg", &[export.as_slice(), &["--export-secret-keys", ALICE]].concat(), b""))
}

fn home_with(algorithm: &str, passphrase: &str) -> Home {
    let home = Home::new(&[]);
    let options = ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase];
    let key = ["--quick-generate-key", ALICE, algorithm, "default", "never"];
    home.run("gpg", &[options.as_slice(), &key].concat(), b"");
    home
}

#[test]
fn a_keyring_opens_in_our_hands_and_in_those_of_gpg() {
    for algorithm in ["rsa2048", "future-default"] {
        let home = home_with(algorithm, "");
        if algorithm == "rsa2048" {
            let fingerprint = home.fingerprint(ALICE);
            let subkey =
                ["--batch", "--passphrase", "", "--quick-add-key", &fingerprint, "rsa2048", "encr", "never"];
            home.run("gpg", &subkey, b"");
        }
        let (keyring, key) = Keyring::create([("alice", certificate(&home))], &mut OsRng).unwrap();
        let yaml = serde_yaml::to_string(&keyring).unwrap();
        let keyring: Keyring = serde_yaml::from_str(&yaml).unwrap();
        let identity = OpenPgpKey::parse(&private(&home, ""), None).unwrap();
        assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());

        let sealed =
            serde_yaml::to_value(&keyring).unwrap()["recipients"][0]["sealed"].as_str().unwrap().to_owned();
        let opened = home.run("gpg", &["--batch", "--quiet", "--decrypt"], sealed.as_bytes());
        assert_eq!(Secret::new(opened), key.to_secret());
    }
}

#[test]
fn a_private_key_with_a_passphrase_opens_with_it_only() {
    let home = home_with("future-default", "of alice");
    let exported = private(&home, "of alice");
    let missing = OpenPgpKey::parse(&exported, None).unwrap_err();
    assert!(missing.to_string().contains("it needs its passphrase"), "{missing}");
    let wrong = OpenPgpKey::parse(&exported, Some(&text("wrong"))).unwrap_err();
    assert!(wrong.to_string().contains("the passphrase does not open it"), "{wrong}");

    let (keyring, key) = Keyring::create([("alice", certificate(&home))], &mut OsRng).unwrap();
    let identity = OpenPgpKey::parse(&exported, Some(&text("of alice"))).unwrap();
    assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());
    assert!(!format!("{identity:?}").contains("of alice"));
}

#[test]
fn a_key_of_somebody_else_does_not_open() {
    let (alice, other) = (home_with("future-default", ""), home_with("future-default", ""));
    let (keyring, _) = Keyring::create([("alice", certificate(&alice))], &mut OsRng).unwrap();
    let error = keyring.open(&[&OpenPgpKey::parse(&private(&other, ""), None).unwrap()]).unwrap_err();
    assert!(matches!(error, Error::NoRecipientOpens { .. }), "{error}");
}

#[test]
fn a_key_that_cannot_encrypt_or_was_revoked_is_refused() {
    let home = home_with("ed25519", "");
    let armored = home.run("gpg", &["--batch", "--armor", "--export", ALICE], b"");
    let error = Recipient::parse(std::str::from_utf8(&armored).unwrap()).unwrap_err();
    assert!(error.to_string().contains("no valid subkey for encryption"), "{error}");

    let home = home_with("future-default", "");
    let fingerprint = home.fingerprint(ALICE);
    let revocation =
        fs::read_to_string(home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"))).unwrap();
    home.run("gpg", &["--batch", "--import"], revocation.replace(":-----BEGIN", "-----BEGIN").as_bytes());
    let armored = home.run("gpg", &["--batch", "--armor", "--export", ALICE], b"");
    let error = Recipient::parse(std::str::from_utf8(&armored).unwrap()).unwrap_err();
    assert!(error.to_string().contains("was revoked"), "{error}");

    for text in [
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----",
    ] {
        assert!(matches!(Recipient::parse(text), Err(Error::Recipient { .. })));
    }
    assert!(OpenPgpKey::parse(&text("hunter2"), None).is_err());
}

#[test]
fn a_store_works_without_the_gpg_program() {
    let home = home_with("future-default", "");
    let fingerprint = home.fingerprint(ALICE);
    home.run("pass", &["init", &fingerprint], b"");
    home.run("pass", &["insert", "--echo", "theirs"], b"of pass\n");
    let certificate = home.run("gpg", &["--batch", "--export", ALICE], b"");
    let keys = || OpenPgpKeys::new().with_certificate(&certificate).unwrap();
    let key = OpenPgpKey::parse(&private(&home, ""), None).unwrap();

    let mut store = PasswordStore::new(home.folder()).with_openpgp(keys().with_key(key));
    assert_eq!(store.show("theirs").unwrap().contents(), &text("of pass\n"));
    store.insert("ours", &text("of ours\n")).unwrap();
    assert_eq!(home.run("pass", &["show", "ours"], b""), b"of ours\n");
    let error = PasswordStore::new(home.folder()).with_openpgp(keys()).show("ours").unwrap_err();
    assert!(error.to_string().contains("none of the OpenPGP keys at hand"), "{error}");

    for name in [&fingerprint[24..], ALICE, &fingerprint.to_lowercase()] {
        home.folder().write(".gpg-id", name.as_bytes()).unwrap();
        store.insert("ours", &text("again\n")).unwrap();
        assert_eq!(home.run("pass", &["show", "ours"], b""), b"again\n", "{name}");
    }
    home.folder().write(".gpg-id", b"bob@example.com").unwrap();
    let error = store.insert("ours", &text("x")).unwrap_err();
    assert!(error.to_string().contains("no certificate of this name"), "{error}");
}
