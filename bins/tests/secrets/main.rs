//! `orbctl secrets` and what belongs to it: the real program, real repositories, real SSH.

#![expect(clippy::print_stdout, reason = "figures are shown with --nocapture")]

mod access;
mod bad_input;
#[cfg(feature = "openpgp-card")]
mod card;
mod commands;
mod crash;
mod figures;
mod fixture;
#[cfg_attr(not(feature = "openpgp"), expect(dead_code, reason = "without OpenPGP nobody has such a key"))]
mod gpg;
mod leak;
mod leak_orb;
#[cfg(feature = "openpgp")]
mod openpgp;
#[expect(dead_code, reason = "not every test program needs everything of it")]
#[path = "../transcripts/orb.rs"]
mod orb;
mod recipients;
mod rotation;
mod store;
mod terminal;
