//! Password stores in a folder of the repository, beside `pass`, `gpg` and `age`.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::{
    fixture::{Orb, Said, run, said, text},
    gpg::Gpg,
};

/// A checkout with the store in `passwords`, as somebody with `pass` has it.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn of(orb: &Orb) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        run("git", &["clone", "-q", text(&orb.repository()), text(folder.path())], None);
        Self { folder }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("passwords")
    }

    fn pass(&self, gpg: &Gpg, arguments: &[&str], stdin: &str) -> String {
        let mut command = Command::new("pass");
        command.args(arguments).envs(std::env::vars()).env("GNUPGHOME", gpg.home());
        command.env("PASSWORD_STORE_DIR", self.store());
        said(command, Some(stdin)).ok()
    }

    fn push(&self) {
        let folder = text(self.folder.path());
        run("git", &["-C", folder, "add", "."], None);
        run("git", &["-C", folder, "commit", "-q", "-m", "with pass"], None);
        run("git", &["-C", folder, "push", "-q"], None);
    }
}

fn store(orb: &Orb, arguments: &[&str], environment: &[(&str, &str)], stdin: &str) -> Said {
    let all = [&["secrets", "store", "--folder", "passwords"], arguments].concat();
    orb.orbctl_with(&all, environment, Some(stdin))
}

#[test]
fn what_pass_writes_is_shown_and_what_is_set_pass_shows() {
    let (orb, alice) = (Orb::new(), Gpg::new("alice@example.com", ""));
    let theirs = Checkout::of(&orb);
    theirs.pass(&alice, &["init", &alice.fingerprint()], "");
    theirs.pass(&alice, &["insert", "--multiline", "argocd/admin"], "hunter2\nuser: admin\n");
    theirs.push();
    let keys = [("GNUPGHOME", alice.home())];
    assert_eq!(store(&orb, &["list"], &[], "").ok(), "argocd/admin\n");
    assert_eq!(
        orb.orbctl(&["secrets", "store", "ls"]).ok(),
        "passwords/argocd/admin\n",
        "the whole repository"
    );
    let show = |more: &[&str]| store(&orb, &[&["show", "argocd/admin"], more].concat(), &keys, "").ok();
    assert_eq!(show(&[]), "hunter2\nuser: admin\n");
    assert_eq!((show(&["--password"]), show(&["--field", "user"])), ("hunter2".into(), "admin".into()));

    let commits = orb.commits();
    let said = store(&orb, &["set", "deep/er/entry", "--stdin"], &keys, "of ours\nurl: x\n").ok();
    assert!(said.starts_with("passwords/deep/er/entry is set, in commit "), "{said}");
    store(&orb, &["set", "argocd/admin", "--value", "replaced"], &keys, "").ok();
    assert_eq!(orb.commits(), commits + 2, "every write is a commit");
    let ours = Checkout::of(&orb);
    assert_eq!(ours.pass(&alice, &["show", "deep/er/entry"], ""), "of ours\nurl: x\n");
    assert_eq!(ours.pass(&alice, &["show", "argocd/admin"], ""), "replaced\n", "a password is a line");

    store(&orb, &["remove", "argocd/admin"], &[], "").ok();
    assert_eq!(
        (store(&orb, &["list"], &[], "").ok(), orb.commits()),
        ("deep/er/entry\n".into(), commits + 3)
    );
}

#[cfg(feature = "openpgp")]
#[test]
fn the_identity_file_is_enough_where_gpg_knows_no_key() {
    let (orb, alice) = (Orb::new(), Gpg::new("alice@example.com", "hush"));
    let bob = Gpg::new("bob@example.com", "");
    let (fingerprint, bobs) = (alice.fingerprint(), bob.fingerprint());
    // gopass keeps the public keys beside the entries.
    orb.commit(&[
        ("passwords/.gpg-id", &format!("{fingerprint}\n{bobs}\n")),
        (&format!("passwords/.public-keys/{bobs}"), &bob.public()),
    ]);
    let private = orb.write("alice.key", &alice.private());
    let keys = [("ORB_IDENTITY", text(&private)), ("ORB_IDENTITY_PASSPHRASE", "hush")];
    store(&orb, &["set", "entry", "--stdin"], &keys, "for both\n").ok();
    assert_eq!(store(&orb, &["show", "entry"], &keys, "").ok(), "for both\n");
    let theirs = Checkout::of(&orb);
    assert_eq!(theirs.pass(&bob, &["show", "entry"], ""), "for both\n");
    // Without it, gpg is asked, and has no key.
    let said = store(&orb, &["show", "entry"], &[], "");
    assert!(said.code == Some(4) && said.stderr.contains("none of the private keys at hand"), "{said:?}");
}

#[test]
fn a_store_for_age_keys_is_read_and_written_beside_the_program() {
    let orb = Orb::new();
    let key = text(&orb.path("key")).to_owned();
    run("age-keygen", &["-o", &key], None);
    let public = run("age-keygen", &["-y", &key], None);
    orb.commit(&[("passwords/.age-recipients", &public)]);
    store(&orb, &["set", "of/ours", "--stdin"], &[], "hunter2\n").ok();
    let checkout = Checkout::of(&orb);
    let file = |name: &str| text(&checkout.store().join(name)).to_owned();
    assert_eq!(run("age", &["-d", "-i", &key, &file("of/ours.age")], None), "hunter2\n");
    fs::write(checkout.folder.path().join("plain"), "theirs\n").expect("it is ours");
    run("age", &["-R", &file(".age-recipients"), "-o", &file("of/theirs.age"), &file("../plain")], None);
    fs::remove_file(checkout.folder.path().join("plain")).expect("it is there");
    checkout.push();
    let keys = [("ORB_IDENTITY", key.as_str())];
    assert_eq!(store(&orb, &["show", "of/theirs"], &keys, "").ok(), "theirs\n");
    let said = store(&orb, &["show", "of/theirs"], &[], "");
    assert!(said.code == Some(6) && said.stderr.contains("no key is at hand"), "{said:?}");
}

#[test]
fn what_cannot_be_stored_is_explained_and_nothing_is_written() {
    let orb = Orb::new();
    orb.commit(&[("passwords/.gpg-id", "nobody@example.com\n"), ("passwords/damaged.gpg", "not OpenPGP")]);
    let home = TempDir::new().expect("a temporary folder");
    let keys = [("GNUPGHOME", text(home.path()))];
    let before = orb.git(&["rev-parse", "main"]);
    for (arguments, code, why) in [
        (["set", "entry", "--value", "canary"].as_slice(), 6, "gpg --import"),
        (&["set", "../entry", "--value", "canary"], 6, "none empty or beginning with `.`"),
        (&["set", "entry", "--value", ""], 6, "an empty secret counts as none"),
        (&["set", "entry"], 6, "there is no terminal to ask on"),
        (&["set", "entry", "canary"], 6, "something behind it on the command line"),
        (&["show", "damaged"], 4, "the file is damaged"),
        (&["show", "none"], 6, "there is no such entry"),
        (&["remove", "none"], 6, "there is no such entry"),
    ] {
        let said = store(&orb, arguments, &keys, "");
        assert!(said.code == Some(code) && said.stderr.contains(why), "{arguments:?}: {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.contains("canary"), "{said:?}");
    }
    let said = orb.orbctl(&["secrets", "store", "--folder", "elsewhere", "set", "x", "--value", "y"]);
    assert!(said.stderr.contains("`.gpg-id` or `.age-recipients`"), "{said:?}");
    assert_eq!(orb.git(&["rev-parse", "main"]), before);
}
