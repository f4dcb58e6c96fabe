//! What is logged.

use tracing_subscriber::filter::{ParseError, Targets};

/// Reads a level, or levels by crate: `info`, `warn,orbos_ssh=debug`.
///
/// The Kubernetes client never logs, since it shows what it sends.
///
/// # Errors
///
/// If it is neither.
pub fn log_filter(text: &str) -> Result<Targets, ParseError> {
    format!("{text},kube_client=off").parse()
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    #[test]
    fn levels_by_crate_are_read_and_others_refused() {
        assert_eq!(log_filter("info").map(|it| it.default_level()).ok().flatten(), Some(LevelFilter::INFO));
        let some = log_filter("warn,orbos_ssh=debug").expect("levels");
        assert!(some.would_enable("orbos_ssh", &tracing::Level::DEBUG));
        assert!(!some.would_enable("orbos_infra", &tracing::Level::INFO));
        assert!(!some.would_enable("kube_client", &tracing::Level::ERROR));
        assert!(log_filter("orbos_ssh=loud").is_err());
    }
}
