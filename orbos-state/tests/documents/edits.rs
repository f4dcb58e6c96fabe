//! Edits of files that belong to humans.

use orbos_state::{Error, FieldEdit, FieldPath, edit};
use proptest::prelude::*;
use serde_json::{Value, json};

fn path(text: &str) -> FieldPath {
    text.parse().expect(text)
}

fn set(text: &str, at: &str, value: Value) -> String {
    edit::set(text, &path(at), &value).unwrap_or_else(|error| panic!("{}", error.chain()))
}

const FILE: &str = r#"# An orb.  Comments, odd   spacing and quotes stay.
kind: "orbiter.caos.ch/Orb"
version: v0

spec:
  verbose: no        # really
  # above
  connectFrom: [ 10.0.0.0/8,  '192.168.0.0/16' ]


clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    spec: &spec
      controlplane: {nodes: 3, pool: masters}  # odd
      workers:
      - pool: storage
        nodes: 3   # three disks

      # the rest
      - pool: application
        nodes: 12
      text: |
        keep
          this
other: *spec
"#;

#[test]
fn nothing_but_the_field_changes() {
    for (at, value, before, after) in [
        ("spec.verbose", json!(true), "verbose: no  ", "verbose: true  "),
        ("clusters.k8s.kind", json!("x: y # z"), "orbiter.caos.ch/KubernetesCluster", "'x: y # z'"),
        ("spec.connectFrom[1]", json!("127.0.0.1/32"), "'192.168.0.0/16'", "127.0.0.1/32"),
        ("version", json!("1.20"), "version: v0", "version: '1.20'"),
        ("version", json!("no"), "version: v0", "version: 'no'"),
    ] {
        let expected = FILE.replacen(before, after, 1);
        let changed = set(FILE, at, value.clone());
        assert!(changed == expected || changed == expected.replace(['\'', '"'], "\""), "{at}:\n{changed}");
        assert_eq!(set(&changed, at, value), changed, "the same again changes nothing");
    }
}

#[test]
fn secrets_come_and_go() {
    let sealed = json!({"encryption": "AES256", "encoding": "Base64", "value": "Ugna_60HGBy=="});
    let with = set(FILE, "providers.gce.spec.jsonkey", sealed.clone());
    insta::assert_snapshot!("a_secret_in_a_new_section", with);
    let with = set(FILE, "clusters.k8s.kubeconfig", sealed.clone());
    insta::assert_snapshot!("a_secret_in_a_section", with);
    let without = edit::remove(&with, &path("clusters.k8s.kubeconfig")).expect("it is there");
    assert_eq!(without, FILE);
    assert_eq!(edit::remove(FILE, &path("no.such[3].field")).expect("it is not there"), FILE);
    assert!(matches!(
        edit::insert(&with, &path("clusters.k8s.kubeconfig"), &sealed),
        Err(Error::Conflict { .. })
    ));
}

#[test]
fn what_would_touch_something_else_is_refused() {
    // Behind the alias stands the same value as at its anchor.
    for at in ["clusters.k8s.spec.controlplane.nodes", "clusters.k8s.spec.workers[0].nodes", "other.text"] {
        let error = edit::set(FILE, &path(at), &json!(5)).expect_err("it would change in two places");
        assert!(matches!(error, Error::Unsupported { .. }), "{at}: {error:?}");
    }
    for at in ["kind.below", "spec[0]", "spec.connectFrom.x", "spec.connectFrom[7]"] {
        let error = edit::set(FILE, &path(at), &json!(5)).expect_err("there is no place for it");
        assert!(matches!(error, Error::Invalid { .. }), "{at}: {error:?}");
    }
    assert!(edit::set("a: [", &path("a"), &json!(1)).is_err());
    assert!(edit::set("a: 1\na: 2\n", &path("b"), &json!(1)).is_err());
}

#[test]
fn files_begin_with_their_first_field() {
    assert_eq!(set("", "spec.nodes", json!(3)), "spec:\n  nodes: 3\n");
    assert_eq!(set("# mine\n\n# later", "nodes", json!(3)), "# mine\n\n# later\nnodes: 3\n");
    assert_eq!(set("spec:\n", "spec.nodes", json!(3)), "spec:\n  nodes: 3\n");
    assert_eq!(set("spec: {}\n", "spec.list[0]", json!("a")), "spec: {list: [a]}\n");
    assert_eq!(set("a: 1\n", "b[\"x.y/z\"]", json!(3)), "a: 1\nb:\n  x.y/z: 3\n");
    assert_eq!(set("1: a\n", "1", json!("b")), "1: b\n");
    assert_eq!(set("l:\n- a\n", "l[1]", json!("b")), "l:\n- a\n- b\n");
}

/// Values with everything that is hard to write.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null),
        proptest::sample::select(vec![
            "",
            " ",
            "no",
            "~",
            "1.10",
            "x: y # z",
            "two\nlines\n",
            "- a",
            "\"",
            "'",
            "{a}",
            "*a",
            "&a",
            "ü日本",
            "a\tb",
            "null",
            "true",
            "0x10",
            ": ",
            "#",
            "!x",
            "|",
            "trailing ",
            "%",
            "@",
            "\u{7f}",
            "=",
            "<<",
            "2001-01-01",
        ])
        .prop_map(Value::from),
        "[a-zA-Z0-9 _.:/#-]{0,12}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..4).prop_map(|it| it.into_iter().collect()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["a", "b", "nodes", "x.y/z", "1", "no", "with space"])
        .prop_map(str::to_owned)
}

/// A document with comments behind every line that can take one, and an edit of it.
fn document() -> impl Strategy<Value = (Value, String)> {
    proptest::collection::btree_map(key(), value(), 1..5).prop_map(|it| {
        let value: Value = it.into_iter().collect();
        let text = orbos_state::render(&value).expect("it has a form");
        (value, commented(&text))
    })
}

/// A document in which every line can take a comment.
fn plain_document() -> impl Strategy<Value = (Value, String)> {
    let plain = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "v[0-9.]{1,6}x".prop_map(Value::from)
    ];
    let value = plain.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}[0-9]", inner, 0..4)
                .prop_map(|it| it.into_iter().collect()),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,5}[0-9]", value, 1..5).prop_map(|it| {
        let value: Value = it.into_iter().collect();
        let text = orbos_state::render(&value).expect("it has a form");
        (value, commented(&text))
    })
}

fn commented(text: &str) -> String {
    let plain = |line: &str| !line.contains(['|', '>', '"', '\'', '#']);
    if !text.lines().all(plain) {
        // Inside texts of several lines a comment would be text.
        return format!("# first\n{text}# last\n");
    }
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| format!("# above {number}\n{line}   # beside {number}\n"));
    lines.collect()
}

fn places(value: &Value, at: &FieldPath, into: &mut Vec<FieldPath>) {
    let below: Vec<(FieldPath, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, it)| (at.join(key.as_str()), it)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, it)| (at.join(index), it)).collect(),
        _ => Vec::new(),
    };
    if let Value::Object(_) = value {
        into.push(at.join("brand-new"));
    }
    for (path, value) in below {
        into.push(path.clone());
        places(value, &path, into);
    }
}

fn find<'a>(value: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.segments().iter().try_fold(value, |value, segment| match segment {
        orbos_state::Segment::Key(key) => value.get(key.as_str()),
        orbos_state::Segment::Index(index) => value.get(*index),
    })
}

fn expect(value: &mut Value, path: &FieldPath, new: Option<&Value>) {
    let (last, above) = path.segments().split_last().expect("places are below the root");
    let parent = above.iter().fold(value, |value, segment| match segment {
        orbos_state::Segment::Key(key) => &mut value[key.as_str()],
        orbos_state::Segment::Index(index) => &mut value[*index],
    });
    match (parent, last, new) {
        (Value::Object(fields), orbos_state::Segment::Key(key), Some(new)) => {
            fields.insert(key.clone(), new.clone());
        }
        (Value::Object(fields), orbos_state::Segment::Key(key), None) => {
            fields.shift_remove(key);
        }
        (Value::Array(items), orbos_state::Segment::Index(index), Some(new)) => items[*index] = new.clone(),
        (Value::Array(items), orbos_state::Segment::Index(index), None) => {
            items.remove(*index);
        }
        other => panic!("{other:?}"),
    }
}

fn read_elsewhere(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_edit_does_what_it_says_or_nothing(
        (before, text) in document(),
        new in proptest::option::of(value()),
        choice in any::<proptest::sample::Index>(),
    ) {
        let mut all = Vec::new();
        places(&before, &FieldPath::root(), &mut all);
        let path = choice.get(&all);
        let result = match &new {
            Some(new) => edit::set(&text, path, new),
            None => edit::remove(&text, path),
        };
        if let Ok(changed) = result {
            let mut expected = before.clone();
            expect(&mut expected, path, new.as_ref());
            // Another reader is the judge.
            prop_assert_eq!(read_elsewhere(&changed), expected, "{} in\n{}became\n{}", path, text, changed);
            if new.is_some() {
                for comment in ["# first", "# last"].iter().filter(|it| text.contains(**it)) {
                    prop_assert!(changed.contains(comment), "{} was lost:\n{}became\n{}", comment, text, changed);
                }
            }
        }
    }

    #[test]
    fn an_edit_of_a_scalar_changes_one_line_and_leaves_its_comment(
        (before, text) in plain_document(),
        new in scalar().prop_filter("one line", |it| !it.as_str().is_some_and(|it| it.contains('\n'))),
        choice in any::<proptest::sample::Index>(),
    ) {
        let one_line = |it: &Value| match it {
            Value::String(text) => !text.contains('\n'),
            Value::Array(_) | Value::Object(_) => false,
            _ => true,
        };
        let mut all = Vec::new();
        places(&before, &FieldPath::root(), &mut all);
        all.retain(|path| find(&before, path).is_some_and(one_line));
        if all.is_empty() {
            return Ok(());
        }
        let path = choice.get(&all);
        let changed = match edit::set(&text, path, &new) {
            Ok(changed) => changed,
            Err(error) => return Err(TestCaseError::fail(format!("{}: {path} := {new} in\n{text}", error.chain()))),
        };
        let (old, now): (Vec<&str>, Vec<&str>) = (text.lines().collect(), changed.lines().collect());
        prop_assert_eq!(old.len(), now.len(), "{}became\n{}", text, changed);
        let different: Vec<usize> = (0..old.len()).filter(|it| old[*it] != now[*it]).collect();
        prop_assert!(different.len() <= 1, "{}became\n{}", text, changed);
        for line in different {
            let comment = |it: &str| it.rsplit_once("   # ").map(|it| it.1.to_owned());
            prop_assert_eq!(comment(old[line]), comment(now[line]), "{}became\n{}", text, changed);
        }
    }

    #[test]
    fn almost_every_edit_of_a_scalar_is_possible((before, text) in document(), new in scalar(), choice in any::<proptest::sample::Index>()) {
        let mut all = Vec::new();
        places(&before, &FieldPath::root(), &mut all);
        let path = choice.get(&all);
        if let Err(error) = edit::set(&text, path, &new) {
            prop_assert!(matches!(error, Error::Unsupported { .. }), "{}: {} := {} in\n{}", error.chain(), path, new, text);
        }
    }
}

#[test]
fn a_field_gets_another_name_and_keeps_all_else() {
    let text = "# a\nspec:\n  - {x: 1}\n  # old\n  - old: 2   # two\n    other: 3\n";
    let rename = |path: &str, name: &str| {
        edit::apply(text, &[FieldEdit::Rename(path.parse().expect("it is a path"), name.to_owned())])
    };
    assert_eq!(rename("spec[1].old", "new").expect("it is there"), text.replace("- old", "- new"));
    assert_eq!(rename("spec[0].x", "a: b").expect("it is there"), text.replace("{x: 1}", "{'a: b': 1}"));
    assert_eq!(rename("spec[1].none", "new").expect("nothing happens"), text);
    let taken = rename("spec[1].old", "other").expect_err("another field has the name");
    assert!(matches!(taken, Error::Conflict { .. }), "{taken:?}");
}
