#![doc = include_str!("../README.md")]

mod error;
mod manifest;
mod tool;
mod toolset;

pub use error::Error;
pub use manifest::Manifest;
pub use tool::{PlatformTool, ToolContext};
pub use toolset::Toolset;
