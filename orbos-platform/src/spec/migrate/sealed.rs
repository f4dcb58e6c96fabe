//! Sealed values are bound to their place.

use orbos_secrets::ENCRYPTION;
use orbos_state::{FieldPath, Mistake};
use serde_json::Value;

/// Refuses to move what would not open any more. What the original sealed can be moved.
pub(super) fn stay(value: &Value, at: &FieldPath) -> Result<(), Mistake> {
    match value {
        Value::Object(fields) if fields.get("encryption").is_some_and(|it| it == ENCRYPTION) => {
            let message = "the value is sealed for this place and would not open under its new name";
            let hint = "note the secret (`orbctl secrets show`), remove the value here, and set it again with \
                        `orbctl secrets set` after `orbctl api`";
            Err(Mistake::at(at.clone(), message).hint(hint))
        }
        Value::Object(fields) => fields.iter().try_for_each(|(key, it)| stay(it, &at.join(key.as_str()))),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, it)| stay(it, &at.join(index))),
        _ => Ok(()),
    }
}
