//! All tools together: from tools to objects.

use std::collections::BTreeMap;

use orbos_k8s::objects::{Manifest, Manifests};
use serde_json::{Value, json};

use crate::{Error, PlatformTool, ToolContext, Toolset, parts::merge};

/// What every object of a tool says of itself, beside its application.
const LABELS: [(&str, &str); 3] = [
    ("app.kubernetes.io/managed-by", "boom.caos.ch"),
    ("boom.caos.ch/part-of", "boom"),
    ("boom.caos.ch/instance", "boom"),
];
/// The label that says which tool an object belongs to.
const APPLICATION: &str = "boom.caos.ch/application";

/// What all tools want on the cluster.
#[derive(Debug, Default)]
pub struct Rendering {
    /// The objects of all tools.
    pub manifests: Manifests,
    /// Tools that could not be rendered, and why; nothing of them is changed.
    pub failed: BTreeMap<&'static str, Error>,
}

/// Renders all tools; pure. A tool that cannot be rendered does not keep the others from it.
pub fn render(tools: &Toolset, context: &ToolContext) -> Rendering {
    let wiring = tools.wiring(context);
    let mut rendering = Rendering::default();
    for tool in tools.iter() {
        let goal = tool.goal(context, &wiring).and_then(|goal| labelled(tool, goal));
        let added = goal.and_then(|goal| {
            goal.into_iter().try_for_each(|it| {
                let twice = |why| Error::NoObject { tool: tool.name().to_owned(), why };
                rendering.manifests.add(it).map_err(twice)
            })
        });
        if let Err(error) = added {
            rendering.failed.insert(tool.name(), error);
        }
    }
    rendering
}

/// Objects with the labels that say whose they are.
fn labelled(tool: &dyn PlatformTool, goal: Vec<Manifest>) -> Result<Vec<Manifest>, Error> {
    let labels = LABELS.into_iter().chain([(APPLICATION, tool.application())]);
    let labels: Value =
        labels.map(|(key, it)| (key.to_owned(), json!(it))).collect::<serde_json::Map<_, _>>().into();
    let label = |it: Manifest| {
        let mut object = it.value().clone();
        merge(&mut object, json!({ "metadata": { "labels": labels } }));
        Manifest::new(object).map_err(|why| Error::NoObject { tool: tool.name().to_owned(), why })
    };
    goal.into_iter().map(label).collect()
}
