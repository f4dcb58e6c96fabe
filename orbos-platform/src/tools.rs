//! The tools that come with BOOM.

mod node_exporter;

use crate::{PlatformTool, spec::BoomSpec};

/// The tools that a file wants to be there.
pub fn builtin(spec: &BoomSpec) -> Vec<Box<dyn PlatformTool>> {
    let tools = [node_exporter::tool(spec)];
    tools.into_iter().flatten().collect()
}
