//! Against the real programs: Debian's `age`, `age-keygen` and OpenSSH's `ssh-keygen`.
#![cfg(feature = "age")]

use orbos_secrets::{
    AgeIdentity, Error, Keyring, Recipient, Secret,
    generate::{self, OsRng},
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

fn run(program: &str, arguments: &[&str], folder: &Path) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; this test needs `apt-get install age openssh-client`")
        });
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).expect("a file that was just written")
}

fn secret(folder: &Path, file: &str) -> Secret {
    Secret::from_text(text(folder, file))
}

/// The keyring's first entry as a file for the `age` command, opened by it.
fn opened_by_age(keyring: &Keyring, key_file: &str, folder: &Path) -> Secret {
    let yaml = serde_yaml::to_value(keyring).expect("a keyring is YAML");
    let sealed = yaml["recipients"][0]["sealed"].as_str().expect("sealed is text").to_owned();
    fs::write(folder.join("sealed.age"), sealed).expect("a temporary folder");
    Secret::new(run("age", &["--decrypt", "-i", key_file, "sealed.age"], folder))
}

#[test]
fn an_age_key_opens_in_our_hands_and_in_those_of_age() {
    let folder = TempDir::new().unwrap();
    run("age-keygen", &["-o", "key"], folder.path());
    let public = String::from_utf8(run("age-keygen", &["-y", "key"], folder.path())).unwrap();
    let alice = Recipient::parse(&public).unwrap();
    let (keyring, key) = Keyring::create([("alice", alice)], &mut OsRng).unwrap();

    let identity = AgeIdentity::parse(&secret(folder.path(), "key"), None).unwrap();
    assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());
    assert_eq!(opened_by_age(&keyring, "key", folder.path()), key.to_secret());
}

#[test]
fn ssh_keys_open_in_our_hands_and_in_those_of_age() {
    for options in [["-t", "ed25519", "-b", "256"], ["-t", "rsa", "-b", "2048"]] {
        let folder = TempDir::new().unwrap();
        run("ssh-keygen", &[&["-q", "-N", "", "-f", "key"], options.as_slice()].concat(), folder.path());
        let alice = Recipient::parse(&text(folder.path(), "key.pub")).unwrap();
        assert_eq!(alice.kind(), "ssh");
        let (keyring, key) = Keyring::create([("alice", alice)], &mut OsRng).unwrap();

        let identity = AgeIdentity::parse(&secret(folder.path(), "key"), None).unwrap();
        assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());
        assert_eq!(opened_by_age(&keyring, "key", folder.path()), key.to_secret());
    }
}

#[test]
fn an_ssh_key_with_a_passphrase_opens_with_it_only() {
    let folder = TempDir::new().unwrap();
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "of the key", "-a", "1", "-f", "key"], folder.path());
    let alice = Recipient::parse(&text(folder.path(), "key.pub")).unwrap();
    let (keyring, key) = Keyring::create([("alice", alice)], &mut OsRng).unwrap();

    let private = secret(folder.path(), "key");
    let missing = AgeIdentity::parse(&private, None).unwrap_err();
    assert!(missing.to_string().contains("it needs its passphrase"), "{missing}");
    let wrong = AgeIdentity::parse(&private, Some(&Secret::from_text("wrong"))).unwrap_err();
    assert!(wrong.to_string().contains("the passphrase does not open it"), "{wrong}");
    let identity = AgeIdentity::parse(&private, Some(&Secret::from_text("of the key"))).unwrap();
    assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());
}

#[test]
fn a_key_pair_of_ours_opens_and_is_one_for_ssh() {
    let folder = TempDir::new().unwrap();
    let pair = generate::ssh_key_pair("deploy key of orb", &mut OsRng).unwrap();
    let key_file = folder.path().join("key");
    fs::write(&key_file, pair.private.expose()).unwrap();
    fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let public = String::from_utf8(run("ssh-keygen", &["-y", "-f", "key"], folder.path())).unwrap();
    assert_eq!(public.trim_end(), pair.public);

    let (keyring, key) =
        Keyring::create([("ci", Recipient::parse(&pair.public).unwrap())], &mut OsRng).unwrap();
    let identity = AgeIdentity::parse(&pair.private, None).unwrap();
    assert_eq!(keyring.open(&[&identity]).unwrap().id(), key.id());
    assert_eq!(opened_by_age(&keyring, "key", folder.path()), key.to_secret());
}

#[test]
fn a_key_of_somebody_else_does_not_open() {
    let (alice, mallory) =
        (generate::ssh_key_pair("a", &mut OsRng).unwrap(), generate::ssh_key_pair("m", &mut OsRng).unwrap());
    let (keyring, _) =
        Keyring::create([("alice", Recipient::parse(&alice.public).unwrap())], &mut OsRng).unwrap();
    let error = keyring.open(&[&AgeIdentity::parse(&mallory.private, None).unwrap()]).unwrap_err();
    assert!(matches!(error, Error::NoRecipientOpens { .. }), "{error}");
}

#[test]
fn what_is_no_private_key_is_refused_without_showing_it() {
    for text in [
        "",
        "# only a comment",
        "hunter2",
        "-----BEGIN hunter2",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
    ] {
        let error = AgeIdentity::parse(&Secret::from_text(text), None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn an_ecdsa_key_is_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    run("ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-f", "key"], folder.path());
    let error = Recipient::parse(&text(folder.path(), "key.pub")).unwrap_err();
    assert!(matches!(error, Error::Recipient { .. }), "{error}");
    let error = AgeIdentity::parse(&secret(folder.path(), "key"), None).unwrap_err();
    assert!(error.to_string().contains("only ssh-ed25519 and ssh-rsa"), "{error}");
}

/// Somebody's damaged entry is no reason to say that it is the reader's own.
#[test]
fn damage_is_noticed_by_everybody_and_named_by_its_owner() {
    let pairs = ["alice", "bob"].map(|name| generate::ssh_key_pair(name, &mut OsRng).unwrap());
    let [alice, bob] = pairs.each_ref().map(|pair| Recipient::parse(&pair.public).unwrap());
    let (keyring, _) = Keyring::create([("alice", alice), ("bob", bob)], &mut OsRng).unwrap();
    let mut yaml = serde_yaml::to_value(&keyring).unwrap();
    yaml["recipients"][0]["sealed"] = "not an age file".into();
    let damaged: Keyring = serde_yaml::from_value(yaml).unwrap();
    let open = |index: usize| {
        damaged.open(&[&AgeIdentity::parse(&pairs[index].private, None).unwrap()]).unwrap_err()
    };
    assert!(matches!(open(0), Error::Damaged { .. }), "{}", open(0));
    assert!(matches!(open(1), Error::KeyringAltered), "{}", open(1));
}
