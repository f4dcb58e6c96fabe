//! Files as the original's users have them: read without a loss, rewritten with their comments, and rendered.

use std::{fs, path::Path};

use orbos_platform::{ToolContext, ToolRegistry, Toolset, render, spec::Boom};
use orbos_state::{Document, Source, edit, render_kind};

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/original").join(name);
    fs::read_to_string(path).expect("the file is there")
}

fn read(name: &str, text: &str) -> (Document, Boom) {
    let document = Document::parse(&Source::new(name, text)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let boom = document.read().unwrap_or_else(|wrong| panic!("{wrong}"));
    (document, boom)
}

/// The file as `orbctl api` rewrites it.
fn migrated(document: &Document, text: &str) -> String {
    let edits = document.migration::<Boom>().unwrap_or_else(|wrong| panic!("{wrong}"));
    edit::apply(text, &edits).unwrap_or_else(|error| panic!("{}", error.chain()))
}

#[test]
fn every_field_of_the_original_is_read_and_written_again() {
    let text = text("v1-every-field.yml");
    let (_, boom) = read("v1-every-field.yml", &text);
    let written = render_kind(&boom).expect("it has a form in YAML");
    assert_eq!(read("again.yml", &written).1, boom);
    // A field that is read and does nothing at all would be missing from what is written.
    insta::assert_snapshot!("every_field", written);
}

#[test]
fn older_versions_are_rewritten_with_their_comments() {
    for name in ["v1beta2", "v1beta1"] {
        let text = text(&format!("{name}.yml"));
        let (document, boom) = read(name, &text);
        let new = migrated(&document, &text);
        let (after, again) = read(name, &new);
        assert_eq!(again, boom, "the rewritten file means the same");
        assert_eq!(migrated(&after, &new), new, "nothing is left to do");
        insta::assert_snapshot!(format!("migrated_{name}"), new);
    }
}

#[test]
fn mistakes_in_older_versions_stand_where_they_are() {
    let text = text("v1beta1.yml")
        .replace("acmeAuthority: https:", "acmeAuthority: http:")
        .replace("nodePort: 30443", "nodePort: 443")
        .replace("size: 5Gi #", "size: 5GB #")
        .replace("type: prometheus", "kind: prometheus");
    let wrong = |text: &str| {
        let document = Document::parse(&Source::new("boom.yml", text)).expect("it is YAML");
        document.read::<Boom>().expect_err("something is wrong").to_string()
    };
    let fields = wrong(&text);
    let rules = wrong(&text.replace("kind: prometheus", "type: prometheus"));
    insta::assert_snapshot!("wrong_v1beta1_fields", fields);
    insta::assert_snapshot!("wrong_v1beta1_rules", rules);
}

#[test]
fn every_file_is_rendered() {
    for name in ["v1.yml", "v1-every-field.yml", "v1beta2.yml", "v1beta1.yml"] {
        let (_, boom) = read(name, &text(name));
        let tools = ToolRegistry::builtin().tools(&boom.spec).expect("no others are asked for");
        let rendering = render(&Toolset::new(tools).expect("names are unique"), &ToolContext::new(35));
        assert!(rendering.failed.is_empty(), "{name}: {:?}", rendering.failed);
        assert!(!rendering.manifests.is_empty(), "{name}");
    }
}
