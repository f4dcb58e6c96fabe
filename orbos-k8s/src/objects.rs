//! Objects on a running cluster: what should be there, what is there, and the steps in between.
//!
//! Everything that is decided is decided by [`plan`], from values alone: [`Manifests`] as they should be, [`Live`] as they are.

mod apis;
mod apply;
mod change;
mod cluster;
mod compare;
mod facts;
mod health;
mod identity;
mod immutable;
mod inventory;
mod lease;
mod live;
mod manifest;
mod manifests;
mod observe;
mod ownership;
mod phase;
mod plan;
mod quantity;
mod rank;
mod resolve;
#[cfg(test)]
mod sketch;
mod sync;

pub use apis::{Apis, Served};
pub use change::{FieldChange, ObjectChange};
pub use cluster::{Cluster, Requests};
pub use facts::{Definition, Facts, ServerVersion};
pub use health::{Health, health};
pub use identity::{GroupKind, ObjectRef};
pub use inventory::{Inventory, Owner};
pub use lease::{Hold, Lease, LeaseName};
pub use live::{Guard, Kept, Live, Options};
pub use manifest::{Manifest, Origin};
pub use manifests::{Manifests, Secrets};
pub use observe::Observed;
pub use phase::Phase;
pub use plan::plan;
pub use rank::Rank;
pub use sync::{Goal, blocked};
