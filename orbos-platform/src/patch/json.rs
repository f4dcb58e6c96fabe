//! Patches of RFC 6902.

use serde_json::Value;

/// Operations, one after the other.
pub(super) type Operations = json_patch::Patch;

pub(super) fn parse(operations: &[Value]) -> Result<Operations, String> {
    let mut parsed = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let operation = serde_json::from_value(operation.clone());
        parsed.push(operation.map_err(|why| format!("`json[{index}]` is no operation: {why}"))?);
    }
    match parsed.is_empty() {
        true => Err("`json` has no operation".to_owned()),
        false => Ok(json_patch::Patch(parsed)),
    }
}

pub(super) fn apply(operations: &Operations, value: &mut Value) -> Result<(), String> {
    json_patch::patch(value, operations).map_err(|why| {
        let json_patch::PatchError { operation, path, kind, .. } = why;
        format!("`json[{operation}]` at `{path}`: {kind}")
    })
}
