use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use orbos_infra::{ClusteredSoftware, HostGoal, HostSeen, Inventory, Machine, PoolRef};
use orbos_ssh::{Output, Shell, testing::ScriptedShell};

use super::*;
use crate::software::{KubernetesCluster, Sources};

/// A world of scripted shells; `cut` machines do not answer.
struct Scene {
    machines: Inventory,
    hosts: BTreeMap<MachineId, HostSeen>,
    shells: BTreeMap<MachineId, Arc<ScriptedShell>>,
    cut: Vec<MachineId>,
    converged: Mutex<Vec<String>>,
}

const ANSWER: &str = "kubernetes 1\ntrace admin.conf\ntrace kubelet.conf\nnode\tmasters-1\tv1.20.2\t{\"status\":\"True\"}\t{}\t{}\nanswered\n";

fn id(name: &str) -> MachineId {
    PoolRef::new("p", if name.starts_with("masters") { "masters" } else { "workers" }).machine(name)
}

impl Scene {
    fn new(said: &[(&str, &str)]) -> Self {
        let mut scene = Self {
            machines: Inventory::default(),
            hosts: BTreeMap::new(),
            shells: BTreeMap::new(),
            cut: Vec::new(),
            converged: Mutex::default(),
        };
        for (index, (name, text)) in said.iter().enumerate() {
            let id = id(name);
            let address = Some(format!("10.0.0.{}", index + 1).parse().expect("an address"));
            scene.machines.machines.insert(id.clone(), Machine { id: id.clone(), address });
            let probes = [("kubernetes".to_owned(), (*text).to_owned())].into();
            scene.hosts.insert(id.clone(), HostSeen { probes, ..HostSeen::default() });
            scene.shells.insert(id, Arc::new(ScriptedShell::new().lenient()));
        }
        scene
    }

    fn answers(mut self, name: &str, command: String, answer: Output) -> Self {
        let shell =
            self.shells.remove(&id(name)).and_then(|it| Arc::try_unwrap(it).ok()).expect("nobody has it yet");
        self.shells.insert(id(name), Arc::new(shell.on(command, answer)));
        self
    }

    fn transcript(&self, name: &str) -> String {
        self.shells[&id(name)].transcript()
    }
}

#[async_trait]
impl World for Scene {
    fn machines(&self) -> &Inventory {
        &self.machines
    }
    fn hosts(&self) -> &BTreeMap<MachineId, HostSeen> {
        &self.hosts
    }
    fn endpoint(&self, _: &str) -> Option<SocketAddr> {
        "10.0.0.9:443".parse().ok()
    }
    async fn shell(&self, machine: &MachineId) -> Result<Arc<dyn Shell>> {
        if self.cut.contains(machine) {
            return Err(Error::unreachable(format!("machine {machine}")));
        }
        Ok(self.shells[machine].clone())
    }
    async fn converge(&self, machine: &MachineId, goal: &HostGoal) -> Result<()> {
        let programs = goal.artifacts.values().filter(|it| it.name.starts_with("kube"));
        let programs: Vec<_> = programs.map(|it| format!("{} {}", it.name, it.version)).collect();
        assert!(goal.firewall.is_none() && !goal.files.keys().any(|it| it.ends_with("conflist")));
        self.converged.lock().expect("one thread").push(format!("{}: {}", machine.name, programs.join(", ")));
        Ok(())
    }
}

fn kubernetes() -> Kubernetes {
    let spec = serde_json::json!({ "spec": {
        "controlplane": { "provider": "p", "pool": "masters", "nodes": 3 },
        "workers": [{ "provider": "p", "pool": "workers", "nodes": 1 }],
        "versions": { "kubernetes": "v1.20.4" },
    }});
    let cluster: KubernetesCluster = serde_json::from_value(spec).expect("valid");
    let sources = Sources { api_port: 6666, ..Sources::default() };
    Kubernetes::new("k8s", cluster.spec, sources).expect("complete")
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

#[tokio::test]
async fn joining_the_control_plane() {
    let proposed =
        Output::ok("kubeadm join x --token abcdef.0123 --discovery-token-ca-cert-hash sha256:12ab\n");
    let scene = Scene::new(&[("masters-1", ANSWER), ("masters-2", "kubernetes 1\n")])
        .answers("masters-1", script::invite(), proposed)
        .answers("masters-1", script::upload_certificates(), Output::ok("k3y\n"));
    let change = MemberChange::Join {
        machine: id("masters-2"),
        tier: Tier::Controlplane,
        version: version("v1.20.2"),
    };

    kubernetes().apply(&change, &scene).await.expect("all commands end well");

    insta::assert_snapshot!(scene.transcript("masters-1"));
    insta::assert_snapshot!(scene.transcript("masters-2"));
}

#[tokio::test]
async fn founding_a_cluster() {
    let scene = Scene::new(&[("masters-1", "kubernetes 1\n")]);
    let change = MemberChange::Bootstrap { machine: id("masters-1"), version: version("v1.20.2") };
    kubernetes().apply(&change, &scene).await.expect("all commands end well");
    insta::assert_snapshot!(scene.transcript("masters-1"));
}

#[tokio::test]
async fn founding_fails_with_what_kubeadm_said_last() {
    let what = "founding k8s on p.masters.masters-1";
    let command = script::locked(what, &script::found(version("v1.20.2"), 6666));
    let scene = Scene::new(&[("masters-1", "kubernetes 1\n")]).answers(
        "masters-1",
        command,
        Output::failed(1, "[ERROR NumCPU]: too few\n"),
    );
    let change = MemberChange::Bootstrap { machine: id("masters-1"), version: version("v1.20.2") };
    let error = kubernetes().apply(&change, &scene).await.expect_err("it failed");
    assert_eq!(error.chain(), "founding k8s on p.masters.masters-1: [ERROR NumCPU]: too few");
}

#[tokio::test]
async fn kubeadm_goes_ahead_of_everything_else() {
    let scene = Scene::new(&[("masters-1", ANSWER), ("workers-1", "kubernetes 1\ntrace kubelet.conf\n")]);
    let (from, to) = (version("v1.20.2"), version("v1.20.4"));
    let change = MemberChange::Upgrade { machine: id("workers-1"), from, to, first: false };
    kubernetes().apply(&change, &scene).await.expect("all commands end well");
    insta::assert_snapshot!(scene.converged.lock().expect("one thread").join("\n"), @r"
    workers-1: kubeadm v1.20.4, kubectl v1.20.2, kubelet v1.20.2
    workers-1: kubeadm v1.20.4, kubectl v1.20.4, kubelet v1.20.4
    ");
    insta::assert_snapshot!(scene.transcript("workers-1"));
    insta::assert_snapshot!(scene.transcript("masters-1"));
}

#[tokio::test]
async fn draining_resuming_and_setting() {
    let node = Output::ok("7\t[{\"key\":\"node.orbos.ch/Rebooting\",\"effect\":\"NoSchedule\"}]");
    let scene =
        Scene::new(&[("masters-1", ANSWER)]).answers("masters-1", script::get_node("workers-1"), node);
    let machine = id("workers-1");
    let set = |name: &str, value: &str| MemberChange::Set {
        machine: machine.clone(),
        name: name.into(),
        value: value.into(),
    };
    let changes = [
        MemberChange::Drain { machine: machine.clone(), reason: DrainReason::Rebooting },
        MemberChange::Resume { machine: machine.clone() },
        set("label orbos.ch/pool", "workers"),
        set("taints", "own=v:NoExecute"),
    ];
    for change in changes {
        kubernetes().apply(&change, &scene).await.expect("all commands end well");
    }
    insta::assert_snapshot!(scene.transcript("masters-1"));
}

#[tokio::test]
async fn a_member_whose_machine_is_silent_is_at_least_forgotten() {
    let mut scene = Scene::new(&[("masters-1", ANSWER), ("masters-2", ANSWER)]);
    scene.cut.push(id("masters-2"));
    let change = MemberChange::Remove { machine: id("masters-2") };
    kubernetes().apply(&change, &scene).await.expect("all commands end well");
    assert_eq!(scene.transcript("masters-2"), "");
    insta::assert_snapshot!(scene.transcript("masters-1"));
}

#[tokio::test]
async fn the_last_member_is_forgotten_by_nobody() {
    let scene = Scene::new(&[("masters-1", ANSWER)]);
    let change = MemberChange::Remove { machine: id("masters-1") };
    kubernetes().apply(&change, &scene).await.expect("all commands end well");
    insta::assert_snapshot!(scene.transcript("masters-1"));
}

#[tokio::test]
async fn without_an_api_server_nothing_is_drained() {
    let scene = Scene::new(&[("masters-1", "kubernetes 1\ntrace admin.conf\n")]);
    let change = MemberChange::Drain { machine: id("workers-1"), reason: DrainReason::Updating };
    let error = kubernetes().apply(&change, &scene).await.expect_err("nobody answers");
    assert_eq!(error.to_string(), "the control plane of k8s cannot be reached");
}
