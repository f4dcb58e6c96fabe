//! Carries out one change of a cluster.

mod members;
mod shells;

use std::{collections::BTreeMap, net::SocketAddr};

use orbos_infra::{DrainReason, MachineId, MemberChange, Tier, Version, World, providers::failure};
use orbos_secrets::Secret;
use orbos_state::{Error, Result};

use self::shells::{Plane, run, run_with_input};
use super::{
    ENDPOINT, Kubernetes, host,
    kubeadm::{self, Invitation, Node},
    network,
    observe::{self, TAINTS},
    probe::{DRAINED, NodeTaint, Traces},
    script,
    spec::{Taint, TaintEffect},
};

/// One cluster, in the world as it was seen.
pub(super) struct Applier<'a> {
    cluster: &'a Kubernetes,
    world: &'a dyn World,
    traces: BTreeMap<MachineId, Traces>,
}

impl<'a> Applier<'a> {
    pub(super) fn new(cluster: &'a Kubernetes, world: &'a dyn World) -> Result<Self> {
        Ok(Self { cluster, world, traces: observe::traces(world)? })
    }

    pub(super) async fn apply(&self, change: &MemberChange) -> Result<()> {
        match change {
            MemberChange::Bootstrap { machine, version } => self.found(machine, *version).await,
            MemberChange::Join { machine, tier, version } => self.join(machine, *tier, *version).await,
            MemberChange::Drain { machine, reason } => self.drain(machine, *reason).await,
            MemberChange::Upgrade { machine, from, to, first } => {
                self.upgrade(machine, *from, *to, *first).await
            }
            MemberChange::Resume { machine } => self.resume(machine).await,
            MemberChange::Remove { machine } => self.remove(machine).await,
            MemberChange::Forget { name } => self.forget(name, None).await,
            MemberChange::Set { machine, name, value } => self.set(machine, name, value).await,
            MemberChange::Configure { component, fingerprint } => {
                self.configure(component, fingerprint).await
            }
        }
    }

    /// Access to the cluster as its administrator, through its endpoint.
    pub(super) async fn credentials(&self) -> Result<Secret> {
        let what = format!("reading the kubeconfig of {}", self.cluster.id);
        let plane = self.plane(None).await?;
        let file = plane.shell.read("/etc/kubernetes/admin.conf").await.map_err(|it| failure(&*what, it))?;
        let text = file.and_then(|it| String::from_utf8(it).ok());
        let text = text.ok_or_else(|| Error::failed(&what, "there is none on its control plane"))?;
        let endpoint = self.endpoint()?;
        Ok(Secret::from_text(kubeconfig(&text, &self.cluster.id, endpoint)))
    }

    async fn found(&self, machine: &MachineId, version: Version) -> Result<()> {
        let what = format!("founding {} on {machine}", self.cluster.id);
        let node = self.node(machine, Tier::Controlplane, version)?;
        let config = kubeadm::init(&self.cluster.id, &self.cluster.spec, self.endpoint()?, &node);
        let shell = self.world.shell(machine).await?;
        shells::write_config(&*shell, &what, &config).await?;
        let found = script::found(version, self.cluster.sources.api_port);
        run(&*shell, &what, &script::locked(&what, &found)).await.map(drop)
    }

    async fn join(&self, machine: &MachineId, tier: Tier, version: Version) -> Result<()> {
        let what = format!("joining {machine} to {}", self.cluster.id);
        let node = self.node(machine, tier, version)?;
        let plane = self.plane(Some(machine)).await?;
        let invitation = self.invite(&plane, tier, version).await?;
        let joined = self.join_with(&what, machine, &invitation, &node).await;
        let what = format!("taking back the token for {machine}");
        let cleared = run(&*plane.shell, &what, &script::disinvite(&invitation.token)).await;
        // The token ends by itself; that it could not be taken back is no reason to join again.
        if let Err(error) = cleared {
            tracing::warn!(%machine, error = error.chain(), "token left");
        }
        joined
    }

    async fn join_with(
        &self,
        what: &str,
        machine: &MachineId,
        invitation: &Invitation,
        node: &Node<'_>,
    ) -> Result<()> {
        let shell = self.world.shell(machine).await?;
        shells::write_config(&*shell, what, &kubeadm::join(invitation, node)).await?;
        let join = script::join(node.version, node.tier, self.cluster.sources.api_port);
        run(&*shell, what, &script::locked(what, &join)).await.map(drop)
    }

    async fn invite(&self, plane: &Plane, tier: Tier, version: Version) -> Result<Invitation> {
        let what = "making a token";
        let proposed = run(&*plane.shell, what, &script::invite()).await?;
        let server = SocketAddr::new(self.address(&plane.machine)?, self.cluster.sources.api_port);
        let certificate_key = match tier {
            Tier::Workers => None,
            Tier::Controlplane => {
                let config = kubeadm::upload(version, server.ip());
                let upload = script::upload_certificates();
                let what = "uploading the control plane's certificates";
                Some(run_with_input(&*plane.shell, what, &upload, config.as_bytes()).await?)
            }
        };
        let (token, authority) = token_and_authority(&proposed).ok_or_else(|| {
            Error::failed(what, "kubeadm did not print a join command with a token and a hash")
        })?;
        Ok(Invitation { server, token, authority, certificate_key })
    }

    async fn upgrade(&self, machine: &MachineId, from: Version, to: Version, first: bool) -> Result<()> {
        let what = format!("upgrading {machine} from {from} to {to}");
        let tier = self.tier(machine)?;
        let goal = host::without_own_values(self.cluster.host(tier, to));
        let between = host::kubeadm_ahead(host::without_own_values(self.cluster.host(tier, from)), &goal);
        self.world.converge(machine, &between).await?;
        let shell = self.world.shell(machine).await?;
        run(&*shell, &what, &script::locked(&what, &script::upgrade(from, to, first))).await?;
        self.world.converge(machine, &goal).await?;
        run(&*shell, &what, &script::restart_kubelet()).await?;
        // The new version is what tells the planner that this is done.
        let plane = self.plane(None).await?;
        run(&*plane.shell, &what, &script::await_version(&machine.name, to)).await.map(drop)
    }

    async fn drain(&self, machine: &MachineId, reason: DrainReason) -> Result<()> {
        let plane = self.plane(None).await?;
        let what = format!("draining {machine}");
        run(&*plane.shell, &what, &script::drain(&machine.name, reason)).await.map(drop)
    }

    async fn configure(&self, component: &str, fingerprint: &str) -> Result<()> {
        let what = format!("configuring {component}");
        let manifest = self.cluster.network.as_ref();
        let wanted = manifest.filter(|it| component == network::COMPONENT && it.fingerprint() == fingerprint);
        let manifest = wanted.ok_or_else(|| Error::conflict(&what))?;
        let plane = self.plane(None).await?;
        if let Some(text) = manifest.text() {
            let written = plane.shell.write(script::MANIFEST, text.as_bytes(), 0o600).await;
            written.map_err(|it| failure(&*what, it))?;
        }
        run(&*plane.shell, &what, &script::configure(manifest, component, fingerprint)).await.map(drop)
    }

    fn node<'b>(&'b self, machine: &'b MachineId, tier: Tier, version: Version) -> Result<Node<'b>> {
        let taints = self.cluster.spec.pools().find(|(pool, _, _)| *pool == machine.pool).and_then(|it| it.2);
        let api_port = self.cluster.sources.api_port;
        Ok(Node { machine, address: self.address(machine)?, tier, version, api_port, taints })
    }

    fn endpoint(&self) -> Result<SocketAddr> {
        let unknown = || Error::unreachable(format!("endpoint {ENDPOINT} of {}", self.cluster.id));
        self.world.endpoint(ENDPOINT).ok_or_else(unknown)
    }

    fn address(&self, machine: &MachineId) -> Result<std::net::IpAddr> {
        let known = self.world.machines().machines.get(machine).and_then(|it| it.address);
        known.ok_or_else(|| Error::unreachable(format!("machine {machine}")))
    }

    /// What a member does; of pools that are no longer asked for only its own traces tell.
    fn tier(&self, machine: &MachineId) -> Result<Tier> {
        let traces =
            self.traces.get(machine).map(|it| if it.plane { Tier::Controlplane } else { Tier::Workers });
        let pools = self.cluster.pools();
        let known = pools.get(&machine.pool).copied().or(traces);
        known.ok_or_else(|| Error::conflict(format!("member {machine}")))
    }
}

/// The administrator's access under a name that tells clusters apart, at the given address.
fn kubeconfig(text: &str, cluster: &str, endpoint: SocketAddr) -> String {
    let renamed = text.replace("kubernetes-admin", &format!("{cluster}-admin"));
    let lines = renamed.lines().map(|line| match line.split_once("server: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}server: https://{endpoint}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// From `kubeadm join ADDRESS --token TOKEN --discovery-token-ca-cert-hash HASH`.
fn token_and_authority(proposed: &str) -> Option<(String, String)> {
    let words: Vec<&str> = proposed.split_whitespace().filter(|it| *it != "\\").collect();
    let after = |flag: &str| words.iter().position(|it| *it == flag).and_then(|at| words.get(at + 1));
    let (token, hash) = (after("--token")?, after("--discovery-token-ca-cert-hash")?);
    Some(((*token).to_owned(), (*hash).to_owned()))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod texts {
    use super::*;

    #[test]
    fn the_kubeconfig_names_its_cluster_and_its_endpoint() {
        let text = "clusters:\n- cluster:\n    server: https://10.0.0.1:6666\n  name: k8s\nusers:\n- name: kubernetes-admin\n";
        let endpoint = "10.0.0.9:6443".parse().expect("an address");
        insta::assert_snapshot!(kubeconfig(text, "prod", endpoint), @r"
        clusters:
        - cluster:
            server: https://10.0.0.9:6443
          name: k8s
        users:
        - name: prod-admin
        ");
    }

    #[test]
    fn a_proposed_join_is_taken_apart() {
        let proposed = "kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef     --discovery-token-ca-cert-hash sha256:12ab ";
        let expected = ("abcdef.0123456789abcdef".to_owned(), "sha256:12ab".to_owned());
        assert_eq!(token_and_authority(proposed), Some(expected));
        assert_eq!(token_and_authority("error"), None);
    }
}
