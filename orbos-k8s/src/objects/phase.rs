//! What comes before what.

use super::ObjectRef;

/// The steps in which objects are applied; deleting goes the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Namespaces, in which everything else is.
    Namespaces,
    /// Definitions of kinds, and waiting until the API server serves them.
    Definitions,
    /// Accounts, roles and bindings.
    Access,
    /// What workloads read and mount, and how they are reached.
    Config,
    /// What runs.
    Workloads,
    /// Objects of kinds that are no part of Kubernetes, and what calls workloads.
    Custom,
}

/// The phase of an object, by its kind alone.
pub(crate) fn phase(object: &ObjectRef) -> Phase {
    match (object.group.as_str(), object.kind.as_str()) {
        ("", "Namespace") => Phase::Namespaces,
        ("apiextensions.k8s.io", _) => Phase::Definitions,
        ("rbac.authorization.k8s.io", _) | ("", "ServiceAccount") => Phase::Access,
        ("", "Pod" | "ReplicationController") | ("apps" | "batch", _) => Phase::Workloads,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Phase::Custom,
        (group, _) if built_in(group) => Phase::Config,
        _ => Phase::Custom,
    }
}

/// Kubernetes' own groups have no dot or end like this; its projects' CRDs live in `x-k8s.io` and a few of these.
fn built_in(group: &str) -> bool {
    const CUSTOM: [&str; 3] = ["gateway.networking.k8s.io", "snapshot.storage.k8s.io", "metrics.k8s.io"];
    !group.contains('.') || (group.ends_with(".k8s.io") && !CUSTOM.contains(&group))
}

#[cfg(test)]
mod tests {
    use super::{super::GroupKind, *};

    #[test]
    fn kinds_have_their_phase() {
        let of = |text: &str| phase(&ObjectRef::new(&GroupKind::parse(text), None, "a"));
        assert_eq!(of("Namespace"), Phase::Namespaces);
        assert_eq!(of("CustomResourceDefinition.apiextensions.k8s.io"), Phase::Definitions);
        assert_eq!(
            (of("ServiceAccount"), of("Role.rbac.authorization.k8s.io")),
            (Phase::Access, Phase::Access)
        );
        assert_eq!((of("Secret"), of("PodDisruptionBudget.policy")), (Phase::Config, Phase::Config));
        assert_eq!((of("CronJob.batch"), of("DaemonSet.apps")), (Phase::Workloads, Phase::Workloads));
        assert_eq!(
            (of("Flow.logging.banzaicloud.io"), of("Gateway.gateway.networking.k8s.io")),
            (Phase::Custom, Phase::Custom)
        );
        assert_eq!(of("ValidatingWebhookConfiguration.admissionregistration.k8s.io"), Phase::Custom);
    }
}
