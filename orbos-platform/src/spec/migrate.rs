//! Older versions of `boom.yml`.

use orbos_state::Mistake;
use serde_json::{Map, Value};

/// Turns the body of an older version into one of the newest.
pub(super) fn migrate(version: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
    match version {
        "boom.caos.ch/v1" => Ok(body),
        _ => Err(Mistake::new("apiVersion", format!("Boom has no version `{version}`"))
            .hint("the newest version is `caos.ch/v1`")),
    }
}
