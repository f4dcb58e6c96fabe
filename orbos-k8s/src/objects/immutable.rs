//! Fields that the API server lets nobody change.

use super::ObjectRef;

/// Whether a field of an object can never change. `live_immutable`: the object says so of itself.
pub(crate) fn is_immutable(object: &ObjectRef, path: &str, live_immutable: bool) -> bool {
    let under = |prefixes: &[&str]| {
        prefixes.iter().any(|it| {
            path.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    match (object.group.as_str(), object.kind.as_str()) {
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => under(&["spec.selector"]),
        ("apps", "StatefulSet") => {
            under(&["spec"])
                && !under(&[
                    "spec.replicas",
                    "spec.template",
                    "spec.updateStrategy",
                    "spec.minReadySeconds",
                    "spec.ordinals",
                    "spec.revisionHistoryLimit",
                    "spec.persistentVolumeClaimRetentionPolicy",
                ])
        }
        ("batch", "Job") => {
            under(&["spec.selector", "spec.template", "spec.completions", "spec.completionMode"])
        }
        ("rbac.authorization.k8s.io", _) => under(&["roleRef"]),
        ("storage.k8s.io", "StorageClass") => {
            under(&["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"])
        }
        ("scheduling.k8s.io", "PriorityClass") => under(&["value", "preemptionPolicy"]),
        ("networking.k8s.io", "IngressClass") => under(&["spec.controller"]),
        ("apiextensions.k8s.io", _) => under(&["spec.scope"]),
        ("", "Service") => under(&["spec.clusterIP"]),
        ("", "PersistentVolumeClaim") => {
            under(&["spec"]) && !under(&["spec.resources", "spec.volumeAttributesClassName"])
        }
        ("", "Secret") => under(&["type"]) || (live_immutable && under(&["data", "immutable"])),
        ("", "ConfigMap") => live_immutable && under(&["data", "binaryData", "immutable"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::GroupKind, *};

    #[test]
    fn kinds_have_their_own_rules() {
        let is = |kind: &str, path: &str, says| {
            is_immutable(&ObjectRef::new(&GroupKind::parse(kind), None, "a"), path, says)
        };
        assert!(is("Deployment.apps", "spec.selector.matchLabels.app", false));
        assert!(
            !is("Deployment.apps", "spec.selectors", false) && !is("Deployment.apps", "spec.replicas", false)
        );
        assert!(is("StatefulSet.apps", "spec.volumeClaimTemplates[0].spec", false));
        assert!(!is("StatefulSet.apps", "spec.template.spec.containers[name=a].image", false));
        assert!(is("ConfigMap", "data.a", true) && !is("ConfigMap", "data.a", false));
        assert!(is("PersistentVolumeClaim", "spec.storageClassName", false));
        assert!(!is("PersistentVolumeClaim", "spec.resources.requests.storage", false));
    }
}
