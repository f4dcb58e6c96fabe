//! What humans write, right and wrong.

mod bad_input;
mod children;
mod edits;
mod kinds;
mod migration;
mod reading;
