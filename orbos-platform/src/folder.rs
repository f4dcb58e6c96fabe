//! Manifests that a human adds: folders of the repository, applied before or after all tools.

use std::fmt::Debug;

use orbos_k8s::objects::{Manifest, Manifests, Rank};
use orbos_state::{Snapshot, Source};

use crate::{Error, PlatformTool, ToolContext, Wiring, spec::Folder as Settings};

/// Renders a folder with a `kustomization.yaml`; which program does it is up to the caller.
pub trait Kustomize: Debug + Send + Sync + 'static {
    /// The manifests that `kustomize build FOLDER` prints.
    ///
    /// # Errors
    ///
    /// Why not, in words.
    fn build(&self, files: &Snapshot, folder: &str) -> Result<String, String>;
}

/// What the folders are called in `boom.yml`, and their objects' application on the cluster.
pub(crate) const NAMES: [&str; 2] = ["preApply", "postApply"];

/// A folder whose manifests are applied like those of a tool.
#[derive(Debug)]
pub(crate) struct Folder {
    name: &'static str,
    rank: Rank,
    /// What was read, or what is wrong with it.
    read: Result<Manifests, Error>,
}

impl Folder {
    /// What stands in `preApply`; `None`: nothing, or it is switched off.
    pub(crate) fn ahead(
        settings: Option<&Settings>,
        files: &Snapshot,
        kustomize: Option<&dyn Kustomize>,
    ) -> Option<Self> {
        Self::new(NAMES[0], Rank::Ahead, settings?, files, kustomize)
    }

    /// What stands in `postApply`; `None`: nothing, or it is switched off.
    pub(crate) fn behind(
        settings: Option<&Settings>,
        files: &Snapshot,
        kustomize: Option<&dyn Kustomize>,
    ) -> Option<Self> {
        Self::new(NAMES[1], Rank::Behind, settings?, files, kustomize)
    }

    fn new(
        name: &'static str,
        rank: Rank,
        settings: &Settings,
        files: &Snapshot,
        kustomize: Option<&dyn Kustomize>,
    ) -> Option<Self> {
        let wrong = |why| Error::invalid(format!("spec.{name}.folder"), why);
        settings.deploy.then(|| Self {
            name,
            rank,
            read: read(&settings.folder, files, kustomize).map_err(wrong),
        })
    }
}

impl PlatformTool for Folder {
    fn name(&self) -> &'static str {
        self.name
    }

    fn goal(&self, _: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let manifests = self.read.as_ref().map_err(Clone::clone)?;
        Ok(manifests.iter().map(|it| it.clone().with_rank(self.rank)).collect())
    }
}

/// The manifests of a folder, or what is wrong with it.
fn read(folder: &str, files: &Snapshot, kustomize: Option<&dyn Kustomize>) -> Result<Manifests, String> {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    if folder.is_empty() {
        return Err("it names no folder".to_owned());
    }
    let mut inside: Vec<_> = files.below(folder).collect();
    if inside.is_empty() {
        return Err(format!("there is no folder `{folder}` in the repository"));
    }
    let here = |name: &str| inside.contains(&format!("{folder}/{name}").as_str());
    if ["kustomization.yaml", "kustomization.yml", "Kustomization"].into_iter().any(here) {
        let Some(kustomize) = kustomize else {
            return Err(format!("`{folder}` has a kustomization, and nothing at hand builds it"));
        };
        let text = kustomize.build(files, folder)?;
        let source = Source::new(format!("{folder}/kustomization.yaml"), text);
        return Manifests::parse(&[source]).map_err(|wrong| format!("what was built of `{folder}`: {wrong}"));
    }
    inside.retain(|it| [".yaml", ".yml", ".json"].iter().any(|end| it.ends_with(end)));
    let mut sources = Vec::new();
    for path in inside {
        sources.push(files.source(path).map_err(|wrong| wrong.to_string())?);
    }
    Manifests::parse(&sources).map_err(|wrong| wrong.to_string())
}

#[cfg(test)]
mod tests {
    use orbos_state::Revision;

    use super::*;

    #[derive(Debug)]
    struct Fixed;

    impl Kustomize for Fixed {
        fn build(&self, files: &Snapshot, folder: &str) -> Result<String, String> {
            assert!(files.contains(&format!("{folder}/kustomization.yaml")));
            Ok("apiVersion: v1\nkind: Namespace\nmetadata: {name: built}\n".to_owned())
        }
    }

    fn goal(
        files: &[(&str, &str)],
        folder: &str,
        kustomize: Option<&dyn Kustomize>,
    ) -> Result<Vec<String>, String> {
        let files = Snapshot::new(Revision::new("a"), files.iter().copied());
        let settings = Settings { deploy: true, folder: folder.to_owned() };
        let folder = Folder::ahead(Some(&settings), &files, kustomize).expect("it is switched on");
        let goal = folder.goal(&ToolContext::new(35), &Wiring::default());
        goal.map(|it| it.iter().map(ToString::to_string).collect()).map_err(|it| it.to_string())
    }

    const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";

    #[test]
    fn every_manifest_below_a_folder_counts() {
        let files = [("pre/a.yaml", NAMESPACE), ("pre/deep/README.md", "a text"), ("other/b.yaml", "a: [")];
        assert_eq!(goal(&files, "./pre/", None).expect("it is right"), ["Namespace a"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let why = goal(&[], "pre", None).expect_err("there is none");
        assert_eq!(why, "spec.preApply.folder: there is no folder `pre` in the repository");
    }

    #[test]
    fn a_folder_without_manifests_has_no_objects() {
        assert_eq!(goal(&[("pre/.gitkeep", "")], "pre", None).expect("it is there"), Vec::<String>::new());
    }

    #[test]
    fn a_manifest_that_does_not_parse_is_shown_with_file_and_line() {
        let why = goal(&[("pre/a.yaml", NAMESPACE), ("pre/b.yaml", "kind: Pod\n")], "pre", None);
        let why = why.expect_err("one is wrong");
        assert!(why.contains("pre/b.yaml:1") && why.contains("apiVersion"), "{why}");
    }

    #[test]
    fn a_kustomization_is_built() {
        let files = [("pre/kustomization.yaml", "resources: [a.yaml]"), ("pre/a.yaml", NAMESPACE)];
        assert_eq!(goal(&files, "pre", Some(&Fixed)).expect("it is built"), ["Namespace built"]);
        let why = goal(&files, "pre", None).expect_err("nothing builds it");
        assert!(why.contains("has a kustomization, and nothing at hand builds it"), "{why}");
    }
}
