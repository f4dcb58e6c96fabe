//! `orbctl secrets` and what belongs to it: the real program, real repositories, real SSH.

#![expect(clippy::print_stdout, reason = "figures are shown with --nocapture")]

mod access;
mod bad_input;
mod commands;
mod crash;
mod figures;
mod fixture;
mod leak;
mod recipients;
mod rotation;
