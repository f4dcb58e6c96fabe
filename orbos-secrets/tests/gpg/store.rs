//! Password stores beside `pass`, `gpg` and `age`.

use crate::home::{Home, text};
use orbos_secrets::{Error, Files, Folder, GpgProgram, PasswordStore};
use std::fs;
use tempfile::TempDir;

#[test]
fn what_pass_writes_we_read_and_what_we_write_pass_shows() {
    let home = Home::new(&["alice@example.com"]);
    home.run("pass", &["init", &home.fingerprint("alice@example.com")], b"");
    home.run("pass", &["insert", "--multiline", "argocd/admin"], b"hunter2\nuser: admin\n");
    home.run("pass", &["insert", "--echo", "top"], b"only a password\n");

    let mut store = home.store();
    assert_eq!(store.entries().unwrap(), ["argocd/admin", "top"]);
    let entry = store.show("argocd/admin").unwrap();
    assert_eq!(entry.contents(), &text("hunter2\nuser: admin\n"));
    assert_eq!(entry.password().unwrap(), text("hunter2"));
    assert_eq!(entry.field("user").unwrap(), Some(text("admin")));
    assert_eq!(entry.field("hunter2").unwrap(), None);

    store.insert("deep/er/entry", &text("of ours\n")).unwrap();
    store.insert("top", &text("replaced\n")).unwrap();
    assert_eq!(home.run("pass", &["show", "deep/er/entry"], b""), b"of ours\n");
    assert_eq!(home.run("pass", &["show", "top"], b""), b"replaced\n");

    store.remove("top").unwrap();
    store.remove("top").unwrap();
    assert_eq!(store.entries().unwrap(), ["argocd/admin", "deep/er/entry"]);
}

#[test]
fn a_nested_folder_has_its_own_recipients() {
    let (alice, bob) = (Home::new(&["alice@example.com"]), Home::new(&["bob@example.com"]));
    alice.import_from(&bob, "bob@example.com");
    alice.run("pass", &["init", &alice.fingerprint("alice@example.com")], b"");
    let bobs = bob.fingerprint("bob@example.com");
    let mut store = alice.store();
    alice.folder().write("team/.gpg-id", format!("{bobs} # bob\n\n# nobody else\n").as_bytes()).unwrap();
    store.insert("team/db/password", &text("for bob\n")).unwrap();
    store.insert("mine", &text("for alice\n")).unwrap();

    let error = store.show("team/db/password").unwrap_err();
    assert!(error.to_string().contains("none of the private keys at hand"), "{error}");
    let bobs_view = PasswordStore::new(alice.folder()).with_openpgp(GpgProgram::new().with_home(bob.path()));
    assert_eq!(bobs_view.show("team/db/password").unwrap().contents(), &text("for bob\n"));
    assert!(bobs_view.show("mine").is_err());
}

#[test]
fn an_entry_is_larger_than_a_pipe() {
    let home = Home::new(&["alice@example.com"]);
    home.run("pass", &["init", &home.fingerprint("alice@example.com")], b"");
    let large = text(&"0123456789abcdef\n".repeat(60_000));
    home.store().insert("large", &large).unwrap();
    assert_eq!(home.store().show("large").unwrap().contents(), &large);
    assert_eq!(home.run("pass", &["show", "large"], b""), large.expose());
}

#[test]
fn bad_recipients_and_damaged_files_are_explained() {
    let home = Home::new(&["alice@example.com"]);
    let (mut store, mut files) = (home.store(), home.folder());
    let error = store.insert("entry", &text("x")).unwrap_err();
    assert!(error.to_string().contains("`.gpg-id` or `.age-recipients`"), "{error}");

    files.write(".gpg-id", b"# nobody\n").unwrap();
    assert!(store.insert("entry", &text("x")).unwrap_err().to_string().contains("names no recipients"));
    files.write(".gpg-id", b"nobody@example.com\n").unwrap();
    let error = store.insert("entry", &text("x")).unwrap_err();
    assert!(error.to_string().contains("gpg --import"), "{error}");
    files.write(".gpg-id", b"--output=/tmp/elsewhere\n").unwrap();
    assert!(matches!(store.insert("entry", &text("x")), Err(Error::Recipient { .. })));
    assert!(store.entries().unwrap().is_empty(), "nothing was written");

    files.write("damaged.gpg", b"not OpenPGP").unwrap();
    let error = store.show("damaged").unwrap_err();
    assert!(error.to_string().contains("the file is damaged"), "{error}");
    files.write(".gpg-id", home.fingerprint("alice@example.com").as_bytes()).unwrap();
    store.insert("entry", &text("x")).unwrap();
    let mut altered = files.read("entry.gpg").unwrap().unwrap();
    *altered.last_mut().unwrap() ^= 1;
    files.write("entry.gpg", &altered).unwrap();
    assert!(matches!(store.show("entry"), Err(Error::Gpg { .. })));
}

#[test]
fn names_stay_inside_the_store() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("outside.gpg"), b"x").unwrap();
    let mut store = PasswordStore::new(Folder::new(folder.path().join("store")));
    assert!(store.entries().unwrap().is_empty());
    for name in ["../outside", "", "a//b", "/etc/passwd", "a/../../outside", ".gpg-id", "a/.hidden", "a\\b"] {
        let error = store.show(name).unwrap_err();
        assert!(error.to_string().contains("none empty or beginning with `.`"), "{name}: {error}");
        assert!(store.insert(name, &text("x")).is_err());
        assert!(store.remove(name).is_err());
    }
    fs::create_dir(folder.path().join("store")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("store/link")).unwrap();
    assert!(matches!(store.show("link/outside"), Err(Error::StoreFile { .. })));
    assert!(store.entries().unwrap().is_empty());
}

#[cfg(feature = "age")]
mod age {
    use crate::home::{Home, text};
    use orbos_secrets::{
        AgeIdentity, Files, PasswordStore,
        generate::{self, OsRng},
    };
    use std::fs;

    #[test]
    fn entries_for_age_keys_are_read_and_written_beside_the_program() {
        let home = Home::new(&[]);
        let at = |file: &str| home.path().join(file).to_str().expect("a path in UTF-8").to_owned();
        home.run("age-keygen", &["-o", &at("key")], b"");
        let public = String::from_utf8(home.run("age-keygen", &["-y", &at("key")], b"")).unwrap();
        let ssh = generate::ssh_key_pair("carol #1", &mut OsRng).unwrap();
        let recipients = format!("# alice\n{public}\n{}\n", ssh.public);
        home.folder().write(".age-recipients", recipients.as_bytes()).unwrap();
        fs::write(at("ssh"), ssh.private.expose()).unwrap();
        fs::set_permissions(at("ssh"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();

        let key = text(&fs::read_to_string(at("key")).unwrap());
        let mut store = PasswordStore::new(home.folder()).with_age(AgeIdentity::parse(&key, None).unwrap());
        store.insert("of/ours", &text("hunter2\n")).unwrap();
        for key in ["key", "ssh"] {
            assert_eq!(home.run("age", &["-d", "-i", &at(key), &at("store/of/ours.age")], b""), b"hunter2\n");
        }
        home.run("age", &["-R", &at("store/.age-recipients"), "-o", &at("store/of/theirs.age")], b"theirs\n");
        assert_eq!(store.show("of/theirs").unwrap().contents(), &text("theirs\n"));
        assert_eq!(store.entries().unwrap(), ["of/ours", "of/theirs"]);

        let other =
            AgeIdentity::parse(&generate::ssh_key_pair("", &mut OsRng).unwrap().private, None).unwrap();
        let error = PasswordStore::new(home.folder()).with_age(other).show("of/ours").unwrap_err();
        assert!(error.to_string().contains("encrypted for other age keys"), "{error}");
        let error = PasswordStore::new(home.folder()).show("of/ours").unwrap_err();
        assert!(error.to_string().contains("no key is at hand"), "{error}");
    }
}
