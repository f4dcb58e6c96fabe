//! Orbs on real machines, told through what their users type and read.
//!
//! Needs root on Debian 12, and a quarter of an hour; one lab at a time. The programs are built if need be, or taken from the
//! folder that `ORBOS_BIN` names.
#![expect(clippy::print_stdout, reason = "tells how far it is")]

#[path = "takeoff/bad_input.rs"]
mod bad_input;
#[path = "takeoff/one.rs"]
mod one;
#[path = "takeoff/orbiter_yml.rs"]
mod orbiter_yml;
#[path = "takeoff/scene.rs"]
mod scene;
#[path = "takeoff/three.rs"]
mod three;
