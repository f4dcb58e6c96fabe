//! What Kubernetes needs on a machine, per tier and version; pure.

mod files;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orbos_infra::{Artifact, Firewall, HostGoal, Needs, Protocol, Rule, Scope, ServiceGoal, Tier, Version};

use super::{
    probe,
    sources::{self, Crictl, Stock},
    spec::{KubernetesSpec, Network},
    versions::{self, coredns_image, image_repository},
};

/// Where programs go.
pub(super) const BIN: &str = "/usr/local/bin";
/// Where crictl goes if it comes in an archive; [`script`](super::script) unpacks it.
pub(super) const CRICTL_ARCHIVE: &str = "/var/lib/orbos/crictl.tar.gz";
/// Where distributions keep the common plug-ins for networks.
pub(super) const PLUGINS: &str = "/usr/lib/cni";
const PACKAGES: [&str; 10] = [
    "chrony",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "ebtables",
    "ethtool",
    "iptables",
    "nftables",
    "runc",
    "socat",
];
/// The registries under whose names images of Kubernetes are found in bundles.
const REPOSITORIES: [&str; 2] = ["registry.k8s.io", "k8s.gcr.io"];

/// What a tier needs on a machine at a version.
pub(super) fn goal(
    spec: &KubernetesSpec,
    api_port: u16,
    stock: Option<&Stock>,
    tier: Tier,
    version: Version,
) -> HostGoal {
    let files = files::all(spec, &sandbox_image(spec, stock, version));
    HostGoal {
        hostname: None,
        packages: PACKAGES.map(String::from).into(),
        artifacts: artifacts(spec, stock, version),
        images: stock.map(|it| images(spec, it, tier, version)).unwrap_or_default(),
        modules: ["br_netfilter", "overlay"].map(String::from).into(),
        sysctls: sysctls(),
        services: services(&files),
        files,
        swap_off: true,
        firewall: Some(firewall(spec, api_port, tier, version)),
        routes: BTreeMap::new(),
        probes: [("kubernetes".to_owned(), probe::COMMAND.to_owned())].into(),
        needs: needs(api_port, tier),
    }
}

/// The goal in which only kubeadm, and images that it may need, are ahead.
pub(super) fn kubeadm_ahead(mut from: HostGoal, to: &HostGoal) -> HostGoal {
    let path = format!("{BIN}/kubeadm");
    if let Some(kubeadm) = to.artifacts.get(&path) {
        from.artifacts.insert(path, kubeadm.clone());
    }
    from.images.extend(to.images.clone());
    from
}

fn artifacts(spec: &KubernetesSpec, stock: Option<&Stock>, version: Version) -> BTreeMap<String, Artifact> {
    let mirror = spec.artifacts.mirror.as_str();
    let programs = ["kubeadm", "kubectl", "kubelet"];
    let mut artifacts: BTreeMap<String, Artifact> = programs
        .into_iter()
        .filter_map(|name| Some((format!("{BIN}/{name}"), sources::binary(stock, mirror, name, version)?)))
        .collect();
    match sources::crictl(stock, mirror, versions::cri_tools(version)) {
        Some(Crictl::Program(it)) => artifacts.insert(format!("{BIN}/crictl"), it),
        Some(Crictl::Archive(it)) => artifacts.insert(CRICTL_ARCHIVE.to_owned(), it),
        None => None,
    };
    artifacts
}

/// Where images of Kubernetes are looked for, the likeliest first.
fn repositories(spec: &KubernetesSpec, version: Version) -> Vec<&str> {
    let custom = Some(spec.customimageregistry.as_str()).filter(|it| !it.is_empty());
    custom.into_iter().chain([image_repository(version)]).chain(REPOSITORIES).collect()
}

fn sandbox_image(spec: &KubernetesSpec, stock: Option<&Stock>, version: Version) -> String {
    let tag = versions::facts(version).map_or("3.10", |it| it.pause);
    let repositories = repositories(spec, version);
    let found = stock.and_then(|it| it.image(&repositories, "pause", tag));
    // The old registry only redirects to the new one, which has the old images too.
    let custom = Some(spec.customimageregistry.as_str()).filter(|it| !it.is_empty());
    found.map_or_else(
        || format!("{}/pause:{tag}", custom.unwrap_or("registry.k8s.io")),
        |(reference, _)| reference,
    )
}

fn images(spec: &KubernetesSpec, stock: &Stock, tier: Tier, version: Version) -> BTreeMap<String, Artifact> {
    let repositories = repositories(spec, version);
    let release = version.to_string();
    let (pause, etcd, coredns) =
        versions::facts(version).map_or(("", "", ""), |it| (it.pause, it.etcd, it.coredns));
    let mut wanted = vec![("pause", pause), (coredns_image(version), coredns), ("coredns", coredns)];
    let mut same_version = vec!["kube-proxy"];
    if tier == Tier::Controlplane {
        wanted.push(("etcd", etcd));
        same_version.extend(["kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
    }
    let others =
        stock.other_images(|name| REPOSITORIES.iter().chain(&repositories).any(|it| is_core(name, it)));
    let found = wanted.into_iter().filter_map(|(name, tag)| stock.image(&repositories, name, tag));
    let exact = same_version
        .into_iter()
        .filter_map(|name| stock.image(&repositories, name, &release))
        .filter(|(_, it)| it.version == release);
    others.into_iter().chain(found).chain(exact).collect()
}

fn is_core(name: &str, repository: &str) -> bool {
    let Some(rest) = name.strip_prefix(repository).and_then(|it| it.strip_prefix('/')) else { return false };
    matches!(rest, "pause" | "etcd" | "coredns" | "coredns/coredns" | "kube-proxy")
        || matches!(rest, "kube-apiserver" | "kube-controller-manager" | "kube-scheduler")
}

fn sysctls() -> BTreeMap<String, String> {
    ["net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"]
        .map(|name| (name.to_owned(), "1".to_owned()))
        .into()
}

fn services(files: &BTreeMap<String, orbos_infra::FileGoal>) -> BTreeMap<String, ServiceGoal> {
    let reads = |folders: &[&str]| -> BTreeSet<String> {
        files.keys().filter(|path| folders.iter().any(|it| path.starts_with(it))).cloned().collect()
    };
    let containerd = reads(&["/etc/containerd/"]);
    BTreeMap::from([
        ("containerd".to_owned(), ServiceGoal { reads: containerd, ..ServiceGoal::default() }),
        (
            "kubelet".to_owned(),
            ServiceGoal {
                reads: reads(&["/etc/systemd/system/kubelet.service"]),
                reload: false,
                only_enabled: true,
            },
        ),
    ])
}

fn firewall(spec: &KubernetesSpec, api_port: u16, tier: Tier, version: Version) -> Firewall {
    let mut rules = BTreeSet::from([
        Rule::tcp("kubelet", 10250, Scope::Internal),
        // BOOM's node-exporter is on the machine's own network.
        Rule::tcp("node-exporter", 9100, Scope::Internal),
        Rule::tcp_range("nodeports", (30000, 32767), Scope::Internal),
        Rule { protocol: Protocol::Udp, ..Rule::tcp_range("nodeports-udp", (30000, 32767), Scope::Internal) },
    ]);
    if tier == Tier::Controlplane {
        rules.insert(Rule::tcp("kube-apiserver", api_port, Scope::Internal));
        rules.insert(Rule::tcp_range("etcd", (2379, 2381), Scope::Internal));
        rules.extend(
            versions::component_ports(version)
                .iter()
                .map(|(name, port)| Rule::tcp(*name, *port, Scope::Internal)),
        );
    }
    let udp = |name: &str, port| Rule { protocol: Protocol::Udp, ..Rule::tcp(name, port, Scope::Internal) };
    match spec.networking.network {
        Network::Calico => {
            rules.extend([Rule::tcp("calico-bgp", 179, Scope::Internal), udp("calico-vxlan", 4789)]);
        }
        Network::Cilium => {
            rules.extend([Rule::tcp("cilium-health", 4240, Scope::Internal), udp("cilium-vxlan", 8472)]);
        }
        Network::Flannel => {
            rules.insert(udp("flannel-vxlan", 8472));
        }
        Network::Routed | Network::None | Network::Manifest(_) => {}
    }
    // The bridge plug-in could do that too, but not without hiding pods from pods on other machines.
    let masquerade = (spec.networking.network == Network::Routed).then_some(spec.networking.podcidr);
    Firewall {
        rules,
        internal: Arc::new([spec.networking.podcidr, spec.networking.servicecidr].into()),
        masquerade: masquerade.into_iter().collect(),
    }
}

fn needs(api_port: u16, tier: Tier) -> Needs {
    match tier {
        Tier::Controlplane => Needs {
            memory_mib: 1700,
            disk_mib: 6 * 1024,
            free_ports: [10250, 10257, 10259, 2379, 2380, 2381, api_port].into(),
        },
        Tier::Workers => Needs { memory_mib: 512, disk_mib: 4 * 1024, free_ports: [10250].into() },
    }
}

/// A goal without what only the planner can complete: the firewall, and files with a machine's own values.
pub(super) fn without_own_values(mut goal: HostGoal) -> HostGoal {
    goal.firewall = None;
    goal.files.retain(|_, it| !it.contents.contains("${"));
    goal
}
