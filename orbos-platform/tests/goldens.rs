//! Every tool's objects as text, to be read by whoever changes a tool: minimal, full, highly available, mirrored.

use std::{fs, path::Path};

use orbos_k8s::objects::Secrets as Shown;
use orbos_platform::{ToolContext, Toolset, render, spec::Boom, tools};
use orbos_state::{Document, Source};

/// Renders what `tests/data/goldens/TOOL.VARIANT.yml` wants, and compares with the snapshot of the same name.
#[test]
fn every_tool_in_every_variant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/goldens");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|it| it.expect("it is readable").file_name().into_string().expect("names are text"))
        .filter(|it| it.ends_with(".yml"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let text = fs::read_to_string(folder.join(&name)).expect("it is readable");
        let boom: Boom = Document::parse(&Source::new(&name, text))
            .and_then(|it| it.read())
            .unwrap_or_else(|error| panic!("{error}"));
        let mut context = ToolContext::new(35);
        if let Some(images) = &boom.spec.images {
            context.images = images.into();
        }
        let toolset = Toolset::new(tools::builtin(&boom.spec)).expect("names are unique");
        let rendering = render(&toolset, &context);
        assert!(rendering.failed.is_empty(), "{name}: {:?}", rendering.failed);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("data/goldens");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!(name.trim_end_matches(".yml"), rendering.manifests.render(Shown::Shown))
        });
    }
}
