//! `configure`: over real SSH, and what it says about every way not to get in.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, process::Command};

use orbos_ssh::testing::{Sshd, SshdOptions};

use crate::fixture::{BOOTSTRAP, KUBECONFIG, MASTERKEY, OLD_SECRET, Orb, text};

/// Who may log in, in the directory of the server.
const AUTHORIZED: &str = "login.pub";

/// A Git server: sshd with `git` on its path.
pub(crate) struct Server {
    pub(crate) sshd: Sshd,
}

impl Server {
    pub(crate) fn start() -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let environment = BTreeMap::from([("PATH".to_owned(), path)]);
        Self { sshd: Sshd::with(&SshdOptions { environment, ..SshdOptions::default() }) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let user = Command::new("id").arg("-un").output().expect("id is there").stdout;
        let user = String::from_utf8(user).expect("a name");
        format!("ssh://{}@{}{path}", user.trim(), self.sshd.address())
    }

    pub(crate) fn key(&self) -> String {
        fs::read_to_string(self.sshd.directory().join("login")).expect("it was made at the start")
    }

    /// Lets an orb be reached over SSH only.
    pub(crate) fn use_it(&self, orb: &Orb) {
        let key = self.key().replace('\n', "\n  ");
        let url = self.url(text(&orb.repository()));
        orb.configure(&format!("url: {url}\nmasterkey: {MASTERKEY}\nrepokey: |\n  {}\n", key.trim_end()));
    }
}

fn forget(orb: &Orb) {
    fs::remove_dir_all(orb.path(".orb")).expect("it was made");
}

#[test]
fn everything_is_made_that_is_missing() {
    let orb = Orb::new();
    forget(&orb);
    let said = orb.orbctl(&["configure", "--repourl", &orb.url()]).ok();
    assert!(said.contains("A master key was made") && said.ends_with("the branch takes commits\n"), "{said}");
    let config = orb.path(".orb/config");
    assert_eq!(fs::metadata(&config).expect("it was written").permissions().mode() & 0o777, 0o600);
    orb.set(KUBECONFIG, "k");
    let again = orb.orbctl(&["configure"]).ok();
    assert!(again.ends_with("the secrets can be opened\n"), "{again}");
    assert_eq!(orb.show(KUBECONFIG), "k");
}

#[test]
fn several_orbs_have_names_and_the_environment_overrides() {
    let (orb, other) = (Orb::new(), Orb::new());
    forget(&orb);
    let environment = [("ORB_MASTERKEY", MASTERKEY)];
    for (name, url) in [("one", orb.url()), ("two", other.url())] {
        let said = orb.orbctl_with(&["--orb", name, "init", "--repourl", &url], &environment, None);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    }
    orb.orbctl_with(&["--orb", "two", "secrets", "set", KUBECONFIG, "--stdin"], &[], Some("2")).ok();
    let show = ["secrets", "show", KUBECONFIG];
    assert_eq!(orb.orbctl_with(&show, &[("ORB", "two")], None).ok(), "2");
    let unset = orb.orbctl_with(&show, &[("ORB", "one")], None);
    assert!(unset.stderr.contains("it is not set"), "{unset:?}");
    let which = orb.orbctl(&show);
    assert!(which.stderr.contains("the orbconfig knows one, two"), "{which:?}");
    let url = other.url();
    let no_file = [("ORBCONFIG", "/none"), ("ORB_URL", url.as_str()), ("ORB_MASTERKEY", MASTERKEY)];
    assert_eq!(orb.orbctl_with(&show, &no_file, None).ok(), "2");
}

#[test]
fn another_master_key_replaces_the_first_one() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "k");
    let environment = [("ORB_MASTERKEY", "correct horse battery staple")];
    let said = orb.orbctl_with(&["configure"], &environment, None).ok();
    assert!(said.contains("the master key is replaced"), "{said}");
    assert_eq!((orb.show(KUBECONFIG), orb.show(BOOTSTRAP)), ("k".to_owned(), OLD_SECRET.to_owned()));
    let old = [("ORB_MASTERKEY", MASTERKEY)];
    assert_eq!(orb.orbctl_with(&["secrets", "show", KUBECONFIG], &old, None).code, Some(4));
    assert_eq!(orb.orbctl(&["secrets", "recipients", "list"]).ok().lines().count(), 2);
}

#[test]
fn over_ssh_every_way_not_to_get_in_is_told_apart() {
    let mut table = String::new();
    let orb = Orb::new();
    forget(&orb);
    let server = Server::start();
    let url = server.url(text(&orb.repository()));
    let mut told = |name: &str, arguments: &[&str]| {
        let said = orb.orbctl(&[&["configure"], arguments].concat());
        let text = said.stderr.replace(text(orb.home.path()), "HOME");
        let text = text.replace(&server.sshd.address().to_string(), "HOST");
        let text = text.replace(&format!("[127.0.0.1]:{}", server.sshd.address().port()), "HOST");
        let words = text.split_inclusive([' ', ';']).map(|it| match it.strip_prefix("SHA256:") {
            Some(_) => "SHA256:… ",
            None => it,
        });
        let user = url.split_once('@').expect("it has a user").0;
        let text = words.collect::<String>().replace(user, "ssh://USER");
        table.push_str(&format!("== {name}\nexit {:?}\n{text}\n", said.code));
        said
    };
    let made = told("a key that is not known there", &["--repourl", &url]);
    let public =
        made.out().lines().find(|it| it.starts_with("ssh-ed25519 ")).expect("it is shown").to_owned();
    let authorized = server.sshd.directory().join(AUTHORIZED);
    let known = fs::read_to_string(&authorized).unwrap_or_default();
    fs::write(&authorized, format!("{known}\n{public}\n")).expect("it can be written");

    let elsewhere = server.url(text(&orb.path("none.git")));
    told("no such repository", &["--repourl", &elsewhere]);
    let hook = orb.repository().join("hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho 'main takes merge requests only' >&2\nexit 1\n").expect("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it is ours");
    told("a protected branch", &["--repourl", &url]);
    fs::remove_file(&hook).expect("it is there");
    let inside = told("in", &[]);
    assert!(inside.out().ends_with("the branch takes commits\n"), "{inside:?}");

    let pinned = orb.path(".orb/known_hosts");
    let line = fs::read_to_string(&pinned).expect("it was pinned at first contact");
    let (host, _) = line.split_once(' ').expect("host and key");
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
    fs::write(&pinned, format!("{host} {other}\n")).expect("it is ours");
    told("another host key", &[]);
    fs::remove_file(&pinned).expect("it is there");
    told("an address that is none", &["--repourl", "https://example.com/orb.git"]);
    told("nobody there", &["--repourl", "ssh://git@127.0.0.1:1/orb.git"]);
    told("no file with a key", &["--repokey", "/none"]);
    insta::assert_snapshot!(table);
}

#[test]
fn over_ssh_secrets_are_set_rotated_and_shown() {
    let (orb, server) = (Orb::new(), Server::start());
    server.use_it(&orb);
    orb.set(KUBECONFIG, "k");
    orb.orbctl(&["secrets", "rotate"]).ok();
    assert_eq!((orb.show(KUBECONFIG), orb.show(BOOTSTRAP)), ("k".to_owned(), OLD_SECRET.to_owned()));
    let guard = orb.write(
        "guard",
        "#!/bin/sh\ncase \"$SSH_ORIGINAL_COMMAND\" in git-upload-pack*) eval \"$SSH_ORIGINAL_COMMAND\" ;; \
         *) echo 'this key may only read: permission denied' >&2; exit 1 ;; esac\n",
    );
    fs::set_permissions(&guard, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let authorized = server.sshd.directory().join(AUTHORIZED);
    let known = fs::read_to_string(&authorized).expect("one key may log in");
    fs::write(&authorized, format!("command=\"{}\" {known}", guard.display())).expect("it can be written");
    let commits = orb.commits();
    assert_eq!(orb.show(KUBECONFIG), "k");
    let said = orb.orbctl(&["secrets", "set", KUBECONFIG, "--value", "x"]);
    assert_eq!((said.code, orb.commits()), (Some(4), commits), "{said:?}");
    let said = orb.orbctl(&["configure"]);
    assert_eq!(said.code, Some(4), "{said:?}");
}
