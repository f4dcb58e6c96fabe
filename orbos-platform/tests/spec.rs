//! The schema for editors.

use orbos_platform::spec::Boom;
use orbos_state::schema;

#[test]
fn the_schema_is_up_to_date() {
    let path = format!("{}/schemas/Boom.json", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(&schema::<Boom>()).expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).expect("the folder is there");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "schemas/Boom.json is old; write it with UPDATE_SCHEMAS=1 cargo test -p orbos-platform --test spec"
    );
}
