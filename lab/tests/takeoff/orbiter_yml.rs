//! The desired file: the original's `examples/orbiter/static/orbiter.yml` with other addresses and another version.

use std::fmt::Write;

use crate::scene::Scene;

/// The address behind which the control plane answers.
pub(crate) const VIP: u8 = 200;

pub(crate) fn orbiter_yml(scene: &Scene) -> String {
    let (planes, workers) = (scene.planes, scene.workers);
    let vip = scene.lab.address(VIP);
    let (mut masters, mut others) = (String::new(), String::new());
    for (machine, number) in scene.machines().zip(1..) {
        let pool = if number <= planes { &mut masters } else { &mut others };
        let (name, ip) = (machine.name(), machine.address());
        write!(pool, "        - id: {name}\n          hostname: {name}\n          ip: {ip}\n")
            .expect("a String takes everything");
    }
    let masters = format!("        masters:\n{masters}");
    let workers_pool = if workers > 0 { format!("        workers:\n{others}") } else { String::new() };
    let workers = if workers > 0 {
        format!(
            "      workers:
      - updatesdisabled: false
        provider: lab
        nodes: {workers}
        pool: workers
        taints: []
"
        )
    } else {
        "      workers: []\n".into()
    };
    format!(
        "kind: orbiter.caos.ch/Orb
version: v0
spec:
  verbose: false
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec:
      controlplane:
        updatesdisabled: false
        provider: lab
        nodes: {planes}
        pool: masters
        taints:
        - key: node-role.kubernetes.io/master
          effect: NoSchedule
      networking:
        dnsdomain: cluster.local
        network: routed
        servicecidr: 10.96.0.0/12
        podcidr: 10.244.0.0/16
      verbose: false
      versions:
        kubernetes: v1.20.2
        orbiter: \"\"
{workers}providers:
  lab:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      verbose: false
      pools:
{masters}{workers_pool}      externalinterfaces:
      - eth0
      privateinterface: eth0
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        - ip: {vip}
          transport:
          - name: kubeapi
            frontendport: 443
            backendport: 6443
            backendpools:
            - masters
            whitelist:
            - 0.0.0.0/0
            healthchecks:
              protocol: https
              path: /healthz
              code: 200
"
    )
}
