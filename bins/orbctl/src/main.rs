//! orbctl.

fn main() {}
