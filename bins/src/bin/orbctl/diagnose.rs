//! Errors for humans, on stderr.
#![expect(clippy::print_stderr, reason = "this is where orbctl talks to humans")]

use orbos_state::Diagnostics;

/// Prints an error: mistakes of files with their lines, everything else as a chain of causes.
pub(crate) fn print(error: &anyhow::Error) {
    if let Some(mistakes) = error.downcast_ref::<orbos_state::Error>().and_then(Diagnostics::of) {
        for mistake in mistakes.iter() {
            eprintln!("{mistake}\n");
        }
        eprintln!("error: {}", mistakes.summary());
        return;
    }
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
