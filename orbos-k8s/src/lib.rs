#![doc = include_str!("../README.md")]

#[cfg(feature = "software")]
pub mod software;

#[cfg(feature = "software")]
pub use software::{Kubernetes, KubernetesCluster, KubernetesSpec, Sources};
