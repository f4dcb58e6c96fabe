//! Real machines and a real Kubernetes on one computer.
//!
//! A [`Lab`] is a network of its own with [`Machine`]s in it: Debian servers with systemd and sshd that boot in a second,
//! can lose their power or their network, and have no internet. What ORBOS would download comes from a
//! [bundle](Lab::bundle). An [`Api`] is less: a Kubernetes API on loopback, without machines.
//!
//! Everything is thin over the shell scripts in `scripts/`, works from a checkout only, and needs root on Debian 12.
//! All functions block; from async code they belong into `spawn_blocking`.
//!
//! ```no_run
//! let lab = orbos_lab::Lab::new("example")?;
//! let machine = lab.machine("masters-1", lab.address(11));
//! machine.start()?;
//! assert_eq!(machine.ssh("sudo id -un")?.trim(), "root");
//! machine.power_cut()?;
//! # Ok::<(), orbos_lab::Error>(())
//! ```

mod api;
mod error;
mod lab;
mod machine;
mod scripts;

pub use api::Api;
pub use error::Error;
pub use lab::Lab;
pub use machine::{Machine, State};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
