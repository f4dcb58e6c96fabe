//! One command after the other.

use std::fs;

use crate::fixture::{BOOTSTRAP, KUBECONFIG, MAINTENANCE, OLD_SECRET, OLD_VALUE, ORBITER, Orb};

#[test]
fn every_slot_is_listed_whether_it_is_set_or_not() {
    let orb = Orb::with(&[
        ("orbiter.yml", ORBITER),
        (
            "boom.yml",
            "a:\n  existingPassword: { name: grafana, key: pw }\n  existingB: { name: 'No!', key: k }\n",
        ),
    ]);
    insta::assert_snapshot!(orb.orbctl(&["secrets", "list"]).ok());
    assert_eq!(orb.orbctl(&["secrets", "list", "--missing"]).ok().lines().count(), 5);
    let json = orb.orbctl(&["secrets", "list", "--json"]).ok();
    assert!(json.contains("\"original_name\": \"orbiter.k8s.kubeconfig.encrypted\""), "{json}");
    assert_eq!(orb.commits(), 1, "listing writes nothing");
}

#[test]
fn what_was_set_is_shown_byte_by_byte_and_nothing_else_changes() {
    let orb = Orb::new();
    let secret = "line\n\u{e4}\ttab \n";
    orb.set(BOOTSTRAP, secret);
    let shown = orb.orbctl(&["secrets", "show", BOOTSTRAP]);
    assert_eq!((shown.ok().as_str(), shown.stderr.as_str()), (secret, ""));

    let file = orb.file("orbiter.yml");
    let before: Vec<&str> = ORBITER.lines().collect();
    let after: Vec<&str> = file.lines().collect();
    assert_eq!(before.len(), after.len());
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(_, b)| *b).collect();
    assert_eq!(changed[0], "          encryption: 'AES256-GCM' # old");
    assert!(changed[1].starts_with("          value: ") && changed.len() == 2, "{changed:?}");
}

#[test]
fn values_of_the_original_are_shown_without_writing_anything() {
    let orb = Orb::new();
    for name in [BOOTSTRAP, "orbiter.rack.bootstrapkeyprivate.encrypted", "orbiter.rack.bootstrapkeyprivate"]
    {
        assert_eq!(orb.show(name), OLD_SECRET);
    }
    assert_eq!(orb.orbctl(&["readsecret", "orbiter.rack.bootstrapkeyprivate"]).ok(), OLD_SECRET);
    assert_eq!((orb.commits(), orb.file("orbiter.yml").contains(OLD_VALUE)), (1, true));
}

#[test]
fn a_file_is_taken_as_it_is_and_the_command_line_is_warned_about() {
    let orb = Orb::new();
    let file = orb.write("key", "from a file\n");
    let file = file.to_str().expect("plain");
    orb.orbctl(&["secrets", "set", BOOTSTRAP, "--file", file]).ok();
    assert_eq!(orb.show(BOOTSTRAP), "from a file\n");
    let said = orb.orbctl(&["secrets", "set", KUBECONFIG, "--value", "-dash"]);
    said.ok();
    assert_eq!(
        said.stderr,
        "warning: the shell keeps what stands on its command line; use --stdin, --file or the prompt\n"
    );
    assert_eq!(orb.show(KUBECONFIG), "-dash");
    assert!(orb.file("orbiter.yml").contains("# soon v1.21"));
}

#[test]
fn the_originals_command_pushes_nothing_if_the_value_is_the_same() {
    let orb = Orb::new();
    let write = || orb.orbctl(&["writesecret", "orbiter.k8s.kubeconfig.encrypted", "--value", "x: 1"]);
    assert_eq!(write().ok(), "Desired state written to orbiter.yml\n");
    let commits = orb.commits();
    assert_eq!(write().ok(), "Value is unchanged\n");
    assert_eq!(orb.commits(), commits);
    assert_eq!(orb.orbctl(&["readsecret", "orbiter.k8s.kubeconfig"]).ok(), "x: 1");
    let all = orb.orbctl(&["readsecret"]);
    assert!(
        all.stderr.starts_with("orbiter.k8s.kubeconfig.encrypted\norbiter.rack.bootstrapkeyprivate"),
        "{all:?}"
    );
    let both = orb.orbctl(&["writesecret", BOOTSTRAP, "--value", "x", "--stdin"]);
    assert_eq!(both.code, Some(2));
}

#[test]
fn missing_key_pairs_are_made_once() {
    let orb = Orb::new();
    let said = orb.orbctl(&["secrets", "generate"]).ok();
    assert!(said.starts_with(&format!("{MAINTENANCE} is made\n")), "{said}");
    let private = orb.show(MAINTENANCE);
    assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let public = orb.show("orbiter.rack.maintenancekeypublic");
    let file = orb.write("pair", &private);
    let derived = crate::fixture::run("ssh-keygen", &["-y", "-f", file.to_str().expect("plain")], None);
    assert_eq!(derived.split_whitespace().nth(1), public.split_whitespace().nth(1));
    assert_eq!(orb.orbctl(&["secrets", "generate"]).ok(), "nothing is missing that can be made\n");
    assert_eq!(orb.commits(), 2, "the keyring and both values are one commit");
}

#[test]
fn values_in_other_files_are_set_by_file_and_path() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", "spec:\n  users:\n  - name: a\n")]);
    orb.set("boom.yml:spec.admin.password", "p");
    assert_eq!(orb.show("boom.yml:spec.admin.password"), "p");
    assert!(orb.orbctl(&["secrets", "list"]).ok().contains("boom.yml:spec.admin.password"));
}

#[test]
fn an_editor_gets_the_secret_in_memory_and_nothing_stays() {
    let orb = Orb::new();
    let script = "#!/bin/sh\nstat -c '%a %n' \"$1\" > \"$HOME/seen\"\nprintf more >> \"$1\"\n";
    let editor = orb.write("editor", script);
    crate::fixture::run("chmod", &["700", editor.to_str().expect("plain")], None);
    let environment = [("EDITOR", editor.to_str().expect("plain"))];
    orb.orbctl_with(&["secrets", "edit", BOOTSTRAP], &environment, None).ok();
    assert_eq!(orb.show(BOOTSTRAP), format!("{OLD_SECRET}more"));
    let seen = fs::read_to_string(orb.path("seen")).expect("the editor ran");
    let (mode, path) = seen.trim().split_once(' ').expect("two words");
    assert_eq!(mode, "600");
    assert!(path.starts_with("/dev/shm/") && !fs::exists(path).expect("readable"), "{path}");

    let unchanged = orb.orbctl_with(&["secrets", "edit", BOOTSTRAP], &[("EDITOR", "true")], None);
    assert_eq!(unchanged.ok(), "Value is unchanged\n");
    let failed = orb.orbctl_with(&["secrets", "edit", BOOTSTRAP], &[("EDITOR", "false")], None);
    assert!(failed.stderr.contains("the editor `false` ended with exit status: 1; nothing was written"));
}

#[test]
fn an_audit_says_what_to_look_at() {
    let orb = Orb::new();
    let orbiter = format!(
        "{}      leftover: {{encryption: AES256, encoding: Base64, value: {OLD_VALUE}}}\n",
        orb.file("orbiter.yml")
    );
    orb.commit(&[("orbiter.yml", &orbiter)]);
    let said = orb.orbctl(&["secrets", "audit", "--exit-code"]);
    assert_eq!(said.code, Some(3));
    insta::assert_snapshot!(said.out());
}

#[test]
fn an_audit_knows_from_the_history_how_old_a_value_is() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "k");
    // The same file, long ago, in a history of its own.
    let tree = orb.git(&["rev-parse", "main^{tree}"]);
    let then = "1000000000 +0000";
    let mut command = std::process::Command::new("git");
    command.args(["-C", orb.repository().to_str().expect("plain"), "commit-tree", tree.trim(), "-m", "then"]);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "s").env(format!("GIT_{who}_EMAIL"), "s@example.com");
        command.env(format!("GIT_{who}_DATE"), then);
    }
    let made = String::from_utf8(command.output().expect("git is there").stdout).expect("an id");
    orb.git(&["update-ref", "refs/heads/main", made.trim()]);
    orb.set(BOOTSTRAP, "new");
    let said = orb.orbctl(&["secrets", "audit"]).ok();
    assert!(said.contains(&format!("{KUBECONFIG}: ")) && said.contains("should be 365 or less"), "{said}");
    let said = orb.orbctl(&["secrets", "audit", "--older-than", "1"]).ok();
    let lines: Vec<_> = said.lines().filter(|it| it.starts_with("old  ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(KUBECONFIG), "the new value is young: {said}");
}

#[test]
fn secrets_of_boom_have_the_names_of_the_original() {
    let boom =
        "spec:\n  reconciling:\n    credentials:\n    - name: github\n      password: ~ # of the bot\n";
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", boom)]);
    for (name, path, secret) in [
        ("boom.monitoring.admin.password.encrypted", "boom.yml:spec.monitoring.admin.password", "p"),
        ("boom.monitoring.sso.oauth.clientid", "boom.yml:spec.monitoring.auth.genericOAuth.clientID", "i"),
    ] {
        let said = orb.orbctl_with(&["writesecret", name, "--stdin"], &[], Some(secret)).ok();
        assert_eq!(said, "Desired state written to boom.yml\n");
        assert_eq!(
            (orb.orbctl(&["readsecret", name]).ok().as_str(), orb.show(path).as_str()),
            (secret, secret)
        );
    }
    let listed = orb.orbctl(&["readsecret"]);
    assert!(listed.stderr.contains("boom.monitoring.sso.oauth.clientid.encrypted\n"), "{listed:?}");
    let existing = orb.orbctl(&["readsecret", "boom.monitoring.admin.password.existing"]);
    assert!(existing.stderr.contains("comes with BOOM"), "{existing:?}");

    // A value that stands in a list already is found by the item's name.
    let sealed = orb.file("boom.yml").replace(
        "password: ~",
        &format!("password: {{encryption: AES256, encoding: Base64, value: {OLD_VALUE}}}"),
    );
    orb.commit(&[("boom.yml", &sealed)]);
    let name = "boom.reconciling.credential.github.password.encrypted";
    assert_eq!(orb.orbctl(&["readsecret", name]).ok(), OLD_SECRET);
    orb.orbctl(&["writesecret", name, "--value", "new"]).ok();
    assert_eq!(orb.orbctl(&["readsecret", name]).ok(), "new");
    assert!(orb.file("boom.yml").contains("# of the bot"));
}

const BOOM: &str = "\
apiVersion: caos.ch/v1
kind: Boom
spec:
  monitoring:
    deploy: true
    auth:
      google: {}
  reconciling:
    deploy: true
    customImage:
      gopassStores:
      - storeName: lakeside # ours
        directory: git@git.example.com:lakeside/secrets.git
        existingGpgKeySecret: { name: store, key: gpg }
";

#[test]
fn slots_of_boom_are_those_of_what_it_mentions() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", BOOM)]);
    let listed = orb.orbctl(&["secrets", "list"]).ok();
    let slots = listed.lines().filter(|it| it.starts_with("boom.yml") && !it.contains(" kubernetes "));
    let columns = slots.map(|it| it.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
    assert_eq!(
        columns.collect::<Vec<_>>(),
        [
            "boom.yml:spec.monitoring.admin.password generated missing",
            "boom.yml:spec.monitoring.auth.google.clientID supplied missing",
            "boom.yml:spec.monitoring.auth.google.clientSecret supplied missing",
            "boom.yml:spec.reconciling.customImage.gopassStores.lakeside.sshKey supplied missing",
            "boom.yml:spec.reconciling.customImage.gopassStores.lakeside.gpgKey supplied reference",
        ]
    );

    orb.orbctl(&["secrets", "generate"]).ok();
    assert_eq!(orb.show("boom.yml:spec.monitoring.admin.password").len(), 24);
    let key = "boom.reconciling.gopass.lakeside.ssh.encrypted";
    orb.orbctl_with(&["writesecret", key, "--stdin"], &[], Some("a key")).ok();
    assert_eq!(orb.orbctl(&["readsecret", key]).ok(), "a key");
    assert!(orb.file("boom.yml").contains("storeName: lakeside # ours"));

    orb.orbctl(&["secrets", "rotate"]).ok();
    assert_eq!(orb.show("boom.yml:spec.reconciling.customImage.gopassStores.lakeside.sshKey"), "a key");
    let leftover = format!(
        "{}  alerting:\n    confg: {{encryption: AES256, value: {OLD_VALUE}}}\n",
        orb.file("boom.yml")
    );
    orb.commit(&[("boom.yml", &leftover)]);
    let said = orb.orbctl(&["secrets", "audit"]).ok();
    assert!(said.contains("spec.alerting.confg: nothing that is known here uses it"), "{said}");
}

#[test]
fn a_boom_of_an_older_version_has_values_but_no_slots() {
    let old = BOOM.replace("caos.ch/v1", "caos.ch/v1beta1").replace("monitoring:", "grafana:");
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", &old)]);
    let listed = orb.orbctl(&["secrets", "list"]).ok();
    let slots = listed.lines().filter(|it| it.starts_with("boom.yml") && !it.contains(" kubernetes "));
    assert_eq!(slots.count(), 0, "{listed}");
}
