//! Git for real: bare repositories on this disk, and an sshd on loopback in front of them.

#![cfg(all(feature = "git", feature = "testing"))]

mod disk;
mod fixture;
mod races;
mod ssh;
