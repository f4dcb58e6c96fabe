//! The orb: a desired file, keys, and machines as ORBITER would leave them.

use std::{fmt::Write as _, sync::Arc};

use futures::future::join_all;
use orbos_infra::{
    CURRENT, ClusteredSoftware, Orb, Orbiter, OrbiterSettings, Purpose, SoftwareContext, hosts, machine_goal,
    providers::{self, Connections},
};
use orbos_secrets::{
    Cipher, OrbCipher, OrbKey, Place, Secret,
    generate::{OsRng, ssh_key_pair},
};
use orbos_ssh::{KnownHosts, SshConnect};
use orbos_state::{MemoryRepository, Operator as _, Reconciler as _, Registry, Repository as _};
use sha2::{Digest as _, Sha256};

use crate::{
    software::{KIND, Settled},
    wire::Counted,
};

const ORB: &str = "bench";

pub(crate) struct Bench {
    cipher: Arc<OrbCipher>,
    key: Secret,
    machines: usize,
}

impl Bench {
    pub(crate) fn new(key: &str, machines: usize) -> Self {
        let cipher = OrbCipher::new(OrbKey::generate(&mut OsRng).expect("there are random numbers"), None);
        Self { cipher: Arc::new(cipher), key: Secret::from_text(key), machines }
    }

    /// `orbiter.yml`: one machine in the first pool, all others in the second.
    pub(crate) fn desired(&self) -> String {
        let mut text = format!(
            "kind: orbiter.caos.ch/Orb\nversion: v0\nspec: {{verbose: false}}\nclusters:\n  cluster: {{kind: {KIND}, version: v0}}\n\
             providers:\n  bench:\n    kind: orbiter.caos.ch/StaticProvider\n    version: v1\n    spec:\n      user: root\n      keys:\n"
        );
        // Every machine is in use, so nobody asks for the first one.
        let unused = ssh_key_pair("unused", &mut OsRng).expect("there are random numbers").private;
        for (name, key) in [("bootstrapkeyprivate", &unused), ("maintenancekeyprivate", &self.key)] {
            let place = Place::new(ORB, "orbiter.yml", format!("providers.bench.spec.keys.{name}"));
            let sealed = self.cipher.seal(key, &place).expect("there are random numbers");
            let sealed = serde_json::to_string(&sealed).expect("it is JSON");
            let _ = writeln!(text, "        {name}: {sealed}");
        }
        text.push_str("      pools:\n");
        for number in 1..=self.machines {
            match number {
                1 => text.push_str("        masters:\n"),
                2 => text.push_str("        workers:\n"),
                _ => {}
            }
            let _ = writeln!(text, "        - {{id: m{number}, ip: 127.0.2.{number}}}");
        }
        text.push_str(
            "    loadbalancing: {kind: orbiter.caos.ch/DynamicLoadBalancer, version: v2, spec: {}}\n",
        );
        text
    }

    /// An ORBITER without connections.
    pub(crate) fn orbiter(&self, repository: &MemoryRepository) -> Orbiter {
        let known_hosts = Arc::new(KnownHosts::new());
        let hosts = Arc::clone(&known_hosts);
        let connections =
            Connections::new(move || Arc::new(Counted(SshConnect::new(Arc::clone(&hosts) as _))));
        let settings = OrbiterSettings {
            orb: ORB.into(),
            ciphers: Arc::new(Arc::clone(&self.cipher) as Arc<dyn Cipher>),
            repository: Arc::new(repository.clone()),
            connections: Arc::new(connections),
            known_hosts,
            bundle: None,
            purpose: Purpose::Run,
        };
        let machines = self.machines;
        let software: Registry<dyn ClusteredSoftware, SoftwareContext> = Registry::empty();
        let software = software.with(KIND, move |_, _| Ok(Box::new(Settled { machines })));
        Orbiter::new(settings, providers::builtin(), software)
    }

    /// Puts on every machine what ORBITER leaves there when it replaced the firewall; it would need systemd for that.
    pub(crate) async fn put_firewalls(&self) {
        let repository = MemoryRepository::new([("orbiter.yml", self.desired())]);
        let files = repository.snapshot().await.expect("it is in memory");
        let resolved = self.orbiter(&repository).resolve(&files).expect("the file is valid");
        let orb: &Orb = &resolved.reconciler;
        let observed = orb.observe(&resolved.goal).await.expect("it never fails");
        assert!(observed.unseen.is_empty(), "{:?}", observed.unseen);
        let version = observed.clusters["cluster"].members.values().next().expect("it has members").version;
        let put = observed.machines().map(async |machine| {
            let goal = machine_goal(&resolved.goal, &observed, machine, version).expect("it is wanted");
            let text = hosts::firewall_text(&goal.firewall.expect("there is always one"));
            let print: String =
                Sha256::digest(text.as_bytes()).iter().map(|it| format!("{it:02x}")).collect();
            let provider = orb.provider("bench").expect("it is listed");
            let shell = provider.shell(machine, orbos_infra::Connection::Shared).await.expect("it is there");
            let script = PUT.replace("PRINT", &print);
            let done = shell.run_with_input(&script, text.as_bytes()).await.expect("it answers");
            done.checked("putting the firewall").unwrap();
        });
        join_all(put).await;
        assert!(!files.contains(CURRENT), "nothing was recorded");
    }
}

const PUT: &str = "set -e
mkdir -p /etc/orbos /var/lib/orbos /etc/systemd/system/sysinit.target.wants
cat > /etc/orbos/firewall.nft
nft -f /etc/orbos/firewall.nft
ln -sf ../orbos-firewall.service /etc/systemd/system/sysinit.target.wants/orbos-firewall.service
hash() { sha256sum | cut -d ' ' -f 1; }
echo \"PRINT $(nft -s -n list table inet orbos | hash) $(hash < /etc/orbos/firewall.nft)\" > /var/lib/orbos/firewall
";
