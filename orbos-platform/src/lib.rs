#![doc = include_str!("../README.md")]

pub mod alerts;
pub mod crds;
pub mod dashboards;
mod declare;
mod error;
mod image;
pub mod parts;
mod platform;
mod secrets;
pub mod spec;
mod tool;
pub mod tools;
mod toolset;
pub mod versions;

pub use declare::{Datasource, Declared, Exposure, LogFormat, LogOutput, LogSource, MetricsEndpoint, Wiring};
pub use error::Error;
pub use image::{Image, Images};
pub use platform::{Rendering, render};
pub use secrets::{Secrets, Supply};
pub use tool::{PlatformTool, ToolContext};
pub use toolset::Toolset;
