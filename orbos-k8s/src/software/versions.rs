//! Facts about the releases of Kubernetes, in one table.
//!
//! Sources: the release pages and `eol.yaml` of kubernetes.io for last patches, `kubeadm config images
//! list` of that patch (or the last one published in lists of others) for images, the change logs for
//! everything that depends on a minor alone.

use std::collections::BTreeSet;

use orbos_infra::Version;

/// What is known about one minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) minor: u16,
    /// The last patch known.
    pub(super) patch: u16,
    /// Whether that was the last one ever.
    pub(super) ended: bool,
    pub(super) pause: &'static str,
    pub(super) etcd: &'static str,
    pub(super) coredns: &'static str,
}

const fn ended(minor: u16, patch: u16, [pause, etcd, coredns]: [&'static str; 3]) -> Facts {
    Facts { minor, patch, ended: true, pause, etcd, coredns }
}

const fn alive(minor: u16, patch: u16, images: [&'static str; 3]) -> Facts {
    Facts { ended: false, ..ended(minor, patch, images) }
}

const FACTS: [Facts; 18] = [
    ended(20, 15, ["3.2", "3.4.13-0", "1.7.0"]),
    ended(21, 14, ["3.4.1", "3.4.13-0", "v1.8.0"]),
    ended(22, 17, ["3.5", "3.5.6-0", "v1.8.4"]),
    ended(23, 17, ["3.6", "3.5.6-0", "v1.8.6"]),
    ended(24, 17, ["3.7", "3.5.6-0", "v1.8.6"]),
    ended(25, 16, ["3.8", "3.5.9-0", "v1.9.3"]),
    ended(26, 15, ["3.9", "3.5.10-0", "v1.9.3"]),
    ended(27, 16, ["3.9", "3.5.12-0", "v1.10.1"]),
    ended(28, 15, ["3.9", "3.5.15-0", "v1.10.1"]),
    ended(29, 14, ["3.9", "3.5.16-0", "v1.11.1"]),
    ended(30, 14, ["3.9", "3.5.15-0", "v1.11.3"]),
    ended(31, 14, ["3.10", "3.5.24-0", "v1.11.3"]),
    ended(32, 13, ["3.10", "3.5.24-0", "v1.11.3"]),
    alive(33, 10, ["3.10", "3.5.24-0", "v1.12.0"]),
    alive(34, 9, ["3.10.1", "3.6.5-0", "v1.12.1"]),
    alive(35, 9, ["3.10.1", "3.6.6-0", "v1.13.1"]),
    alive(36, 5, ["3.10.2", "3.6.8-0", "v1.14.2"]),
    alive(37, 1, ["3.10.2", "3.7.0-0", "v1.14.6"]),
];

/// The first minor whose kubelet refuses containerd 1.
const FIRST_WITH_CONTAINERD_2: u16 = 36;

/// The facts about a version's minor; `None`: it is not known.
pub(super) fn facts(version: Version) -> Option<&'static Facts> {
    FACTS.iter().find(|it| version.major == 1 && it.minor == version.minor)
}

/// Whether a version can be asked for.
///
/// Minors that still get patches may be at a later patch than the last one known here.
pub fn is_known(version: Version) -> bool {
    facts(version).is_some_and(|it| version.patch <= it.patch || !it.ended)
}

/// The known version that is most like an unknown one.
pub fn nearest_known(version: Version) -> Version {
    let last = |it: &Facts| Version { major: 1, minor: it.minor, patch: it.patch };
    let nearest = FACTS.iter().min_by_key(|it| it.minor.abs_diff(version.minor));
    nearest.map_or(version, last)
}

/// The way to a version from the oldest minor: the last known patch of each minor below it, then the
/// version itself. kubeadm upgrades no further than one minor at a time.
pub fn ladder(target: Version) -> Vec<Version> {
    let below = FACTS.iter().filter(|it| it.minor < target.minor);
    below.map(|it| Version { major: 1, minor: it.minor, patch: it.patch }).chain([target]).collect()
}

/// How many minors a kubelet may be behind its API server.
const SKEW: u16 = 3;

/// The versions that a member may have on the way to the target: every rung of the ladder, and every patch
/// of the minors that may work together with the target.
pub(super) fn on_the_way(target: Version) -> BTreeSet<Version> {
    let patches = FACTS
        .iter()
        .filter(|it| it.minor <= target.minor && it.minor + SKEW >= target.minor)
        .flat_map(|it| (0..=it.patch).map(|patch| Version { major: 1, minor: it.minor, patch }));
    patches.chain(ladder(target)).collect()
}

/// The version of kubeadm's configuration files.
pub(super) fn kubeadm_api(version: Version) -> KubeadmApi {
    match version.minor {
        ..=22 => KubeadmApi::V1Beta2,
        23..=30 => KubeadmApi::V1Beta3,
        _ => KubeadmApi::V1Beta4,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KubeadmApi {
    V1Beta2,
    V1Beta3,
    V1Beta4,
}

impl KubeadmApi {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V1Beta2 => "kubeadm.k8s.io/v1beta2",
            Self::V1Beta3 => "kubeadm.k8s.io/v1beta3",
            Self::V1Beta4 => "kubeadm.k8s.io/v1beta4",
        }
    }
}

/// Where kubeadm takes images from when nobody tells it otherwise.
///
/// The move of 1.25 was also made in late patches of the three minors before.
pub(super) fn image_repository(version: Version) -> &'static str {
    let moved = match version.minor {
        ..=21 => false,
        22 => version.patch >= 17,
        23 => version.patch >= 15,
        24 => version.patch >= 9,
        _ => true,
    };
    if moved { "registry.k8s.io" } else { "k8s.gcr.io" }
}

/// CoreDNS moved into a folder of its own in 1.21.
pub(super) fn coredns_image(version: Version) -> &'static str {
    if version.minor < 21 { "coredns" } else { "coredns/coredns" }
}

/// Ports of the scheduler and the controller manager; the insecure ones went away in 1.23.
pub(super) fn component_ports(version: Version) -> &'static [(&'static str, u16)] {
    const SECURE: [(&str, u16); 2] = [("kube-controller-manager", 10257), ("kube-scheduler", 10259)];
    const BOTH: [(&str, u16); 4] = [
        ("kube-controller-manager", 10257),
        ("kube-controller-manager-insecure", 10252),
        ("kube-scheduler", 10259),
        ("kube-scheduler-insecure", 10251),
    ];
    if version.minor < 23 { &BOTH } else { &SECURE }
}

/// The lowest major version of containerd that the kubelet works with.
pub(super) fn containerd_major(version: Version) -> u16 {
    if version.minor < FIRST_WITH_CONTAINERD_2 { 1 } else { 2 }
}

/// The version of crictl to use: the first of its minor, which always exists. It is behind by one
/// where Kubernetes is newer than the last one known.
pub(super) fn cri_tools(version: Version) -> Version {
    Version { major: 1, minor: version.minor.min(35), patch: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn minors_follow_each_other() {
        assert!(FACTS.windows(2).all(|it| it[0].minor + 1 == it[1].minor));
    }

    #[test]
    fn unknown_versions_have_a_known_neighbour() {
        for (unknown, near) in [("v1.20.16", "v1.20.15"), ("v1.18.8", "v1.20.15"), ("v1.99.0", "v1.37.1")] {
            assert!(!is_known(version(unknown)), "{unknown}");
            assert_eq!(nearest_known(version(unknown)), version(near));
        }
        for known in ["v1.20.2", "v1.21.0", "v1.36.0", "v1.36.9"] {
            assert!(is_known(version(known)), "{known}");
        }
    }

    #[test]
    fn no_minor_is_skipped_on_the_ladder() {
        let ladder: Vec<String> = ladder(version("v1.23.4")).iter().map(Version::to_string).collect();
        assert_eq!(ladder, ["v1.20.15", "v1.21.14", "v1.22.17", "v1.23.4"]);
    }

    #[test]
    fn a_member_can_be_at_any_patch_on_the_way() {
        let way = on_the_way(version("v1.21.0"));
        for there in ["v1.20.0", "v1.20.15", "v1.21.0", "v1.21.14"] {
            assert!(way.contains(&version(there)), "{there}");
        }
        assert!(!way.contains(&version("v1.22.0")));
    }
}
