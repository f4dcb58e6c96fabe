//! Definitions that are at hand: what the repository has and what was fetched.

use std::collections::BTreeMap;

use orbos_k8s::objects::{Manifests, Secrets};
use orbos_state::{Diagnostics, Snapshot};

use super::{
    CrdBundle, FOLDER, Installed, Sources,
    choose::{is_definition, lacks, pinned},
    strip,
};
use crate::{Error, versions::VERSION_SET};

/// Definitions that are at hand, by the names of their bundles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supplied {
    /// What the repository has.
    pub vendored: BTreeMap<String, Manifests>,
    /// What was fetched.
    pub fetched: BTreeMap<String, Vec<u8>>,
    /// Whether kinds may be defined without a schema.
    pub allow_permissive: bool,
}

impl Supplied {
    /// Reads what the repository has for this set of versions; the files of other sets are left alone.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with these files.
    pub fn of(files: &Snapshot, allow_permissive: bool) -> Result<Self, Diagnostics> {
        let folder = format!("{FOLDER}/{VERSION_SET}");
        let (mut vendored, mut wrong) = (BTreeMap::new(), Diagnostics::new());
        for path in files.below(&folder) {
            let file = path.rsplit('/').next().unwrap_or(path);
            let Some(name) = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")) else {
                continue;
            };
            match files.source(path).and_then(|it| Manifests::parse(&[it])) {
                Ok(manifests) => drop(vendored.insert(name.to_owned(), manifests)),
                Err(error) => wrong.extend(error),
            }
        }
        wrong.into_result().map(|()| Self { vendored, fetched: BTreeMap::new(), allow_permissive })
    }

    /// What there is to choose from on a cluster.
    pub fn sources<'a>(&'a self, installed: &'a BTreeMap<String, Installed>, minor: u32) -> Sources<'a> {
        let Self { vendored, fetched, allow_permissive } = self;
        Sources { installed, vendored, fetched, minor, allow_permissive: *allow_permissive }
    }
}

impl CrdBundle {
    /// What to write to [`vendored_path`](Self::vendored_path), of what was fetched from `url`: the definitions only, without
    /// descriptions. The same bytes give the same text.
    ///
    /// # Errors
    ///
    /// If a digest is pinned and the bytes have another one, or if they do not define all kinds of the bundle.
    pub fn vendor(&self, bytes: &[u8]) -> Result<String, Error> {
        let wrong = |why: String| Error::invalid(format!("definitions of {}", self.name), why);
        let all = pinned(self, bytes, self.sha256).map_err(wrong)?;
        let definitions: Vec<_> = all.iter().filter(|it| is_definition(it)).cloned().collect();
        if let Some(kind) = self.kinds.iter().find(|it| lacks(&definitions, it)) {
            return Err(wrong(format!(
                "{} does not define {} as {}",
                self.url,
                kind.definition(),
                kind.version
            )));
        }
        let mut stripped = Manifests::new();
        for definition in definitions {
            stripped.add(strip(definition)).map_err(wrong)?;
        }
        Ok(stripped.render(Secrets::Shown))
    }
}

#[cfg(test)]
mod tests {
    use orbos_state::Revision;

    use super::*;
    use crate::crds::{Choice, DefinedKind, choose};

    static BUNDLE: CrdBundle = CrdBundle {
        name: "pages",
        version: "2.0.0",
        url: "https://example.com/crds.yaml",
        sha256: None,
        kinds: &[DefinedKind {
            group: "example.com",
            kind: "Page",
            plural: "pages",
            version: "v1",
            namespaced: true,
        }],
    };

    const FILE: &str = "\
apiVersion: v1
kind: Namespace
metadata: { name: pages }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: pages.example.com }
spec:
  group: example.com
  versions:
  - name: v1
    served: true
    schema: { openAPIV3Schema: { type: object, description: A page. } }
";

    #[test]
    fn what_is_vendored_is_small_and_is_found_again() {
        let text = BUNDLE.vendor(FILE.as_bytes()).expect("it defines all kinds");
        assert!(!text.contains("A page.") && !text.contains("Namespace"), "{text}");
        let files = Snapshot::new(Revision::new("1"), [(BUNDLE.vendored_path(), text)]);
        let supplied = Supplied::of(&files, false).expect("it can be read");
        let chosen = choose(&[&BUNDLE], &supplied.sources(&BTreeMap::new(), 35));
        assert_eq!((&chosen[0].choice, chosen[0].apply.len()), (&Choice::Vendored, 1));
    }

    #[test]
    fn what_lacks_a_kind_or_is_not_what_was_pinned_is_not_vendored() {
        let lacking = FILE.replace("name: v1\n", "name: v2\n");
        let error = BUNDLE.vendor(lacking.as_bytes()).expect_err("it is of another version");
        assert!(error.to_string().ends_with("does not define pages.example.com as v1"), "{error}");
        let pinned = CrdBundle { sha256: Some("0"), ..BUNDLE };
        let error = pinned.vendor(FILE.as_bytes()).expect_err("it has another digest");
        assert!(error.to_string().contains("but 0 is pinned"), "{error}");
    }

    #[test]
    fn files_of_other_sets_are_left_alone_and_mistakes_are_found() {
        let files = |path: &str| Snapshot::new(Revision::new("1"), [(path.to_owned(), "kind: [")]);
        assert_eq!(
            Supplied::of(&files("caos-internal/boom/crds/2020.01/pages.yaml"), true)
                .map(|it| it.vendored.len()),
            Ok(0)
        );
        assert!(Supplied::of(&files(&BUNDLE.vendored_path()), true).is_err());
    }
}
