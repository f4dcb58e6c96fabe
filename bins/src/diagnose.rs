//! Errors for humans.

use orbos_state::Diagnostics;

/// An error as lines: mistakes of files where they stand, everything else as a chain of causes.
pub fn explain(error: &anyhow::Error) -> String {
    if let Some(mistakes) = error.downcast_ref::<orbos_state::Error>().and_then(Diagnostics::of) {
        let shown: String = mistakes.iter().map(|it| format!("{it}\n\n")).collect();
        return format!("{shown}error: {}", mistakes.summary());
    }
    let causes = error.chain().skip(1).map(|it| format!("\n  because: {it}"));
    std::iter::once(format!("error: {error}")).chain(causes).collect()
}
