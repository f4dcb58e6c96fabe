//! What orbctl says and how it ends: the real program, real repositories, machines that do not answer.

#[expect(dead_code, reason = "not every test program needs everything of it")]
#[path = "../secrets/fixture.rs"]
mod fixture;

mod boom;
mod checks;
mod files;
mod help;
mod orb;
mod runs;
