//! The kinds that logging-operator brings. All of them: it watches also those of which there is no object, and does not
//! start without one.

use crate::crds::{CrdBundle, DefinedKind};

/// The group of all kinds that are used.
pub(super) const GROUP: &str = "logging.banzaicloud.io";
/// The group of kinds that collect events and files of nodes.
pub(super) const EXTENSIONS: &str = "logging-extensions.banzaicloud.io";

pub(super) static DEFINITIONS: CrdBundle = CrdBundle {
    name: "logging-operator",
    version: "6.7.0",
    url: "https://github.com/kube-logging/logging-operator/tree/6.7.0/config/crd/bases",
    sha256: None,
    kinds: &[
        namespaced("AxoSyslog", "axosyslogs"),
        namespaced("ClusterFlow", "clusterflows"),
        namespaced("ClusterOutput", "clusteroutputs"),
        namespaced("Flow", "flows"),
        of_cluster("FluentbitAgent", "fluentbitagents"),
        namespaced("FluentdConfig", "fluentdconfigs"),
        of_cluster("Logging", "loggings"),
        of_cluster("LoggingRoute", "loggingroutes"),
        of_cluster("NodeAgent", "nodeagents"),
        namespaced("Output", "outputs"),
        namespaced("SyslogNGClusterFlow", "syslogngclusterflows"),
        namespaced("SyslogNGClusterOutput", "syslogngclusteroutputs"),
        namespaced("SyslogNGConfig", "syslogngconfigs"),
        namespaced("SyslogNGFlow", "syslogngflows"),
        namespaced("SyslogNGOutput", "syslogngoutputs"),
        DefinedKind {
            group: EXTENSIONS,
            kind: "EventTailer",
            plural: "eventtailers",
            version: "v1alpha1",
            namespaced: false,
        },
        DefinedKind {
            group: EXTENSIONS,
            kind: "HostTailer",
            plural: "hosttailers",
            version: "v1alpha1",
            namespaced: true,
        },
    ],
};

const fn namespaced(kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group: GROUP, kind, plural, version: "v1beta1", namespaced: true }
}

const fn of_cluster(kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group: GROUP, kind, plural, version: "v1beta1", namespaced: false }
}
