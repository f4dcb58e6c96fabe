//! A new key for everything, in one commit.

use crate::fixture::{BOOTSTRAP, KUBECONFIG, OLD_SECRET, ORBITER, Orb};

#[test]
fn every_value_of_every_file_is_sealed_anew_in_one_commit() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("a/boom.yml", "# boom\nspec: {}\n")]);
    orb.set(KUBECONFIG, "k");
    orb.set("a/boom.yml:spec.x", "y");
    let (commits, before) = (orb.commits(), orb.file("orbiter.yml"));
    let keyring = orb.file("caos-internal/keyring.yml");
    let said = orb.orbctl(&["secrets", "rotate"]).ok();
    assert!(said.starts_with("3 values in 2 files are sealed with a new key, in commit "), "{said}");
    assert_eq!(orb.commits(), commits + 1);
    assert_ne!(orb.file("caos-internal/keyring.yml").lines().next(), keyring.lines().next());
    let after = orb.file("orbiter.yml");
    assert!(!after.contains("'AES256'") && after.contains("# from the vendor"), "{after}");
    assert_eq!(before.lines().count(), after.lines().count());
    assert_eq!((orb.show(BOOTSTRAP), orb.show(KUBECONFIG)), (OLD_SECRET.into(), "k".into()));
    assert_eq!(orb.show("a/boom.yml:spec.x"), "y");
    let mut files: Vec<String> =
        orb.git(&["diff", "--name-only", "main~1", "main"]).lines().map(str::to_owned).collect();
    files.sort();
    assert_eq!(files, ["a/boom.yml", "caos-internal/keyring.yml", "orbiter.yml"]);
}

#[test]
fn an_orb_of_the_original_is_brought_to_the_new_format() {
    let orb = Orb::new();
    orb.orbctl(&["secrets", "rotate"]).ok();
    assert_eq!((orb.commits(), orb.show(BOOTSTRAP)), (2, OLD_SECRET.to_owned()));
    let list = orb.orbctl(&["secrets", "list"]).ok();
    assert!(!list.contains(" old "), "{list}");
}

#[test]
fn copies_of_a_value_of_the_original_get_a_value_each() {
    let orb = Orb::new();
    let old = "{encryption: AES256, encoding: Base64, value: QwBjkOJ0QeenQSZTM_G9n2oqZY1ZBzUPHYnFbA==}";
    let file = format!("{}      # beside it\n      copy: {old} # stays\n", orb.file("orbiter.yml"));
    orb.commit(&[("orbiter.yml", &file)]);
    orb.orbctl(&["secrets", "rotate"]).ok();
    assert_eq!(orb.show(BOOTSTRAP), OLD_SECRET);
    assert_eq!(orb.show("providers.rack.spec.copy"), OLD_SECRET);
    let after = orb.file("orbiter.yml");
    assert!(
        after.contains("# beside it") && after.contains("} # stays") && after.contains("# old"),
        "{after}"
    );
}

#[test]
fn a_value_behind_an_anchor_stays_behind_it() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("a.yml", "one: &x\ntwo: *x\n")]);
    orb.commit(&[("a.yml", "one:\n")]);
    orb.set("a.yml:one", "s");
    let anchored = orb.file("a.yml").replace("one:", "one: &x") + "two: *x\n";
    orb.commit(&[("a.yml", &anchored)]);
    orb.orbctl(&["secrets", "rotate"]).ok();
    assert_eq!(orb.show("a.yml:one"), "s");
    assert!(orb.file("a.yml").ends_with("two: *x\n"));
}

#[test]
fn one_value_that_does_not_open_and_nothing_is_written() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "k");
    let file = orb.file("orbiter.yml").replace("value: QwBj", "value: Qw*j");
    orb.commit(&[("orbiter.yml", &file)]);
    let (commits, head) = (orb.commits(), orb.git(&["rev-parse", "main"]));
    let said = orb.orbctl(&["secrets", "rotate"]);
    assert_eq!(said.code, Some(6), "{said:?}");
    assert!(said.stderr.contains(&format!("{BOOTSTRAP} is invalid")), "{said:?}");
    assert_eq!((orb.commits(), orb.git(&["rev-parse", "main"])), (commits, head));
}

#[test]
fn a_file_that_cannot_be_read_is_not_left_behind() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("b.yml", "encryption: [\n")]);
    let said = orb.orbctl(&["secrets", "rotate"]);
    assert_eq!((said.code, orb.commits()), (Some(6), 1), "{said:?}");
    assert!(said.stderr.contains("b.yml is invalid: the secrets in it cannot be found"), "{said:?}");
}

#[test]
fn writers_that_race_lose_nothing() {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "0");
    let commits = orb.commits();
    std::thread::scope(|scope| {
        scope.spawn(|| orb.orbctl(&["secrets", "rotate"]).ok());
        scope.spawn(|| orb.set(KUBECONFIG, "1"));
        scope.spawn(|| orb.orbctl(&["secrets", "rotate"]).ok());
    });
    assert_eq!(orb.commits(), commits + 3);
    assert_eq!((orb.show(KUBECONFIG), orb.show(BOOTSTRAP)), ("1".to_owned(), OLD_SECRET.to_owned()));
}
