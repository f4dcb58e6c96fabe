//! Volumes that outlive their pods.

use serde_json::{Value, json};

use crate::spec::Storage;

/// What a claim asks for, as the `spec` of a PersistentVolumeClaim; `size` if a human says nothing about it.
pub fn claim(storage: &Storage, size: &str) -> Value {
    let Storage { storage_class, access_modes, size: stated } = storage;
    let modes = if access_modes.is_empty() { json!(["ReadWriteOnce"]) } else { json!(access_modes) };
    let size = stated.as_deref().filter(|it| !it.is_empty()).unwrap_or(size);
    let mut claim = json!({ "accessModes": modes, "resources": { "requests": { "storage": size } } });
    if let Some(class) = storage_class.as_deref().filter(|it| !it.is_empty()) {
        claim["storageClassName"] = json!(class);
    }
    claim
}
