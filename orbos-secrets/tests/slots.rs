//! Slots in documents: found, missing, generated, unused; and a whole orb sealed again.

use orbos_secrets::{
    Cipher, Content, Error, Existing, Generator, MasterKey, OrbCipher, OrbKey, Place, Sealed, Secret, Slot,
    SlotKind, Step, Tree,
    generate::{OsRng, token},
    generate_missing, list_slots, reseal, shared_secrets, unused_values,
};
use std::time::{Duration, Instant};

const SLOTS: &[Slot] = &[
    Slot {
        path: "clusters.*.spec.kubeconfig",
        kind: SlotKind::Stored,
        what: "access to the cluster",
        lives: None,
        existing: None,
    },
    Slot {
        path: "providers.*.spec.keys.maintenancePrivate",
        kind: SlotKind::Generated(Generator::SshKeyPair { public: "maintenancePublic" }),
        what: "SSH key that the machines accept",
        lives: Some(365),
        existing: None,
    },
    Slot {
        path: "spec.admin.password",
        kind: SlotKind::Generated(Generator::Password { characters: 24 }),
        what: "password of the administrator",
        lives: Some(90),
        existing: Some("existingPassword"),
    },
    Slot {
        path: "spec.credentials.*.token",
        kind: SlotKind::Generated(Generator::Token),
        what: "token for a repository",
        lives: None,
        existing: None,
    },
];

const SEALED: &str = "{encryption: AES256, encoding: Base64, value: 6N1uVw==}";

fn tree(yaml: &str) -> Tree {
    serde_yaml::from_str(&yaml.replace("SEALED", SEALED)).expect("a document")
}

fn cipher() -> OrbCipher {
    OrbCipher::new(OrbKey::generate(&mut OsRng).expect("random numbers"), None)
}

fn place() -> Place {
    Place::new("example/orb", "orbiter.yml", "")
}

fn found(yaml: &str) -> Vec<String> {
    tree(yaml).sealed().into_iter().map(|found| found.path).collect()
}

fn contents(yaml: &str) -> Vec<String> {
    let show = |spot: orbos_secrets::Spot| {
        let content = match spot.content {
            Content::Sealed(_) => "sealed".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        format!("{} {content}", spot.path)
    };
    list_slots(SLOTS, &tree(yaml)).into_iter().map(show).collect()
}

#[test]
fn sealed_values_are_found_wherever_they_are() {
    let yaml = "{a: {b: SEALED}, c: [SEALED, {d: SEALED}], 'e.f': {'': SEALED}, 7: !tagged {g: SEALED}, h: text, i: }";
    assert_eq!(found(yaml), ["a.b", "c.0", "c.1.d", "\"e.f\".\"\"", "7.g"]);
    let steps = &tree(yaml).sealed()[2].steps;
    assert_eq!(*steps, [Step::Key("c".into()), Step::Index(1), Step::Key("d".into())]);
}

#[test]
fn items_of_a_list_go_by_their_name_if_it_is_theirs_alone() {
    assert_eq!(found("list: [{name: x, s: SEALED}, {name: y, s: SEALED}]"), ["list.x.s", "list.y.s"]);
    assert_eq!(found("list: [{name: x, s: SEALED}, {name: x, s: SEALED}]"), ["list.0.s", "list.1.s"]);
    assert_eq!(found("list: [{name: '1', s: SEALED}, {s: SEALED}]"), ["list.0.s", "list.1.s"]);
    assert_eq!(found("list: [{name: a.b, s: SEALED}]"), ["list.\"a.b\".s"]);
}

#[test]
fn what_only_looks_like_a_sealed_value_is_none() {
    for yaml in [
        "a: {encryption: AES256, encoding: Base64, value: ''}",
        "a: {encryption: AES256, encoding: Base64}",
        "a: {value: text}",
        "a: {encryption: AES256, encoding: Base64, value: x, more: y}",
        "a: {encryption: AES256, encoding: Base64, value: 7}",
    ] {
        assert!(found(yaml).is_empty(), "{yaml}");
    }
}

#[test]
fn a_document_with_a_key_twice_is_refused() {
    let error = serde_yaml::from_str::<Tree>("{a: 1, a: 2}").unwrap_err();
    assert!(error.to_string().contains("twice") || error.to_string().contains("duplicate"), "{error}");
}

#[test]
fn slots_are_listed_with_what_is_in_them() {
    let yaml = "
clusters:
  k8s: {spec: {kubeconfig: SEALED}}
  new: {spec: {}}
providers:
  gce: {spec: {keys: {maintenancePrivate: {encryption: AES256, encoding: Base64, value: }}}}
spec:
  admin: {password: hunter2}
  credentials: [{name: github, token: null}, {name: gitlab, token: SEALED}]
";
    assert_eq!(
        contents(yaml),
        [
            "clusters.k8s.spec.kubeconfig sealed",
            "clusters.new.spec.kubeconfig missing",
            "providers.gce.spec.keys.maintenancePrivate missing",
            "spec.admin.password unsealed",
            "spec.credentials.github.token missing",
            "spec.credentials.gitlab.token sealed",
        ]
    );
}

#[test]
fn a_reference_counts_and_beside_a_value_is_called_both() {
    let password = |yaml: &str| contents(&format!("spec: {{admin: {yaml}}}")).pop().expect("the slot");
    assert_eq!(password("{existingPassword: {name: a, key: b}}"), "spec.admin.password existing");
    assert_eq!(
        password("{password: SEALED, existingPassword: {name: a, key: b}}"),
        "spec.admin.password both"
    );
    assert_eq!(password("{password: SEALED, existingPassword: }"), "spec.admin.password sealed");
    assert_eq!(password("{}"), "spec.admin.password missing");
}

#[test]
fn missing_secrets_are_made_for_their_place() {
    let cipher = cipher();
    let document = tree("{providers: {gce: {}}, spec: {credentials: [{name: github}]}, clusters: {k8s: {}}}");
    let made = generate_missing(SLOTS, &document, &place(), &cipher, &mut OsRng).unwrap();
    let open = |index: usize| cipher.open(&made[index].sealed, &place().below(&made[index].path)).unwrap();
    let paths: Vec<_> = made.iter().map(|made| made.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "providers.gce.spec.keys.maintenancePrivate",
            "providers.gce.spec.keys.maintenancePublic",
            "spec.admin.password",
            "spec.credentials.github.token",
        ]
    );
    assert!(open(0).expose_text().unwrap().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
    assert!(open(1).expose_text().unwrap().starts_with("ssh-ed25519 "));
    assert_eq!((open(2).len(), open(3).len()), (24, 43));
    let [.., Step::Index(0), Step::Key(key)] = made[3].steps.as_slice() else {
        panic!("{:?}", made[3].steps)
    };
    assert_eq!(key, "token");
}

#[test]
fn nothing_is_made_where_something_is() {
    let yaml = "{spec: {admin: {password: SEALED}}}";
    assert_eq!(generate_missing(SLOTS, &tree(yaml), &place(), &cipher(), &mut OsRng).unwrap(), []);
    for yaml in ["{password: hunter2}", "{existingPassword: {name: a, key: b}}"] {
        let document = tree(&format!("{{spec: {{admin: {yaml}}}}}"));
        assert_eq!(generate_missing(SLOTS, &document, &place(), &cipher(), &mut OsRng).unwrap(), []);
    }
}

#[test]
fn a_secret_that_is_there_can_be_made_anew() {
    let cipher = cipher();
    let document = tree("{spec: {admin: {password: SEALED}}, clusters: {k8s: {spec: {kubeconfig: SEALED}}}}");
    let spots = list_slots(SLOTS, &document);
    let made = |index: usize| spots[index].generate(&place(), &cipher, &mut OsRng).unwrap();
    assert_eq!((spots[0].path.as_str(), made(0).len()), ("clusters.k8s.spec.kubeconfig", 0));
    let password = made(1).pop().unwrap();
    assert_eq!(password.path, "spec.admin.password");
    assert_eq!(cipher.open(&password.sealed, &place().below(&password.path)).unwrap().len(), 24);
}

#[test]
fn values_that_no_slot_accounts_for_are_unused() {
    let yaml = "
clusters: {k8s: {spec: {kubeconfig: SEALED, old: SEALED}}}
providers: {gce: {spec: {keys: {maintenancePrivate: SEALED, maintenancePublic: SEALED}}}}
";
    assert_eq!(unused_values(SLOTS, &tree(yaml)), ["clusters.k8s.spec.old"]);
}

#[test]
fn references_are_checked() {
    let existing: Existing = serde_yaml::from_str("{name: oauth, key: id, internalName: inner}").unwrap();
    existing.check().unwrap();
    for (name, key) in [("", "id"), ("oauth", ""), ("-oauth", "id"), ("OAuth", "id"), ("oauth", "a b")] {
        let existing = Existing { name: name.into(), key: key.into(), internal_name: None };
        assert!(matches!(existing.check(), Err(Error::Existing { .. })), "{name} {key}");
    }
    assert!(serde_yaml::from_str::<Existing>("{name: a, kye: b}").is_err());
}

/// An orb with a thousand secrets in twenty files; some of them still in the original's format.
#[test]
fn a_whole_orb_is_sealed_again_in_time() {
    let master_key = || MasterKey::new("masterkey-example").unwrap();
    let (old, new) = (OrbKey::generate(&mut OsRng).unwrap(), OrbKey::generate(&mut OsRng).unwrap());
    let (old, new) = (OrbCipher::new(old, Some(master_key())), OrbCipher::new(new, None));
    let original: Sealed = serde_yaml::from_str(
        "{encryption: AES256, encoding: Base64, value: Ugna_60HGByytMvstYixNnXEZt4Wci9Atw==}",
    )
    .unwrap();
    let values: Vec<_> = (0..1000)
        .map(|number| {
            let place = Place::new("orb", format!("file{}.yml", number % 20), format!("secret{number}"));
            let secret = token(&mut OsRng).unwrap();
            let sealed = if number % 10 == 0 { original.clone() } else { old.seal(&secret, &place).unwrap() };
            (place, sealed)
        })
        .collect();

    let start = Instant::now();
    let resealed = reseal(&old, &new, values.iter().map(|(place, sealed)| (place, sealed))).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    assert_eq!(resealed.len(), 1000);
    for ((place, before), (same_place, after)) in values.iter().zip(&resealed) {
        assert_eq!(place, same_place);
        assert_eq!(old.open(before, place).unwrap(), new.open(after, place).unwrap());
    }
}

#[test]
fn one_bad_value_stops_sealing_again_and_is_named() {
    let (old, new) = (cipher(), cipher());
    let places: Vec<_> = ["first", "second"].map(|path| Place::new("orb", "boom.yml", path)).into();
    let good = old.seal(&Secret::from_text("x"), &places[0]).unwrap();
    let error = reseal(&old, &new, [(&places[0], &good), (&places[1], &good)]).unwrap_err();
    assert!(matches!(&error, Error::Moved { place } if *place == places[1]), "{error}");
}

#[test]
fn places_with_the_same_secret_are_listed_together() {
    let cipher = cipher();
    let values: Vec<_> = [("b", "one"), ("a", "one"), ("c", "two"), ("e", "three"), ("d", "three")]
        .map(|(path, text)| {
            let place = Place::new("orb", "boom.yml", path);
            let sealed = cipher.seal(&Secret::from_text(text), &place).unwrap();
            (place, sealed)
        })
        .into();
    let groups = shared_secrets(&cipher, values.iter().map(|(place, sealed)| (place, sealed))).unwrap();
    let paths: Vec<Vec<_>> =
        groups.iter().map(|places| places.iter().map(|place| place.path.as_str()).collect()).collect();
    assert_eq!(paths, [["a", "b"], ["d", "e"]]);
}
