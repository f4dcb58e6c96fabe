use std::fmt;

use serde_json::Value;

use crate::Error;

/// One Kubernetes object as it should be: it has an API version, a kind and a name.
///
/// ```
/// use orbos_platform::Manifest;
/// use serde_json::json;
///
/// let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}});
/// assert_eq!(Manifest::new(namespace)?.to_string(), "Namespace monitoring");
/// assert!(Manifest::new(json!({"kind": "Namespace"})).is_err());
/// # Ok::<(), orbos_platform::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest(Value);

impl Manifest {
    /// Takes an object.
    ///
    /// # Errors
    ///
    /// [`Error::NoObject`] if it lacks `apiVersion`, `kind` or `metadata.name`.
    pub fn new(object: Value) -> Result<Self, Error> {
        let manifest = Self(object);
        for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
            if manifest.text(pointer).is_empty() {
                let why = format!("it has no `{}`", pointer.trim_start_matches('/').replace('/', "."));
                return Err(Error::NoObject { what: manifest.to_string(), why });
            }
        }
        Ok(manifest)
    }

    /// The group and version of its kind, like `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// Its kind, like `Deployment`.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace; `None`: it has none, or the cluster's default is meant.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.text("/metadata/namespace")).filter(|it| !it.is_empty())
    }

    /// The whole object.
    pub fn object(&self) -> &Value {
        &self.0
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text, instead| if str::is_empty(text) { instead } else { text };
        write!(f, "{} ", or(self.kind(), "a value without a kind"))?;
        if let Some(namespace) = self.namespace() {
            write!(f, "{namespace}/")?;
        }
        f.write_str(or(self.name(), "without a name"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lacks_a_name_is_no_object() {
        let nameless = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a"}});
        let error = Manifest::new(nameless).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Secret a/without a name is no Kubernetes object: it has no `metadata.name`"
        );
    }

    #[test]
    fn what_is_no_mapping_is_no_object() {
        for value in [json!(null), json!([]), json!("Secret"), json!({"apiVersion": 1})] {
            assert!(matches!(Manifest::new(value), Err(Error::NoObject { .. })));
        }
    }

    #[test]
    fn an_object_without_a_namespace_is_shown_by_its_name() {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}});
        let manifest = Manifest::new(role.clone()).unwrap();
        assert_eq!((manifest.to_string().as_str(), manifest.namespace()), ("ClusterRole all", None));
        assert_eq!((manifest.api_version(), manifest.object()), ("rbac.authorization.k8s.io/v1", &role));
    }
}
