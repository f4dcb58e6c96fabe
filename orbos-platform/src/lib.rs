#![doc = include_str!("../README.md")]

pub mod alerts;
mod boom;
mod change;
pub mod crds;
mod current;
pub mod dashboards;
mod declare;
mod error;
mod folder;
mod image;
pub mod metrics;
pub mod parts;
pub mod patch;
mod platform;
mod registry;
mod render;
mod secrets;
pub mod spec;
mod tool;
pub mod tools;
mod toolset;
pub mod versions;

pub use boom::{Boom, BoomSettings, CURRENT, DESIRED, Fetch, Generate, NAMESPACE};
pub use change::PlatformChange;
pub use current::ToolState;
pub use declare::{Datasource, Declared, Exposure, LogFormat, LogOutput, LogSource, MetricsEndpoint, Wiring};
pub use error::Error;
pub use folder::Kustomize;
pub use image::{Image, Images};
pub use platform::{Desired, Platform, PlatformGoal, PlatformObserved};
pub use registry::ToolRegistry;
pub use render::{APPLICATION, Failure, Rendering, render};
pub use secrets::{Secrets, Supply};
pub use tool::{PlatformTool, ToolContext};
pub use toolset::Toolset;
