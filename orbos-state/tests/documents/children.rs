//! Documents inside documents.

use orbos_state::{Diagnostics, Registry};

use crate::kinds::{Orb, Provider, parse};

const TEXT: &str = "\
kind: example.com/Orb
version: v0
spec:
  verbos: true
providers:
  good:
    kind: example.com/Provider
    version: v1
    spec:
      pools: {}
  bad:
    kind: example.com/Provider
    version: v1
    spec:
      pools:
        masters:
        - id: first
          ipp: 10.0.0.1
    loadBalancing:
      kind: example.com/Balancer
  odd:
    kind: example.com/Provder
    version: v1
";

type Providers = Registry<String, ()>;

fn providers() -> Providers {
    Registry::empty()
        .with("example.com/Provider", |document, ()| {
            let mut wrong = Diagnostics::new();
            wrong.keep(document.read::<Provider>());
            wrong.keep(document.child("loadBalancing"));
            wrong.into_result()?;
            Ok(Box::new(document.path().to_string()))
        })
        .with("example.com/Cloud", |_, ()| Ok(Box::default()))
}

#[test]
fn the_mistakes_of_parent_and_children_are_reported_at_once() {
    let orb = parse(TEXT).expect("it has kind and version");
    let mut wrong = Diagnostics::new();
    wrong.keep(orb.read::<Orb>());
    for (_, child) in wrong.keep(orb.children("providers")).expect("all have kind and version") {
        wrong.absorb(providers().make(&child, &())).expect("only files can be wrong");
    }
    insta::assert_snapshot!("parent_and_children", wrong);
}

#[test]
fn a_child_knows_its_place() {
    let orb = parse(TEXT).expect("it has kind and version");
    let good = orb.child("providers.good").expect("it is a document").expect("it is there");
    assert_eq!((good.kind(), good.path().to_string().as_str()), ("example.com/Provider", "providers.good"));
    assert_eq!(providers().make(&good, &()).expect("nothing is wrong").as_str(), "providers.good");
    assert!(orb.child("providers.none").expect("nothing is wrong").is_none());
    assert!(good.child("loadBalancing").expect("nothing is wrong").is_none());
    let names: Vec<String> =
        orb.children("providers").expect("documents").into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["good", "bad", "odd"]);
}

#[test]
fn what_should_be_documents_and_is_not_is_said_so() {
    let orb = parse("kind: a\nversion: v0\nproviders:\n  one: 1\n  two: {kind: x}\n  three:\nlist: []\n")
        .expect("fine");
    let mut wrong = Diagnostics::new();
    wrong.keep(orb.children("providers"));
    wrong.keep(orb.children("list"));
    insta::assert_snapshot!("no_documents", wrong);
}

#[test]
fn unknown_kinds_name_the_known_ones() {
    let unknown = parse("kind: nothing/like\nversion: v0\n").expect("fine");
    let error = providers().make(&unknown, &()).expect_err("nobody knows it");
    insta::assert_snapshot!("unknown_kind", Diagnostics::of(&error).expect("it is about files"));
    assert_eq!(
        error.to_string(),
        "orbiter.yml is invalid: nobody knows the kind `nothing/like` here at orbiter.yml:1:7"
    );
}
