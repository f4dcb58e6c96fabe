//! All tools together: from tools to objects.

use std::collections::BTreeMap;

use orbos_k8s::objects::{Manifest, Manifests};
use serde_json::{Value, json};

use crate::{Error, PlatformTool, ToolContext, Toolset, folder, parts::merge, patch};

/// What every object of a tool says of itself, beside its application.
const LABELS: [(&str, &str); 3] = [
    ("app.kubernetes.io/managed-by", "boom.caos.ch"),
    ("boom.caos.ch/part-of", "boom"),
    ("boom.caos.ch/instance", "boom"),
];
/// The label that says which tool an object belongs to.
pub const APPLICATION: &str = "boom.caos.ch/application";

/// What all tools want on the cluster.
#[derive(Debug, Default)]
pub struct Rendering {
    /// The objects of all tools.
    pub manifests: Manifests,
    /// The tools that were rendered, each with what its objects say it is.
    pub applications: BTreeMap<&'static str, &'static str>,
    /// Tools that could not be rendered; nothing of them is changed.
    pub failed: BTreeMap<&'static str, Failure>,
}

/// A tool that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What its objects say it is.
    pub application: &'static str,
    /// Why.
    pub error: Error,
}

impl Rendering {
    /// Adds definitions of a tool's kinds, with its labels; nothing, if it could not be rendered.
    pub(crate) fn define(&mut self, tool: &'static str, definitions: Vec<Manifest>) -> Result<(), Error> {
        let Some(application) = self.applications.get(tool) else { return Ok(()) };
        for it in label(tool, application, definitions)? {
            let twice = |why| Error::invalid(format!("spec.{tool}"), why);
            self.manifests.add(it).map_err(twice)?;
        }
        Ok(())
    }

    /// Takes a tool out that cannot be there; the objects that it has on the cluster stay as they are.
    pub(crate) fn fail(&mut self, tool: &'static str, error: Error) {
        let Some(application) = self.applications.remove(tool) else { return };
        let mine = |it: &&Manifest| it.value()["metadata"]["labels"][APPLICATION] == application;
        let mine: Vec<_> = self.manifests.iter().filter(mine).map(|it| it.object().clone()).collect();
        mine.iter().for_each(|it| drop(self.manifests.remove(it)));
        self.failed.insert(tool, Failure { application, error });
    }

    fn take(&mut self, tool: &dyn PlatformTool, goal: Vec<Manifest>) -> Result<(), Error> {
        let there = |it: &&Manifest| self.manifests.get(it.object()).is_some();
        if let Some(twice) = goal.iter().find(there) {
            let by = twice.origin().map(|it| format!(" ({it})")).unwrap_or_default();
            let why = format!("{twice}{by} belongs to another tool already");
            return Err(Error::invalid(format!("spec.{}", tool.name()), why));
        }
        let twice = |why| Error::invalid(format!("spec.{}", tool.name()), why);
        goal.into_iter().try_for_each(|it| self.manifests.add(it).map_err(twice))
    }
}

/// Renders all tools; pure. A tool that cannot be rendered does not keep the others from it.
///
/// Of two that want the same object, folders of a human come last, so that the message is about what a human can change.
pub fn render(tools: &Toolset, context: &ToolContext) -> Rendering {
    let wiring = tools.wiring(context);
    let mut rendering = Rendering::default();
    let mut ordered: Vec<_> = tools.iter().collect();
    ordered.sort_by_key(|it| folder::NAMES.contains(&it.name()));
    for tool in ordered {
        rendering.applications.insert(tool.name(), tool.application());
        let field = format!("spec.{}.patches", tool.name());
        let goal = tool.goal(context, &wiring).and_then(|goal| patch::apply(tool.patches(), &field, goal));
        let goal = goal.and_then(|goal| label(tool.name(), tool.application(), goal));
        if let Err(error) = goal.and_then(|goal| rendering.take(tool, goal)) {
            rendering.fail(tool.name(), error);
        }
    }
    rendering
}

/// Objects with the labels that say whose they are.
fn label(tool: &str, application: &str, goal: Vec<Manifest>) -> Result<Vec<Manifest>, Error> {
    let labels = LABELS.into_iter().chain([(APPLICATION, application)]);
    let labels: Value =
        labels.map(|(key, it)| (key.to_owned(), json!(it))).collect::<serde_json::Map<_, _>>().into();
    let label = |it: Manifest| -> Result<Manifest, Error> {
        let mut object = it.value().clone();
        merge(&mut object, json!({ "metadata": { "labels": labels } }));
        let labelled = Manifest::new(object).map_err(|why| Error::NoObject { tool: tool.to_owned(), why })?;
        Ok(match it.origin() {
            Some(origin) => labelled.from_origin(origin.clone()),
            None => labelled,
        })
    };
    goal.into_iter().map(label).collect()
}
