//! Desired state, current state, and the way from one to the other.
//!
//! Six verbs, in this order, everywhere: **resolve** files into a goal, **observe** the world, **plan**
//! the next changes, **apply** them, **record** what happened, and **forecast** all plans until nothing
//! is left. Deciding is done by plain functions from values to values; a [`Plan`] is a value that
//! prints itself.

mod cipher_source;
mod diagnostic;
mod document;
mod error;
mod nearest;
mod operator;
mod orbconfig;
mod path;
mod plan;
mod reconcile;
mod registry;
mod repository;
mod schedule;
#[cfg(feature = "testing")]
pub mod testing;
mod yaml;

pub use cipher_source::CipherSource;
pub use diagnostic::{Diagnostic, Diagnostics, Mistake, Severity, Source, code};
pub use document::{Document, Embedded, Kind, render_kind, schema};
pub use error::{Advice, Cause, Error, Result};
pub use nearest::nearest;
pub use operator::{Ended, Look, Operator, Report, Resolved, Watcher, look, run, run_once};
pub use orbconfig::{OrbAccess, Orbconfig, orb_id};
pub use path::{FieldPath, InvalidPath, Segment};
pub use plan::{Change, Effect, Plan, Waiting};
pub use reconcile::{
    Applied, Blocked, DEFAULT_CONCURRENCY, Listener, Reconciler, Round, preview, round, round_with,
};
pub use registry::Registry;
#[cfg(feature = "git")]
pub use repository::git::{Access, FileHostKeys, GitRepository, HostKey, HostKeys, MemoryHostKeys};
pub use repository::{
    Author, Edit, Limits, Repository, Revision, Snapshot, Turn, memory::MemoryRepository, update,
};
pub use schedule::{Outcome, Schedule};
pub use yaml::{edit, edit::FieldEdit, render};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
