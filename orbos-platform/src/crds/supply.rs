//! Definitions for the tools of a rendering.

use std::collections::{BTreeMap, BTreeSet};

use orbos_k8s::objects::{Facts, Owner};

use super::{Choice, CrdBundle, Installed, Supplied, choose};
use crate::{Error, Rendering, ToolContext, Toolset};

/// What a cluster has of definitions, by their names.
pub fn installed(facts: &Facts, owner: &Owner) -> BTreeMap<String, Installed> {
    let of = |(name, it): (&String, &orbos_k8s::objects::Definition)| {
        let release = it.labels.get("app.kubernetes.io/version").cloned();
        (name.clone(), Installed { ours: it.is_of(owner), versions: it.versions.clone(), release })
    };
    facts.definitions.iter().map(of).collect()
}

/// The bundles that each tool brings, by its name.
pub fn needed(tools: &Toolset, context: &ToolContext) -> Vec<(&'static str, &'static CrdBundle)> {
    let of = |tool: &dyn crate::PlatformTool| {
        let name = tool.name();
        tool.declare(context).definitions.into_iter().map(move |it| (name, it)).collect::<Vec<_>>()
    };
    tools.iter().flat_map(of).collect()
}

/// Adds to a rendering the definitions that its tools need; pure. A tool whose definitions are not at hand fails.
///
/// Returns our definitions that stay as they are, as they print.
pub(crate) fn supply(
    rendering: &mut Rendering,
    tools: &Toolset,
    context: &ToolContext,
    installed: &BTreeMap<String, Installed>,
    supplied: &Supplied,
) -> BTreeSet<String> {
    let sources = supplied.sources(installed, context.minor);
    let needed = needed(tools, context);
    let bundles: Vec<_> = needed.iter().map(|it| it.1).collect();
    let mut spared = BTreeSet::new();
    for chosen in choose(&bundles, &sources) {
        let owners = needed.iter().filter(|it| it.1.name == chosen.bundle.name).map(|it| it.0);
        spared.extend(chosen.keep.iter().map(|it| format!("CustomResourceDefinition {it}")));
        for (tool, first) in owners.zip([true].into_iter().chain(std::iter::repeat(false))) {
            let added = match &chosen.choice {
                Choice::Missing(why) => {
                    Err(Error::Definitions { bundle: chosen.bundle.name.to_owned(), why: why.clone() })
                }
                _ if first => rendering.define(tool, chosen.apply.clone()),
                _ => Ok(()),
            };
            if let Err(error) = added {
                rendering.fail(tool, error);
            }
        }
    }
    spared
}
