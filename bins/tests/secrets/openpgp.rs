//! People who open the secrets with an OpenPGP key, made by the real `gpg`.

use std::fs;

use crate::{
    fixture::{KUBECONFIG, Orb, text},
    gpg::Gpg,
};

const ALICE: &str = "Alice <alice@example.com>";

#[test]
fn a_key_of_gpg_is_added_listed_used_and_removed() {
    let (orb, alice) = (Orb::new(), Gpg::new(ALICE, "hush"));
    let bob = Gpg::new("bob@example.com", "");
    orb.set(KUBECONFIG, "k");
    orb.orbctl(&["secrets", "rotate"]).ok();
    let commits = orb.commits();
    let public = orb.write("alice.asc", &alice.public());
    orb.orbctl(&["secrets", "recipients", "add", "alice", text(&public)]).ok();
    let add_bob = ["secrets", "recipients", "add", "bob", "-"];
    orb.orbctl_with(&add_bob, &[], Some(&bob.public())).ok();
    assert_eq!(orb.commits(), commits + 2, "one commit each");
    let list = orb.orbctl(&["secrets", "recipients", "list"]).ok();
    let line = format!("alice  openpgp  {} {ALICE}", alice.fingerprint());
    assert!(list.lines().any(|it| it == line) && list.contains(&bob.fingerprint()), "{list}");

    // Whatever becomes of orbctl, gpg opens the orb's key.
    let keyring = orb.file("caos-internal/keyring.yml");
    let armor = keyring.split("-----BEGIN PGP MESSAGE-----").nth(1).expect("alice's part");
    let armor: Vec<&str> =
        armor.lines().map(str::trim).take_while(|it| !it.starts_with("-----END")).collect();
    let armor = format!("-----BEGIN PGP MESSAGE-----\n{}\n-----END PGP MESSAGE-----\n", armor.join("\n"));
    assert_eq!(alice.decrypt(&armor).len(), 32);

    let private = orb.write("alice.key", &alice.private());
    orb.configure(&format!("url: {}\n", orb.url()));
    let show = ["secrets", "show", KUBECONFIG];
    let with = |passphrase| [("ORB_IDENTITY", text(&private)), ("ORB_IDENTITY_PASSPHRASE", passphrase)];
    assert_eq!(orb.orbctl_with(&show, &with("hush"), None).ok(), "k");
    let flag = ["--identity", text(&private), "secrets", "show", KUBECONFIG];
    for (said, why) in [
        (orb.orbctl(&flag), "there is no terminal to ask for its passphrase"),
        (orb.orbctl_with(&flag, &with("hash"), None), "the passphrase does not open it"),
    ] {
        assert!(said.code == Some(4) && said.stderr.contains(why) && said.stdout.is_empty(), "{said:?}");
    }

    let bobs = orb.write("bob.key", &bob.private());
    let as_bob = ["--identity", text(&bobs), "secrets", "recipients", "remove", "alice"];
    let said = orb.orbctl(&as_bob).ok();
    assert!(said.starts_with("alice is removed and 2 values are sealed"), "{said}");
    let refused = orb.orbctl_with(&show, &with("hush"), None);
    assert!(
        refused.code == Some(4) && refused.stderr.contains("none of its recipients opens"),
        "{refused:?}"
    );
    assert_eq!(orb.orbctl(&["--identity", text(&bobs), "secrets", "show", KUBECONFIG]).ok(), "k");
}

#[test]
fn what_is_no_public_key_is_refused_and_not_repeated() {
    let (orb, alice) = (Orb::new(), Gpg::new(ALICE, ""));
    orb.set(KUBECONFIG, "k");
    let commits = orb.commits();
    let both = format!("{}{}", alice.public(), Gpg::new("bob@example.com", "").public());
    alice.run(&["--output", text(&orb.path("binary")), "--export"]);
    let binary = text(&orb.path("binary")).to_owned();
    let add = |key: &str, stdin: &str| {
        let said = orb.orbctl_with(&["secrets", "recipients", "add", "x", key], &[], Some(stdin));
        assert!(said.code == Some(6) && orb.commits() == commits, "{said:?}");
        said.stderr
    };
    assert!(add("-", &both).contains("several OpenPGP keys"));
    assert!(add(&binary, "").contains("gpg --armor --export"));
    let private = alice.private();
    let body = private.lines().nth(3).expect("armor has lines").to_owned();
    for said in [add("-", &private), add(&private, ""), add(text(&orb.write("key", &private)), "")] {
        assert!(said.contains("this is a private key") && !said.contains(&body), "{said}");
    }
    let cut: String = alice.public().chars().take(200).collect();
    assert!(add("-", &cut).contains("this OpenPGP key cannot be used"));
    fs::write(orb.path("empty"), "").expect("the home is ours");
    assert!(add(text(&orb.path("empty")), "").contains("there is no public key in it"));
}
