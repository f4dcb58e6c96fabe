//! Definitions for the tools of a rendering.

use std::collections::{BTreeMap, BTreeSet};

use orbos_k8s::objects::{Facts, Owner};

use super::{Choice, CrdBundle, Installed, Supplied, choose, choose::VERSION};
use crate::{Error, Rendering, ToolContext, Toolset, folder, render::APPLICATION};

/// What a cluster has of definitions, by their names. Those of a human's folders are somebody else's for the tools.
pub fn installed(facts: &Facts, owner: &Owner) -> BTreeMap<String, Installed> {
    let of = |(name, it): (&String, &orbos_k8s::objects::Definition)| {
        let release = it.labels.get(VERSION).cloned();
        let humans = it.labels.get(APPLICATION).is_some_and(|it| folder::NAMES.contains(&it.as_str()));
        let ours = it.is_of(owner) && !humans;
        (name.clone(), Installed { ours, versions: it.versions.clone(), release })
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

#[cfg(test)]
mod tests {
    use orbos_k8s::objects::{Definition, GroupKind, ServerVersion};

    use super::*;

    #[test]
    fn what_a_human_defined_in_a_folder_is_not_the_tools() {
        let owner = Owner::boom("caos-system");
        let definition = |application: &str| Definition {
            kind: GroupKind::new("example.com", "Flow"),
            versions: vec!["v1".to_owned()],
            labels: [
                ("applyset.kubernetes.io/part-of".to_owned(), owner.id()),
                (APPLICATION.to_owned(), application.to_owned()),
                (VERSION.to_owned(), "2.0.0".to_owned()),
            ]
            .into(),
        };
        let definitions = ["preApply", "logging-operator"].map(|it| (it.to_owned(), definition(it))).into();
        let version = ServerVersion { major: 1, minor: 33, text: String::new() };
        let installed = installed(&Facts { version, definitions }, &owner);
        assert!(!installed["preApply"].ours && installed["logging-operator"].ours);
        assert_eq!(installed["logging-operator"].release.as_deref(), Some("2.0.0"));
    }
}
