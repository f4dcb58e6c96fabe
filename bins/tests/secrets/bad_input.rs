//! What is said about every bad input; nothing is written for any of them.

use std::fmt::Write;

use crate::fixture::{BOOTSTRAP, KUBECONFIG, MASTERKEY, Orb, Said};

/// What differs between runs, taken out.
fn said(orb: &Orb, said: &Said) -> String {
    let mut text = said.stderr.replace(orb.home.path().to_str().expect("plain"), "HOME");
    let keyring = orb.git(&["log", "-p", "main", "--", "caos-internal/keyring.yml"]);
    let keys = keyring.lines().map(|it| it.trim_start_matches(['+', '-']));
    for key in keys.filter_map(|it| it.strip_prefix("key: ")) {
        text = text.replace(key.trim_matches(['\'', '"']), "KEY");
    }
    let id = orbos_state::orb_id(&orb.url());
    format!("exit {:?}\n{}", said.code, text.replace(&id, "ORB"))
}

#[test]
fn every_bad_input_gets_a_message_of_its_own() {
    let mut table = String::new();
    let mut case = |name: &str, spoil: &dyn Fn(&Orb), arguments: &[&str]| {
        let orb = Orb::new();
        orb.set(KUBECONFIG, "a secret");
        spoil(&orb);
        let before = orb.git(&["rev-parse", "main"]);
        let result = orb.orbctl(arguments);
        assert_eq!(orb.git(&["rev-parse", "main"]), before, "{name}: nothing is written");
        assert!(result.stdout.is_empty(), "{name}: {result:?}");
        writeln!(table, "== {name}\n{}", said(&orb, &result)).expect("a text takes everything");
    };
    let show = ["secrets", "show", KUBECONFIG];
    let rotate = ["secrets", "rotate"];
    let spoil_file = |orb: &Orb, from: &str, to: &str| {
        let file = orb.file("orbiter.yml");
        assert!(file.contains(from), "{file}");
        orb.commit(&[("orbiter.yml", &file.replacen(from, to, 1))]);
    };
    let value = |orb: &Orb| {
        let file = orb.file("orbiter.yml");
        let no_base64 = |it: char| !(it.is_ascii_alphanumeric() || "_=-".contains(it));
        file.split(no_base64).find(|it| it.len() > 100).expect("it was set").to_owned()
    };
    let another_key = |orb: &Orb| orb.configure(&format!("url: {}\nmasterkey: another\n", orb.url()));

    case("wrong master key", &another_key, &show);
    case("wrong master key, setting", &another_key, &["secrets", "set", KUBECONFIG, "--value", "x"]);
    case("no master key", &|orb| orb.configure(&format!("url: {}\n", orb.url())), &show);
    case(
        "wrong master key for a value of the original",
        &|orb| {
            orb.git(&["update-ref", "refs/heads/main", "main~1"]);
            orb.configure(&format!("url: {}\nmasterkey: Zm9vYmFyYmF6cXV4MTIzNDU2Nzg4\n", orb.url()));
        },
        &["secrets", "show", BOOTSTRAP],
    );
    case(
        "truncated value",
        &|orb| {
            let value = value(orb);
            spoil_file(orb, &value, &value[..80]);
        },
        &show,
    );
    case(
        "altered value",
        &|orb| {
            let value = value(orb);
            let other = if value.as_bytes()[120] == b'A' { "B" } else { "A" };
            spoil_file(orb, &value, &format!("{}{other}{}", &value[..120], &value[121..]));
        },
        &show,
    );
    case(
        "altered value, rotating",
        &|orb| {
            let value = value(orb);
            spoil_file(orb, &value, &value[..80]);
        },
        &rotate,
    );
    case(
        "value moved",
        &|orb| {
            let (value, old) = (value(orb), crate::fixture::OLD_VALUE);
            spoil_file(orb, "'AES256'", "AES256-GCM");
            spoil_file(orb, old, &value);
        },
        &["secrets", "show", BOOTSTRAP],
    );
    case(
        "value of another key",
        &|orb| {
            let other = Orb::new();
            other.set(KUBECONFIG, "a secret");
            orb.commit(&[("caos-internal/keyring.yml", &other.file("caos-internal/keyring.yml"))]);
        },
        &show,
    );
    case("unknown encryption", &|orb| spoil_file(orb, "AES256-GCM", "ROT13"), &show);
    let beside = |orb: &Orb| {
        orb.commit(&[("boom.yml", "spec:\n  password: ~\n")]);
        orb.set("boom.yml:spec.password", "x");
        let reference = "  existingPassword: {name: grafana, key: pw}\n";
        let file = orb.file("boom.yml");
        orb.commit(&[("boom.yml", &format!("{}\n{reference}", file.trim_end()))]);
    };
    let both = "boom.yml:spec.password";
    case("value and reference", &beside, &["secrets", "show", both]);
    case("value and reference, setting", &beside, &["secrets", "set", both, "--value", "y"]);
    case("value and reference, rotating", &beside, &rotate);
    case(
        "value and reference, removing somebody",
        &|orb| {
            beside(orb);
            let add = ["secrets", "recipients", "add", "ops", "--passphrase-stdin"];
            orb.orbctl_with(&add, &[], Some("correct horse")).ok();
        },
        &["secrets", "recipients", "remove", "ops"],
    );
    case(
        "a private key on the command line",
        &|_| {},
        &["secrets", "recipients", "add", "bob", "-----BEGIN OPENSSH PRIVATE KEY-----\na secret"],
    );
    case(
        "a private key behind the path",
        &|_| {},
        &["secrets", "set", KUBECONFIG, "-----BEGIN OPENSSH PRIVATE KEY-----\na secret"],
    );
    case(
        "keyring altered",
        &|orb| {
            let keyring = orb.file("caos-internal/keyring.yml").replace("name: orbconfig", "name: mallory");
            orb.commit(&[("caos-internal/keyring.yml", &keyring)]);
        },
        &show,
    );
    case("keyring that is none", &|orb| orb.commit(&[("caos-internal/keyring.yml", "x: 1\n")]), &show);
    case(
        "not sealed",
        &|orb| {
            let old = crate::fixture::OLD_VALUE;
            spoil_file(orb, old, &format!("{old}\n          more: x"));
        },
        &["secrets", "show", BOOTSTRAP],
    );
    case("no such secret", &|_| {}, &["secrets", "show", "providers.reck.spec.keys.bootstrapkeyprivate"]);
    case("nothing like it", &|_| {}, &["secrets", "show", "a.b"]);
    case("not set", &|_| {}, &["secrets", "show", "orbiter.rack.bootstrapkeypublic"]);
    case("a path nobody knows", &|_| {}, &["secrets", "set", "providers.rack.x", "--value", "x"]);
    case("in Kubernetes", &|_| {}, &["readsecret", "orbiter.k8s.kubeconfig.existing"]);
    case("of BOOM", &|_| {}, &["readsecret", "boom.monitoring.admin.password.encrypted"]);
    case("empty", &|_| {}, &["secrets", "set", KUBECONFIG, "--value", ""]);
    case("no terminal", &|_| {}, &["secrets", "set", KUBECONFIG]);
    case(
        "a private part that is gone",
        &|orb| {
            orb.set("orbiter.rack.maintenancekeypublic", "ssh-ed25519 AAAA");
        },
        &["secrets", "generate"],
    );
    case("the last recipient", &|_| {}, &["secrets", "recipients", "remove", "orbconfig"]);
    case("no such recipient", &|_| {}, &["secrets", "recipients", "remove", "bob"]);
    case(
        "a name that is taken",
        &|_| {},
        &[
            "secrets",
            "recipients",
            "add",
            "orbconfig",
            "age1q4mhkqw9rrw32tcun3s0ggj49n8kgqnr3tt89patf28nst6hlqdq47epmv",
        ],
    );
    case("no key", &|_| {}, &["secrets", "recipients", "add", "bob", "age1nonsense"]);
    case(
        "an identity that is none",
        &|orb| {
            orb.write("id", "nonsense");
            orb.configure(&format!("url: {}\n", orb.url()));
        },
        &["--identity", "/dev/null", "secrets", "show", KUBECONFIG],
    );
    insta::assert_snapshot!(table);
    assert!(!table.contains(MASTERKEY) && !table.contains("a secret"));
}
