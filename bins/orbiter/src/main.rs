//! orbiter.

fn main() {}
