//! Desired state, current state, and the way from one to the other.
//!
//! Six verbs, in this order, everywhere: **resolve** files into a goal, **observe** the world, **plan**
//! the next changes, **apply** them, **record** what happened, and **forecast** all plans until nothing
//! is left. Deciding is done by plain functions from values to values; a [`Plan`] is a value that
//! prints itself.

mod error;
mod plan;
mod reconcile;

pub use error::{Advice, Cause, Error, Result};
pub use plan::{Change, Effect, Plan, Waiting};
pub use reconcile::{Applied, DEFAULT_CONCURRENCY, Listener, Reconciler, Round, preview, round};
