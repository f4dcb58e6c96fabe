//! The files that Kubernetes needs on a machine.

use std::collections::BTreeMap;

use orbos_infra::FileGoal;

use super::{BIN, PLUGINS};
use crate::software::spec::{CgroupDriver, KubernetesSpec, Network};

/// All files by path.
pub(super) fn all(spec: &KubernetesSpec, sandbox_image: &str) -> BTreeMap<String, FileGoal> {
    let mut files = vec![
        ("/etc/containerd/config.toml", containerd(spec, sandbox_image)),
        ("/etc/crictl.yaml", CRICTL.to_owned()),
        ("/etc/systemd/system/kubelet.service", kubelet()),
        ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", kubelet_of_kubeadm()),
    ];
    if spec.networking.network == Network::Routed {
        files.extend([("/etc/cni/net.d/10-orbos.conflist", bridge())]);
    }
    files.into_iter().map(|(path, text)| (path.to_owned(), FileGoal::text(text))).collect()
}

/// Networks bring plug-ins of their own, and count on the common ones being beside them; how those get there
/// from where distributions keep them is in the scripts that join.
fn containerd(spec: &KubernetesSpec, sandbox_image: &str) -> String {
    let systemd = spec.kubelet.cgroupdriver == CgroupDriver::Systemd;
    let plugins = if spec.networking.network == Network::Routed { PLUGINS } else { "/opt/cni/bin" };
    format!(
        r#"version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox_image}"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = {systemd}

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"#
    )
}

const CRICTL: &str = "\
runtime-endpoint: unix:///run/containerd/containerd.sock
image-endpoint: unix:///run/containerd/containerd.sock
timeout: 30
";

/// It does not start before kubeadm has written its configuration.
fn kubelet() -> String {
    format!(
        "\
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service
ConditionPathExists=/var/lib/kubelet/config.yaml

[Service]
ExecStart={BIN}/kubelet
Restart=always
StartLimitInterval=0
RestartSec=5

[Install]
WantedBy=multi-user.target
"
    )
}

fn kubelet_of_kubeadm() -> String {
    format!(
        r#"[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart={BIN}/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"#
    )
}

fn bridge() -> String {
    r#"{
  "cniVersion": "0.4.0",
  "name": "orbos",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "${member.subnet}" }]],
        "routes": [{ "dst": "0.0.0.0/0" }]
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
"#
    .to_owned()
}
