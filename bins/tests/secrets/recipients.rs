//! Who may open the secrets.

use crate::fixture::{BOOTSTRAP, KUBECONFIG, OLD_SECRET, Orb, run, text};

pub(crate) fn ssh_key(orb: &Orb, name: &str, kind: &str, passphrase: &str) -> String {
    let path = orb.path(name);
    run("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-C", name, "-f", text(&path)], None);
    text(&path).to_owned()
}

#[test]
fn people_and_ci_open_with_the_keys_they_have() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "k");
    orb.orbctl(&["secrets", "rotate"]).ok();
    let alice = ssh_key(&orb, "alice", "ed25519", "");
    let bob = ssh_key(&orb, "bob", "rsa", "");
    let ci = text(&orb.path("ci")).to_owned();
    run("age-keygen", &["-o", &ci], None);
    let commits = orb.commits();
    for (name, key) in [("alice", format!("{alice}.pub")), ("bob", format!("{bob}.pub")), ("ci", ci.clone())]
    {
        let said = orb.orbctl(&["secrets", "recipients", "add", name, &key]).ok();
        assert!(said.starts_with(&format!("{name} can open the secrets")), "{said}");
    }
    let said = orb.orbctl_with(
        &["secrets", "recipients", "add", "ops", "--passphrase-stdin"],
        &[],
        Some("correct horse battery staple"),
    );
    said.ok();
    assert_eq!(orb.commits(), commits + 4, "one commit each");
    let list = orb.orbctl(&["secrets", "recipients", "list"]).ok();
    let kinds: Vec<_> =
        list.lines().skip(1).map(|it| it.split_whitespace().take(2).collect::<Vec<_>>()).collect();
    let expected =
        [["orbconfig", "passphrase"], ["alice", "ssh"], ["bob", "ssh"], ["ci", "age"], ["ops", "passphrase"]];
    assert_eq!(kinds, expected);

    orb.configure(&format!("url: {}\n", orb.url()));
    for identity in [&alice, &bob, &ci] {
        let show = ["--identity", identity.as_str(), "secrets", "show", KUBECONFIG];
        assert_eq!(orb.orbctl(&show).ok(), "k");
        let by_environment =
            orb.orbctl_with(&["secrets", "show", BOOTSTRAP], &[("ORB_IDENTITY", identity.as_str())], None);
        assert_eq!(by_environment.ok(), OLD_SECRET);
    }
    orb.configure(&format!("url: {}\nmasterkey: correct horse battery staple\n", orb.url()));
    assert_eq!(orb.show(KUBECONFIG), "k");
    assert_eq!(orb.orbctl(&["secrets", "show", KUBECONFIG]).ok(), "k");
}

#[test]
fn who_is_removed_opens_nothing_any_more_and_everybody_else_does() {
    let orb = Orb::new();
    let alice = ssh_key(&orb, "alice", "ed25519", "");
    orb.set(KUBECONFIG, "k");
    orb.orbctl(&["secrets", "recipients", "add", "alice", &format!("{alice}.pub")]).ok();
    let as_alice = || {
        let environment = [("ORB_IDENTITY", alice.as_str()), ("ORB_URL", &orb.url()), ("ORBCONFIG", "/none")];
        orb.orbctl_with(&["secrets", "show", KUBECONFIG], &environment, None)
    };
    assert_eq!(as_alice().ok(), "k");
    let commits = orb.commits();
    let said = orb.orbctl(&["secrets", "recipients", "remove", "alice"]).ok();
    assert!(
        said.starts_with("alice is removed and 2 values are sealed with a new key, in commit "),
        "{said}"
    );
    assert_eq!(
        (orb.commits(), orb.show(KUBECONFIG), orb.show(BOOTSTRAP)),
        (commits + 1, "k".into(), OLD_SECRET.into())
    );
    let refused = as_alice();
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("none of its recipients opens"), "{refused:?}");
}

#[test]
fn nobody_shuts_himself_out_by_mistake() {
    let orb = Orb::new();
    let alice = ssh_key(&orb, "alice", "ed25519", "");
    orb.set(KUBECONFIG, "k");
    orb.orbctl(&["secrets", "recipients", "add", "alice", &format!("{alice}.pub")]).ok();
    let commits = orb.commits();
    let refused = orb.orbctl(&["secrets", "recipients", "remove", "orbconfig"]);
    assert_eq!((refused.code, orb.commits()), (Some(6), commits), "{refused:?}");
    assert!(refused.stderr.contains("--even-me"), "{refused:?}");
    orb.orbctl(&["secrets", "recipients", "remove", "orbconfig", "--even-me"]).ok();
    assert_eq!(orb.orbctl(&["secrets", "show", KUBECONFIG]).code, Some(4));
    assert_eq!(orb.orbctl(&["--identity", &alice, "secrets", "show", KUBECONFIG]).ok(), "k");
}

#[test]
fn a_key_with_a_passphrase_says_that_it_needs_one() {
    let orb = Orb::new();
    let alice = ssh_key(&orb, "alice", "ed25519", "hush");
    orb.set(KUBECONFIG, "k");
    let said = orb.orbctl(&["--identity", &alice, "secrets", "show", KUBECONFIG]);
    assert_eq!(said.code, Some(4));
    assert!(said.stderr.contains("it needs its passphrase"), "{said:?}");
}
