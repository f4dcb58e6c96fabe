//! The orbconfig: the original's form, several orbs, and who may read it.

use std::{fs, os::unix::fs::PermissionsExt};

use orbos_secrets::Secret;
use orbos_state::{Diagnostics, Error, OrbAccess, Orbconfig, Source, orb_id};

const ORIGINAL: &str = "\
url: git@github.com:me/my-orb.git
repokey: |
  -----BEGIN OPENSSH PRIVATE KEY-----
  not a real key
  -----END OPENSSH PRIVATE KEY-----
masterkey: 0123
";

fn parse(text: &str) -> Result<Orbconfig, Diagnostics> {
    Orbconfig::parse(&Source::new("config", text))
}

#[test]
fn the_originals_file_is_read() {
    let config = parse(ORIGINAL).expect("nothing is wrong");
    let orb = config.orb(None).expect("there is one");
    assert!(orb.is_complete());
    let key = orb.repokey.as_ref().expect("it is there").expose_text().expect("a text");
    assert!(key.starts_with("-----BEGIN") && key.ends_with("KEY-----\n"), "{key}");
    assert_eq!(orb.masterkey.as_ref().expect("it is there").expose(), "0123".as_bytes());
    assert!(!format!("{config:?}").contains("real key"));
}

#[test]
fn ids_are_the_originals() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("data/derived.json")).expect("it is JSON");
    for vector in vectors["orb_id"].as_array().expect("a list") {
        assert_eq!(vector["id"], orb_id(vector["url"].as_str().expect("a text")));
    }
}

#[test]
fn several_orbs_are_told_apart() {
    let config =
        parse("orbs:\n  a: {url: git@h:a.git}\n  b: {url: git@h:b.git}\n").expect("nothing is wrong");
    assert_eq!(config.orb(Some("b")).expect("it is there").url, "git@h:b.git");
    assert_eq!(config.orb(Some("h-a")).expect("by its id").url, "git@h:a.git");
    for (name, message) in [
        (None, "the orb is invalid: the orbconfig knows a, b"),
        (Some("c"), "the orb `c` is invalid: the orbconfig knows a, b"),
    ] {
        assert_eq!(config.orb(name).expect_err("there is none").to_string(), message);
    }
    let one = parse("orbs:\n  a: {url: git@h:a.git}\n").expect("nothing is wrong");
    assert_eq!(one.orb(None).expect("the only one").url, "git@h:a.git");
    assert!(parse("{}").expect("nothing is wrong").orb(None).is_err());
}

#[test]
fn mistakes_never_show_a_key() {
    for text in [
        ORIGINAL.replace("masterkey", "masterkye"),
        ORIGINAL.replace("masterkey: 0123", "masterkey: [secret-0123]"),
        ORIGINAL.replace("  not a real", "\tnot a real"),
        format!("{ORIGINAL}masterkey: secret-0123\n"),
        "masterkey: 'secret-0123\n".to_owned(),
    ] {
        let wrong = parse(&text).expect_err("something is wrong");
        let shown = format!("{wrong}{wrong:?}");
        assert!(!shown.contains("0123") && !shown.contains("not a real"), "{shown}");
    }
    let wrong = parse(&ORIGINAL.replace("masterkey", "masterkye")).expect_err("a field is unknown");
    assert_eq!(wrong.summary(), "unknown field `masterkye` at config:6:1");
}

#[test]
fn only_its_owner_may_read_it() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("deep/config");
    let access = OrbAccess {
        url: "git@h:a.git".into(),
        repokey: Some(Secret::from_text("two\nlines\n")),
        masterkey: Some(Secret::from_text("no")),
    };
    let config = Orbconfig {
        unnamed: Some(access.clone()),
        current: Some("a".into()),
        orbs: [("a".into(), access)].into(),
    };
    config.write(&path).expect("it can be written");
    config.write(&path).expect("it can be written again");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path().join("deep")).expect("it is there").count(), 1);

    let again = Orbconfig::read(&path).expect("it is mine");
    for orb in [again.unnamed.as_ref().expect("it is there"), again.orb(None).expect("it is there")] {
        assert_eq!(orb.repokey.as_ref().expect("it is there").expose(), "two\nlines\n".as_bytes());
        assert_eq!(orb.masterkey.as_ref().expect("it is there").expose(), "no".as_bytes());
    }

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is mine");
    let error = Orbconfig::read(&path).expect_err("others may read it");
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(
        error.to_string().ends_with(&format!("its mode is 0644; run `chmod 600 {}`", path.display())),
        "{error}"
    );

    let error = Orbconfig::read(&folder.path().join("none")).expect_err("there is none");
    assert!(error.to_string().ends_with("there is none; make one with `url` and `repokey`"), "{error}");
}
