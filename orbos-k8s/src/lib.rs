#![cfg_attr(all(feature = "objects", feature = "software"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "objects", feature = "software")),
    doc = "Kubernetes for ORBOS: objects on a cluster (feature `objects`), and the cluster itself (feature `software`)."
)]

#[cfg(feature = "objects")]
pub mod objects;
#[cfg(feature = "software")]
pub mod software;

#[cfg(feature = "software")]
pub use software::{Kubernetes, KubernetesCluster, KubernetesSpec, Sources};
