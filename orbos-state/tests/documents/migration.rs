//! Older versions: read as they are, rewritten only when asked to.

use orbos_state::{Kind, Mistake, edit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kinds::parse;

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Balancer {
    spec: Spec,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Spec {
    release: String,
    whitelist: Vec<String>,
    port: u16,
}

impl Kind for Balancer {
    const KIND: &'static str = "example.com/Balancer";
    const VERSION: &'static str = "v2";

    /// v1 had one address instead of a list; v0 had no white list.
    fn migrate(version: &str, mut body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        let spec = body
            .get_mut("spec")
            .and_then(Value::as_object_mut)
            .ok_or_else(|| Mistake::new("spec", "it is missing"))?;
        let list = match (version, spec.shift_remove("source")) {
            ("v0", None) => vec![Value::from("0.0.0.0/0")],
            ("v1", Some(source)) => vec![source],
            ("v1", None) => return Err(Mistake::new("spec.source", "v1 needs a source")),
            _ => return Err(Mistake::new("version", format!("nobody knows {version}"))),
        };
        spec.insert("whitelist".to_owned(), Value::Array(list));
        Ok(body)
    }
}

const OLD: &str = "\
# our balancer
kind: example.com/Balancer
version: v1   # for now

spec:
  release: 1.20   # not 1.2
  # the office
  source: 10.0.0.0/8
  port: 0x50
";

#[test]
fn an_older_version_is_read_without_loss() {
    let read = parse(OLD).and_then(|it| it.read::<Balancer>()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let spec = Spec { release: "1.20".into(), whitelist: vec!["10.0.0.0/8".into()], port: 80 };
    assert_eq!(read, Balancer { spec });
}

#[test]
fn the_newest_version_needs_no_migration() {
    let newest = "kind: example.com/Balancer\nversion: v2\nspec: {release: x, whitelist: [], port: 1}\n";
    assert_eq!(parse(newest).and_then(|it| it.migration::<Balancer>()).expect("it is fine"), []);
}

#[test]
fn a_migration_changes_only_what_is_migrated() {
    let edits = parse(OLD).and_then(|it| it.migration::<Balancer>()).expect("it can be migrated");
    let new = edit::apply(OLD, &edits).expect("it can be edited");
    insta::assert_snapshot!("migrated", new);
    let after = parse(&new).expect("it is YAML");
    assert_eq!(after.version(), "v2");
    assert_eq!(after.read::<Balancer>(), parse(OLD).and_then(|it| it.read::<Balancer>()));
    assert_eq!(after.migration::<Balancer>().expect("it is the newest"), []);
}

#[test]
fn a_child_is_migrated_in_its_place() {
    let text = "kind: o\nversion: v0\n# mine\nbalancing:\n  kind: example.com/Balancer\n  version: v0\n  spec: {release: a, port: 1}   # short\n";
    let child = parse(text).and_then(|it| it.child("balancing")).expect("a document").expect("it is there");
    let new = edit::apply(text, &child.migration::<Balancer>().expect("it can be migrated"))
        .expect("it can be edited");
    insta::assert_snapshot!("migrated_child", new);
}

#[test]
fn mistakes_of_an_older_version_stand_where_they_are() {
    let wrong =
        |text: &str| parse(text).and_then(|it| it.read::<Balancer>()).expect_err("something is wrong");
    insta::assert_snapshot!("wrong_in_an_older_version", wrong(&OLD.replace("0x50", "eighty")));
    insta::assert_snapshot!("not_migrated", wrong(&OLD.replace("  source: 10.0.0.0/8\n", "")));
    insta::assert_snapshot!("version_from_the_future", wrong(&OLD.replace("v1", "v9")));
}

/// Had other names: the kind, its version's key, and two fields.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Suite {
    spec: Tools,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Tools {
    #[serde(default)]
    dashboards: Tool,
    #[serde(default)]
    gateway: Tool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Tool {
    replicas: u8,
    labels: Vec<String>,
}

impl Kind for Suite {
    const KIND: &'static str = "Suite";
    const VERSION: &'static str = "example.com/v1";
    const VERSION_KEY: &'static str = "apiVersion";
    const RENAMED: &'static [(&'static str, &'static str)] =
        &[("spec.grafana", "spec.dashboards"), ("spec.envoy", "spec.gateway")];

    fn migrate(_: &str, mut body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        let spec = body.get_mut("spec").and_then(Value::as_object_mut);
        let spec = spec.ok_or_else(|| Mistake::new("spec", "it is missing"))?;
        for (from, to) in [("grafana", "dashboards"), ("envoy", "gateway")] {
            if let Some(tool) = spec.shift_remove(from) {
                spec.insert(to.to_owned(), tool);
            }
        }
        if let Some(count) = spec.get_mut("gateway").and_then(|it| it.as_object_mut()?.shift_remove("count"))
        {
            spec["gateway"]["replicas"] = count;
        }
        Ok(body)
    }

    fn answers_to(kind: &str) -> bool {
        matches!(kind, "Suite" | "Toolset")
    }
}

const RENAMED: &str = "\
apiVersion: example.com/v1beta1   # old
kind: Toolset
# all of it
spec:
  # what we look at
  grafana:
    replicas: 2   # one for each eye
    labels:
    - a   # first
  envoy:
    # how many
    count: 3
";

#[test]
fn fields_that_had_other_names_keep_their_comments() {
    let edits = parse(RENAMED).and_then(|it| it.migration::<Suite>()).expect("it can be migrated");
    let new = edit::apply(RENAMED, &edits).expect("it can be edited");
    insta::assert_snapshot!("renamed", new);
    let after = parse(&new).expect("it is YAML");
    assert_eq!(after.read::<Suite>(), parse(RENAMED).and_then(|it| it.read::<Suite>()));
    assert_eq!(after.migration::<Suite>().expect("it is the newest"), []);
}

#[test]
fn mistakes_in_fields_that_had_other_names_stand_where_they_are() {
    let text = RENAMED.replace("replicas: 2", "replicas: two").replace("    labels:", "    lables:");
    insta::assert_snapshot!(
        "wrong_in_a_renamed_field",
        parse(&text).and_then(|it| it.read::<Suite>()).expect_err("two fields are wrong")
    );
}

#[test]
fn a_name_and_a_key_of_the_past_are_a_migration_of_the_newest_version_too() {
    let migrated = |text: &str| {
        let edits = parse(text).and_then(|it| it.migration::<Suite>()).expect("it can be migrated");
        edit::apply(text, &edits).expect("it can be edited")
    };
    assert_eq!(
        migrated("kind: Toolset # was\nversion: example.com/v1\nspec: {}\n"),
        "kind: Suite # was\napiVersion: example.com/v1\nspec: {}\n"
    );
    assert_eq!(
        migrated("apiVersion: example.com/v0\nversion: example.com/v0\nkind: Suite\nspec: {}\n"),
        "apiVersion: example.com/v1\nkind: Suite\nspec: {}\n"
    );
}

#[test]
fn a_name_of_the_past_in_the_newest_version_leads_to_todays() {
    let text = "kind: Suite\napiVersion: example.com/v1\nspec:\n  grafana: {}\n";
    let wrong = parse(text).and_then(|it| it.read::<Suite>()).expect_err("the field has another name");
    assert!(wrong.to_string().ends_with("help: it is called `spec.dashboards` now\n"), "{wrong}");
}
