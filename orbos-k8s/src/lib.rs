#![cfg_attr(feature = "software", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "software"),
    doc = "Kubernetes for ORBOS. Objects on a cluster come with BOOM; the cluster itself is feature `software`."
)]

#[cfg(feature = "software")]
pub mod software;

#[cfg(feature = "software")]
pub use software::{Kubernetes, KubernetesCluster, KubernetesSpec, Sources};
