use std::fmt::Debug;

use crate::{Error, Manifest};

/// One tool of the platform, with its settings: rendering is all there is.
///
/// Comparing, applying and pruning are the same for every tool and not its business.
pub trait PlatformTool: Debug + Send + Sync + 'static {
    /// Its key in `boom.yml`.
    fn name(&self) -> &'static str;

    /// The names of the tools that have to be there before it. Default: none.
    fn after(&self) -> &'static [&'static str] {
        &[]
    }

    /// The objects it wants on the cluster; pure: the same settings and context give the same objects in the same
    /// order. An empty list means that nothing of it shall be there.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if its settings do not make sense.
    fn goal(&self, context: &ToolContext) -> Result<Vec<Manifest>, Error>;
}

/// What every tool is told about where it will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolContext {
    /// The namespace for whatever has no better one.
    pub namespace: String,
}
