//! Simulated orbs for tests and previews, and the suites that drivers pass.

mod simulated;
mod sketch;
mod suites;

pub use simulated::{Fails, SimCluster, SimProvider, SimWorld};
pub use sketch::{PoolSketch, ProviderSketch, Sketch};
pub use suites::{provider_suite, software_suite};
