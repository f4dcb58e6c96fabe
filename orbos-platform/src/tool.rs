use std::fmt::Debug;

use orbos_k8s::objects::Manifest;
use orbos_secrets::Existing;
use orbos_state::Mistake;

use crate::{Declared, Error, Image, Images, Secrets, Supply, Wiring, spec::Patch};

/// One tool of the platform, with its settings: declaring and rendering is all there is, both pure.
///
/// Comparing, applying and pruning are the same for every tool and not its business; nor are labels, patches and where
/// images come from.
pub trait PlatformTool: Debug + Send + Sync + 'static {
    /// Its key in `boom.yml`.
    fn name(&self) -> &'static str;

    /// What its objects say it is, in the label `boom.caos.ch/application`. Default: its name.
    fn application(&self) -> &'static str {
        self.name()
    }

    /// What it offers to other tools, and asks of them. Default: nothing.
    fn declare(&self, context: &ToolContext) -> Declared {
        let _ = context;
        Declared::default()
    }

    /// The objects it wants on the cluster. The same settings, context and wiring give the same objects.
    ///
    /// # Errors
    ///
    /// If its settings do not make sense, or a secret is not at hand. Nothing of this tool is changed then.
    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error>;

    /// Secrets on the cluster whose values it has to know, in the tools' namespace. Default: none, since pods can read
    /// Secrets by themselves.
    fn references(&self) -> Vec<Existing> {
        Vec::new()
    }

    /// Changes to its objects that a human wants. Default: none.
    fn patches(&self) -> &[Patch] {
        &[]
    }

    /// Settings that are read and do nothing any more, each with what replaces it. Default: none.
    fn warnings(&self) -> Vec<Mistake> {
        Vec::new()
    }
}

/// What every tool is told about where it will run.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The orb's name; a label on metrics that leave the cluster.
    pub orb: String,
    /// The namespace for whatever has no better one.
    pub namespace: String,
    /// The minor version of Kubernetes, as in 1.35.
    pub minor: u32,
    /// Where images come from.
    pub images: Images,
    /// What was opened of the file's secrets.
    pub secrets: Secrets,
}

impl ToolContext {
    /// A cluster with this minor version, images from their own registries, and placeholders for all secrets.
    pub fn new(minor: u32) -> Self {
        Self {
            orb: "orb".to_owned(),
            namespace: "caos-system".to_owned(),
            minor,
            images: Images::default(),
            secrets: Secrets::placeholders(),
        }
    }

    /// An image by its whole name, as a pod asks for it.
    pub fn image(&self, image: &Image) -> String {
        self.images.reference(image)
    }

    /// What stands in a slot of the file, or in the Secret that is named instead; `None`: neither.
    ///
    /// # Errors
    ///
    /// If there is a sealed value that was not opened, or both are there.
    pub fn supply(
        &self,
        field: &str,
        sealed: Option<&orbos_secrets::Sealed>,
        existing: Option<&Existing>,
    ) -> Result<Option<Supply>, Error> {
        self.secrets.supply(field, sealed, existing)
    }
}
