//! kubeadm's configuration files; pure text.

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use orbos_infra::{MachineId, Tier, Version};

use super::{
    spec::{KubernetesSpec, Taint},
    versions::{KubeadmApi, kubeadm_api},
};

/// What a node is told about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    pub(super) machine: &'a MachineId,
    pub(super) address: IpAddr,
    pub(super) tier: Tier,
    pub(super) version: Version,
    pub(super) api_port: u16,
    /// `None`: kubeadm's own.
    pub(super) taints: Option<&'a [Taint]>,
}

/// How a new node gets to know the cluster, and the cluster it.
#[derive(Clone, Debug)]
pub(super) struct Invitation {
    /// An API server that answers.
    pub(super) server: SocketAddr,
    pub(super) token: String,
    /// What the cluster's own authority hashes to, as `sha256:…`.
    pub(super) authority: String,
    /// What opens the certificates of the control plane; `None`: for workers.
    pub(super) certificate_key: Option<String>,
}

/// The configuration for `kubeadm init`.
pub(super) fn init(cluster: &str, spec: &KubernetesSpec, endpoint: SocketAddr, node: &Node<'_>) -> String {
    let api = kubeadm_api(node.version);
    let Node { address, api_port, .. } = node;
    let parts = [
        format!(
            "apiVersion: {}
kind: InitConfiguration
bootstrapTokens:
- ttl: 10m0s
localAPIEndpoint:
  advertiseAddress: {address}
  bindPort: {api_port}
nodeRegistration:
{}{}",
            api.name(),
            registration(api, node),
            timeouts(api),
        ),
        cluster_configuration(api, cluster, spec, endpoint, node.version),
        kubelet(spec),
        KUBE_PROXY.to_owned(),
    ];
    parts.join("---\n")
}

/// The configuration for `kubeadm join`.
pub(super) fn join(invitation: &Invitation, node: &Node<'_>) -> String {
    let Invitation { server, token, authority, certificate_key } = invitation;
    let api = kubeadm_api(node.version);
    let mut text = format!(
        "apiVersion: {}
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: {server}
    token: {token}
    caCertHashes:
    - {authority}
{}nodeRegistration:
{}",
        api.name(),
        if api < KubeadmApi::V1Beta4 { "  timeout: 5m0s\n" } else { "" },
        registration(api, node),
    );
    if let Some(key) = certificate_key {
        let _ = write!(
            text,
            "controlPlane:
  localAPIEndpoint:
    advertiseAddress: {}
    bindPort: {}
  certificateKey: {key}
",
            node.address, node.api_port
        );
    }
    text.push_str(timeouts(api));
    text
}

/// The configuration for uploading the control plane's certificates; without a version kubeadm would ask
/// the internet for the newest one first.
pub(super) fn upload(version: Version, address: IpAddr) -> String {
    let api = kubeadm_api(version).name();
    format!(
        "apiVersion: {api}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {address}
---
apiVersion: {api}
kind: ClusterConfiguration
kubernetesVersion: {version}
"
    )
}

fn registration(api: KubeadmApi, node: &Node<'_>) -> String {
    let Node { machine, address, tier, taints, .. } = node;
    let labels = format!("orbos.ch/pool={},orbos.ch/tier={tier}", machine.pool.pool);
    let mut text = format!("  name: {}\n  criSocket: unix:///run/containerd/containerd.sock\n", machine.name);
    text.push_str("  kubeletExtraArgs:\n");
    for (name, value) in [("node-ip", address.to_string()), ("node-labels", labels)] {
        let _ = if api < KubeadmApi::V1Beta4 {
            writeln!(text, "    {name}: {value}")
        } else {
            writeln!(text, "  - name: {name}\n    value: {value}")
        };
    }
    match taints {
        None => {}
        Some([]) => text.push_str("  taints: []\n"),
        Some(taints) => {
            text.push_str("  taints:\n");
            for Taint { key, value, effect } in *taints {
                let _ = writeln!(text, "  - key: {key:?}\n    value: {value:?}\n    effect: {effect}");
            }
        }
    }
    text
}

fn timeouts(api: KubeadmApi) -> &'static str {
    if api < KubeadmApi::V1Beta4 {
        return "";
    }
    "timeouts:\n  controlPlaneComponentHealthCheck: 4m0s\n  discovery: 5m0s\n  tlsBootstrap: 5m0s\n"
}

fn cluster_configuration(
    api: KubeadmApi,
    cluster: &str,
    spec: &KubernetesSpec,
    endpoint: SocketAddr,
    version: Version,
) -> String {
    let networking = &spec.networking;
    let registry = match spec.customimageregistry.as_str() {
        "" => String::new(),
        registry => format!("imageRepository: {registry}\n"),
    };
    format!(
        "apiVersion: {}
kind: ClusterConfiguration
clusterName: {cluster}
kubernetesVersion: {version}
controlPlaneEndpoint: {endpoint}
{registry}networking:
  dnsDomain: {}
  podSubnet: {}
  serviceSubnet: {}
apiServer:
  certSANs:
  - {}
{}{}etcd:
  local:
    dataDir: /var/lib/etcd
    extraArgs:
{}",
        api.name(),
        networking.dnsdomain,
        networking.podcidr,
        networking.servicecidr,
        endpoint.ip(),
        if api < KubeadmApi::V1Beta4 { "  timeoutForControlPlane: 4m0s\n" } else { "" },
        if api < KubeadmApi::V1Beta3 { "dns:\n  type: CoreDNS\n" } else { "" },
        if api < KubeadmApi::V1Beta4 {
            "      listen-metrics-urls: http://0.0.0.0:2381\n"
        } else {
            "    - name: listen-metrics-urls\n      value: http://0.0.0.0:2381\n"
        },
    )
}

fn kubelet(spec: &KubernetesSpec) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: {}
",
        spec.kubelet.cgroupdriver
    )
}

/// Limits of connection tracking stay the machine's: zeros keep kube-proxy from writing kernel parameters
/// that it may not write where machines are containers.
const KUBE_PROXY: &str = "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack:
  maxPerCore: 0
  min: 0
  tcpCloseWaitTimeout: 0s
  tcpEstablishedTimeout: 0s
";

#[cfg(test)]
mod tests {
    use orbos_infra::PoolRef;

    use super::*;
    use crate::software::spec::{KubernetesCluster, TaintEffect};

    fn spec() -> KubernetesSpec {
        let spec = serde_json::json!({
            "controlplane": { "provider": "static", "pool": "masters", "nodes": 3 },
            "versions": { "kubernetes": "v1.20.2" },
        });
        let cluster: KubernetesCluster =
            serde_json::from_value(serde_json::json!({ "spec": spec })).expect("valid");
        cluster.spec
    }

    fn on(version: &str, text: impl Fn(&Node<'_>) -> String) -> String {
        let machine = PoolRef::new("static", "masters").machine("masters-1");
        let taints = [Taint {
            key: "node-role.kubernetes.io/master".into(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        }];
        let version = version.parse().expect("a version");
        let address = "10.0.0.1".parse().expect("an address");
        let (tier, taints) = (Tier::Controlplane, Some(&taints[..]));
        text(&Node { machine: &machine, address, tier, version, api_port: 6666, taints })
    }

    fn founding(version: &str) -> String {
        on(version, |node| init("k8s", &spec(), "10.0.0.9:6443".parse().expect("an address"), node))
    }

    fn joining(version: &str, certificate_key: Option<&str>) -> String {
        let invitation = Invitation {
            server: "10.0.0.2:6666".parse().expect("an address"),
            token: "abcdef.0123456789abcdef".into(),
            authority: "sha256:12ab".into(),
            certificate_key: certificate_key.map(String::from),
        };
        on(version, |node| join(&invitation, node))
    }

    #[test]
    fn founding_with_v1beta2() {
        insta::assert_snapshot!(founding("v1.20.2"));
    }

    #[test]
    fn founding_with_v1beta3() {
        insta::assert_snapshot!(founding("v1.28.15"));
    }

    #[test]
    fn founding_with_v1beta4() {
        insta::assert_snapshot!(founding("v1.34.1"));
    }

    #[test]
    fn joining_with_v1beta2() {
        insta::assert_snapshot!(joining("v1.20.2", Some("0123")));
    }

    #[test]
    fn joining_with_v1beta3() {
        insta::assert_snapshot!(joining("v1.23.0", None));
    }

    #[test]
    fn joining_with_v1beta4() {
        insta::assert_snapshot!(joining("v1.31.0", Some("0123")));
    }

    #[test]
    fn no_taints_are_not_the_usual_taints() {
        let machine = PoolRef::new("static", "masters").machine("masters-1");
        let [version, later] = ["v1.20.2", "v1.31.0"].map(|it| it.parse().expect("a version"));
        let address = "10.0.0.1".parse().expect("an address");
        let node = Node {
            machine: &machine,
            address,
            tier: Tier::Workers,
            version,
            api_port: 6443,
            taints: Some(&[]),
        };
        assert!(registration(kubeadm_api(version), &node).contains("taints: []"));
        assert!(!registration(kubeadm_api(later), &Node { taints: None, ..node }).contains("taints"));
    }
}
